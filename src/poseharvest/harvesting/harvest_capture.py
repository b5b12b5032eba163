"""The main job: footage in, a harvest folder out. This file only connects the stages."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path

from poseharvest.annotations.info import HarvestRun
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.capture.frames import FrameSource, pictures_of
from poseharvest.capture.prefetch import prefetch
from poseharvest.detectors.protocol import HeatmapDetector, fit_to_footage
from poseharvest.diagnosis.diagnose import Diagnosis
from poseharvest.findings import Finding
from poseharvest.harvesting.annotate import annotate
from poseharvest.harvesting.foreseen import check_foreseen
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.inference_batches import infer_each
from poseharvest.harvesting.input_checks import (
    audit_inputs,
    audit_subject,
    check_hints,
    missing_people,
    nobody_found_error,
)
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.jumps import has_jumps
from poseharvest.harvesting.provenance import provenance
from poseharvest.harvesting.separate_moments import harvest_moments
from poseharvest.harvesting.several_people import harvest_people
from poseharvest.harvesting.sighting_streams import sightings_of_one, warm_up
from poseharvest.harvesting.spool import SightingSpool
from poseharvest.harvesting.teachers import collect_teachers
from poseharvest.harvesting.upright_detector import upright_detector
from poseharvest.localization.boxes import Boxes
from poseharvest.progress import OnProgress, Progress
from poseharvest.skeleton.limb_lengths import LimbLengths

__all__ = ["OnProgress", "Progress", "harvest"]


def harvest(  # noqa: PLR0913 - the stage's inputs, each optional one of its own kind
    capture: FrameSource,
    detector: HeatmapDetector,
    out: str | Path,
    *,
    options: HarvestOptions | None = None,
    boxes: Boxes | None = None,
    limb_lengths: LimbLengths | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
) -> Harvest:
    """Harvest a capture and return the folder, opened.

    Frames are streamed: memory does not depend on the capture's length.

    Args:
        capture: the footage with its cameras; `Capture.open(path)`.
        detector: the 2D network; `load_detector(name)`.
        out: the folder to make.
        options: the defaults if None.
        boxes: windows around the person, if they are known.
        limb_lengths: of the subject; estimated from the footage if None.
        overwrite: replace an earlier harvest at `out`.
        on_progress: called as frames are finished, some at a time.

    Raises:
        CaptureError: no person is found in the footage, it ends before the first frame of the options, or a name is
            not in UTF-8.
        CalibrationError: the audit finds an error and `ignore_audit` is not set.
        ConfigError: limb lengths or boxes belong to other limbs or views than the capture's.
        StoreError: `out` exists, cannot be written, or its disk has no room for what is foreseen.
    """
    fitted = fit_to_footage(detector, pictures_of(capture))
    job = Job(capture, fitted.detector, options or HarvestOptions(), boxes, limb_lengths, on_progress or _silent)
    findings = check_hints(job) + audit_inputs(job) + list(fitted.findings)
    check_foreseen(job, Path(out))
    upright = upright_detector(capture, fitted.detector, job.options.start, job.stop)
    job, findings = replace(job, detector=upright.detector), [*findings, *upright.findings]
    with HarvestWriter(
        out,
        rig=capture.rig,
        skeleton=fitted.detector.skeleton,
        overwrite=overwrite,
        recalibration=job.options.recalibration,
    ) as writer:
        diagnosis = Diagnosis(capture.rig, fitted.detector.skeleton)
        writer.listen(diagnosis.add)
        harvest_frames = _harvester(job)
        run = diagnosis.completed(harvest_frames(job, writer, findings))
        job.report(job.stop, "selecting annotations")
        # Keypoints count as true; peaks of a network may agree by chance.
        by_chance = {} if job.has_keypoints else diagnosis.coverage.hardly_shown()
        motion = None if harvest_frames is harvest_moments else job.options.motion
        return writer.finish(run, job.options.selection, by_chance, motion)


def _harvester(job: Job) -> Callable[[Job, HarvestWriter, list[Finding]], HarvestRun]:
    """Return the function that harvests the frames: each frame alone, or in a row with one person or several."""
    if job.options.moments or (job.options.moments is None and has_jumps(job)):
        return harvest_moments
    return _harvest_one if job.options.people == 1 else harvest_people


def _harvest_one(job: Job, writer: HarvestWriter, findings: list[Finding]) -> HarvestRun:
    """Write the annotations of the one person on whom most views agree."""
    with (
        writer.scratch_file() as scratch,
        writer.scratch_file() as more,
        closing(prefetch([sightings_of_one(job, writer)], depth=job.frames_ahead)) as ahead,
    ):
        sightings = (sighting for (sighting,) in ahead)
        first = SightingSpool(scratch, writer.target)
        warm_up(job, sightings, first)
        subject = job.learn(collect_teachers(job, first, SightingSpool(more, writer.target)))
        findings = findings + audit_subject(job, subject)
        model = job.learner.model(subject.shells)
        num_written = 0
        for sighting, posterior in infer_each(model, chain(first, sightings), subject.support, subject.refinement):
            record = annotate(sighting, posterior, support=subject.support)
            if job.holds_person(record, subject.support):
                writer.add(record)
                num_written += 1
            job.report(sighting.frame + 1, "harvesting")
    if num_written == 0:
        raise nobody_found_error(job)
    return provenance(job, findings + missing_people(job, num_written), subject)


def _silent(progress: Progress) -> None:
    """Ignore progress."""
