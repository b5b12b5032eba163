"""What is odd about a harvest's inputs and result: findings, or an error where it cannot go on."""

from __future__ import annotations

from poseharvest.calibration.rig_audit import audit_rig
from poseharvest.capture.frames import facts_of
from poseharvest.errors import CalibrationError, CaptureError, ConfigError, NobodyFoundError
from poseharvest.findings import Finding
from poseharvest.harvesting.body_check import check_body
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.limb_findings import limb_findings
from poseharvest.harvesting.nobody import why_nobody
from poseharvest.harvesting.subject import Subject

_MOMENTS_FROM = 2  # frames
_MOMENTS = "if the frames do not follow one another, as in time-lapse, say --moments (moments=True)"


def check_hints(job: Job) -> list[Finding]:
    """Return what is odd about the frames, limb lengths and boxes that were given; raise where they cannot be."""
    if job.options.start >= job.capture.num_frames:
        raise CaptureError(
            f"{job.capture.name}: expected a first frame of 0 to {job.capture.num_frames - 1}, got {job.options.start}"
        )
    if job.limb_lengths is not None:
        job.limb_lengths.of(job.detector.skeleton)
    if job.options.people != 1 and not (job.boxes is None and job.limb_lengths is None):
        raise ConfigError(
            "people: boxes and limb lengths are those of one person: expected people=1 with them (--people 1)"
        )
    boxed = () if job.boxes is None else job.boxes.views
    unknown = ", ".join(view for view in boxed if view not in job.capture.rig.names)
    if not unknown:
        return []
    message = f"boxes: expected views among {', '.join(job.capture.rig.names)}, got {unknown}"
    if not set(boxed) & set(job.capture.rig.names):
        raise ConfigError(message)
    return [Finding(severity="warning", topic="boxes", message=f"{message}: not used")]


def audit_inputs(job: Job) -> list[Finding]:
    """Return what is odd about capture and rig; an error among it ends the harvest unless it is to be ignored."""
    found = facts_of(job.capture).findings
    return _judged(job, audit_rig(job.capture.rig) if found is None else found)


def audit_subject(job: Job, subject: Subject, who: str = "the person") -> list[Finding]:
    """Return what is odd about somebody's limbs: the only place where a wrong unit or joints mixed up show."""
    found = check_body(job.detector.skeleton, subject, facts_of(job.capture).unit)
    return _judged(job, found) + limb_findings(subject, who)


def nobody_found(job: Job) -> NobodyFoundError:
    """Return the error of a capture in which nobody is found."""
    reason = why_nobody(job.capture, job.detector, job.options.start, job.stop) or (
        "no two views agree on a person; give boxes or keypoints, or check the calibration with `audit`"
        + ("" if job.options.moments or job.stop - job.options.start < _MOMENTS_FROM else f"; {_MOMENTS}")
    )
    frames = f"frames {job.options.start} to {job.stop - 1}"
    return NobodyFoundError(f"{job.capture.name}: nobody was found in {frames}: {reason}")


def missing_people(job: Job, num_written: int) -> list[Finding]:
    """Return a finding if there was not somebody in every frame."""
    absent = job.stop - job.options.start - num_written
    if absent <= 0:
        return []
    message = f"nobody was found in {absent} of {job.stop - job.options.start} frames; they hold no annotations"
    if 2 * num_written < job.stop - job.options.start and not job.options.moments:
        message += f"; {_MOMENTS}"
    return [Finding(severity="warning", topic="person", message=message)]


def _judged(job: Job, found: list[Finding] | tuple[Finding, ...]) -> list[Finding]:
    errors = [finding.message for finding in found if finding.severity == "error"]
    if errors and not job.options.ignore_audit:
        raise CalibrationError("; ".join(errors))
    return list(found)
