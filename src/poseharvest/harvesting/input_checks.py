"""Checks of a harvest's inputs and result: they return findings, or raise an error if the harvest cannot go on."""

from __future__ import annotations

import torch

from poseharvest.calibration.rig_audit import audit_rig
from poseharvest.capture.frames import facts_of
from poseharvest.errors import CalibrationError, CaptureError, ConfigError, NobodyFoundError
from poseharvest.findings import NOBODY_FOUND, Finding
from poseharvest.harvesting.body_check import check_body
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.limb_findings import limb_findings
from poseharvest.harvesting.nobody import explain_missing_person
from poseharvest.harvesting.subject import Subject

_MOMENTS_FROM = 2  # frames
_MOMENTS = "if the frames do not follow one another, as in time-lapse, say --moments (moments=True)"


def check_hints(job: Job) -> list[Finding]:
    """Return findings on the given frames, limb lengths and boxes.

    Raises:
        CaptureError: the first frame is not in the capture.
        ConfigError: limb lengths or boxes do not belong to this capture, or are given for several people.
    """
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
    return [*_untested_device(job.options.device), *_unknown_views(job)]


def _untested_device(device: str) -> list[Finding]:
    if torch.device(device).type == "cpu":
        return []
    message = f'3D inference on "{device}" is untested: compare the poses of some frames with those of --device cpu'
    return [Finding(severity="warning", topic="device", message=message)]


def _unknown_views(job: Job) -> list[Finding]:
    boxed = () if job.boxes is None else job.boxes.views
    unknown = ", ".join(view for view in boxed if view not in job.capture.rig.names)
    if not unknown:
        return []
    message = f"boxes: expected views among {', '.join(job.capture.rig.names)}, got {unknown}"
    if not set(boxed) & set(job.capture.rig.names):
        raise ConfigError(message)
    return [Finding(severity="warning", topic="boxes", message=f"{message}: not used")]


def audit_inputs(job: Job) -> list[Finding]:
    """Return the findings on capture and rig.

    Raises:
        CalibrationError: one of them is an error, and `ignore_audit` is not set.
    """
    findings = facts_of(job.capture).findings
    return _raise_errors(job, audit_rig(job.capture.rig) if findings is None else findings)


def audit_subject(job: Job, subject: Subject, who: str = "the person") -> list[Finding]:
    """Return the findings on a person's limbs. A wrong unit or mixed up joints can be noticed only here.

    Raises:
        CalibrationError: one of them is an error, and `ignore_audit` is not set.
    """
    findings = check_body(job.detector.skeleton, subject, facts_of(job.capture).unit)
    return _raise_errors(job, findings) + limb_findings(subject, who)


def nobody_found_error(job: Job) -> NobodyFoundError:
    """Return the error for a capture in which no person is found."""
    reason = explain_missing_person(job.capture, job.detector, job.options.start, job.stop) or (
        "no two views agree on a person; give boxes or keypoints, or check the calibration with `audit`"
        + ("" if job.options.moments or job.stop - job.options.start < _MOMENTS_FROM else f"; {_MOMENTS}")
    )
    frames = f"frames {job.options.start} to {job.stop - 1}"
    return NobodyFoundError(f"{job.capture.name}: nobody was found in {frames}: {reason}")


def missing_people(job: Job, num_written: int) -> list[Finding]:
    """Return a finding if there are frames without a person."""
    absent = job.stop - job.options.start - num_written
    if absent <= 0:
        return []
    message = f"{NOBODY_FOUND} {absent} of {job.stop - job.options.start} frames; they hold no annotations"
    if 2 * num_written < job.stop - job.options.start and not job.options.moments:
        message += f"; {_MOMENTS}"
    return [Finding(severity="warning", topic="person", message=message)]


def _raise_errors(job: Job, findings: list[Finding] | tuple[Finding, ...]) -> list[Finding]:
    errors = [finding.message for finding in findings if finding.severity == "error"]
    if errors and not job.options.ignore_audit:
        raise CalibrationError("; ".join(errors))
    return list(findings)
