"""The provenance of a harvest for `harvest.json`: capture, detector, options and findings."""

from __future__ import annotations

from typing import Any

from poseharvest.annotations.info import CaptureInfo, DetectorInfo, HarvestRun, PersonInfo
from poseharvest.capture.frames import facts_of, fingerprints_of
from poseharvest.detectors.protocol import details_of
from poseharvest.findings import Finding
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.subject import Subject, by_name


def described_refinement(job: Job, subject: Subject) -> dict[str, Any] | None:
    """Return what places a subject's joints between the voxels, in plain data."""
    if subject.refinement is None:
        return None
    return subject.refinement.described(job.detector.skeleton, job.capture.rig.names)


def provenance(
    job: Job, findings: list[Finding], subject: Subject | None = None, people: tuple[PersonInfo, ...] = ()
) -> HarvestRun:
    """Return the record of a run: its inputs, options, people and findings.

    Args:
        job: the inputs.
        findings: all findings of the run.
        subject: the person, if there is only one.
        people: all people, if the options ask for several.
    """
    options = job.options.as_dict()
    if subject is not None:
        model = job.learner.model(subject.shells)
        options |= {"voxel_mm": model.voxel_mm, "edge_mm": model.edge_mm, "tolerance_mm": model.tolerance_mm}
        options["shells_mm"] = by_name(subject.shells)
    options["limb_lengths_given"] = job.limb_lengths is not None
    options["boxes_given"] = job.boxes is not None
    facts = facts_of(job.capture)
    folder = facts.folder
    return HarvestRun(
        capture=CaptureInfo(
            name=job.capture.name,
            path=None if folder is None else str(folder.resolve()),
            frame_rate=job.capture.frame_rate,
            num_frames=job.capture.num_frames,
            fingerprints=fingerprints_of(job.capture),
            timing=None if facts.timing is None else dict(facts.timing),
        ),
        detector=DetectorInfo(
            name=job.detector.name, heatmap_size=job.detector.heatmap_size, details=details_of(job.detector)
        ),
        limb_lengths_mm={} if subject is None else by_name(subject.lengths),
        refinement=None if subject is None else described_refinement(job, subject),
        people=people,
        known_people=tuple(one.info for one in job.known_people),
        options=options,
        findings=tuple(findings),
        camera_faults=() if job.fault is None else (job.fault,),
    )
