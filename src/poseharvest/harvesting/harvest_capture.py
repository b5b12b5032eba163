"""The main job: footage in, a harvest folder out. This file only connects the stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from poseharvest.annotations.info import HarvestRun
from poseharvest.annotations.reader import Harvest, is_harvest
from poseharvest.annotations.unfinished import remove_progress
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.capture.frames import FrameSource, pictures_of
from poseharvest.detectors.protocol import HeatmapDetector, fit_to_footage
from poseharvest.diagnosis.diagnose import Diagnosis
from poseharvest.errors import ConfigError, StoreError
from poseharvest.findings import Finding
from poseharvest.harvesting.camera_check import LeaveOut
from poseharvest.harvesting.film_of_job import film_findings, film_of_job
from poseharvest.harvesting.find_followed import find_followed
from poseharvest.harvesting.foreseen import check_foreseen
from poseharvest.harvesting.hand_learning import hand_finder
from poseharvest.harvesting.hand_records import part_of
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.harvest_request import request_of, sha256_of_request
from poseharvest.harvesting.input_checks import audit_inputs, check_hints
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.jumps import has_jumps
from poseharvest.harvesting.known_people import KnownPerson
from poseharvest.harvesting.over_workers import Workers
from poseharvest.harvesting.separate_moments import harvest_moments
from poseharvest.harvesting.several_people import harvest_people
from poseharvest.harvesting.single_person import harvest_one, stored_fault
from poseharvest.harvesting.stretch_check import still_share, stretch_faults
from poseharvest.harvesting.upright_detector import upright_detector
from poseharvest.localization.boxes import Boxes
from poseharvest.progress import OnProgress, Progress, silent
from poseharvest.skeleton.hands import with_hands
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.threads import one_thread_an_operation

__all__ = ["OnProgress", "Progress", "harvest"]

HarvestFrames = Callable[[Job, HarvestWriter, list[Finding]], HarvestRun]
"""Writes the records of all frames, and returns the record of the run."""


def harvest(  # noqa: PLR0913 - the stage's inputs, each optional one of its own kind
    capture: FrameSource,
    detector: HeatmapDetector,
    out: str | Path,
    *,
    options: HarvestOptions | None = None,
    boxes: Boxes | None = None,
    limb_lengths: LimbLengths | None = None,
    known_people: Sequence[KnownPerson] = (),
    overwrite: bool = False,
    resume: bool = False,
    on_progress: OnProgress | None = None,
    workers: Workers | None = None,
) -> Harvest:
    """Harvest a capture and return the folder, opened.

    Frames are streamed: memory does not depend on the capture's length. A harvest that is interrupted can be gone on
    with: every finished part of it is kept. What an error keeps stands in a note of the error.

    Args:
        capture: the footage with its cameras; `Capture.open(path)`.
        detector: the 2D network; `load_detector(name)`.
        out: the folder to make.
        options: the defaults if None.
        boxes: windows around the person, if they are known.
        limb_lengths: of the subject; estimated from the footage if None.
        known_people: people of other captures: whoever is surely one of them gets that number and body. Only where
            several people are harvested in frames in a row.
        overwrite: replace an earlier harvest at `out`.
        resume: go on with an interrupted harvest at `out`, or begin if there is none. One that is finished is returned.
        on_progress: called as frames are finished, some at a time.
        workers: harvest the frames of one person, in chunks, as `ray_workers` gives them; None harvests them here.
            Inputs are checked and the person is learned here all the same.

    Raises:
        ClusterError: the workers fail.
        ConfigError: the options name a person whom nobody sees.
        CaptureError: no person is found in the footage, it ends before the first frame of the options, or a name is
            not in UTF-8.
        CalibrationError: the audit finds an error and `ignore_audit` is not set.
        ConfigError: limb lengths or boxes belong to other limbs or views than the capture's, or `resume` is set and the
            interrupted harvest was begun with something else, or harvests of its kind cannot be spread over workers.
        StoreError: `out` exists, cannot be written, or its disk has no room for what is foreseen.
    """
    fitted = fit_to_footage(detector, pictures_of(capture))
    job = Job(capture, fitted.detector, options or HarvestOptions(), boxes, limb_lengths, on_progress or silent)
    findings = check_hints(job) + audit_inputs(job) + list(fitted.findings) + film_findings(job)
    check_foreseen(job, Path(out))
    upright = upright_detector(capture, fitted.detector, job.options.start, job.stop)
    job, findings = replace(job, detector=upright.detector), [*findings, *upright.findings]
    harvest_frames = _harvester(job)
    job = replace(job, known_people=tuple(known_people) if harvest_frames is harvest_people else ())
    _check_followed(job, harvest_frames)
    _check_can_be_spread(job, harvest_frames, workers)
    _check_hands(job, harvest_frames, workers)
    request = request_of(job)
    finished = _finished(Path(out), request) if resume else None
    if finished is not None:
        return finished
    job = replace(job, followed=find_followed(job))
    writing = partial(
        HarvestWriter,
        out,
        skeleton=with_hands(job.detector.skeleton) if job.options.hands else job.detector.skeleton,
        overwrite=overwrite,
        recalibration=job.options.recalibration,
        request=request,
        resume=resume,
    )
    try:
        return _write(job, harvest_frames, writing, findings, workers)
    except LeaveOut as found:
        return _write(job.without(found.fault), harvest_frames, writing, findings, workers)


def _write(
    job: Job,
    harvest_frames: HarvestFrames,
    writing: partial[HarvestWriter],
    findings: list[Finding],
    workers: Workers | None,
) -> Harvest:
    """Write the harvest and return it.

    Raises:
        LeaveOut: a camera is plainly at fault, or was when the harvest was begun: begin again without it.
    """
    with (
        # Without a network all tensors are small.
        one_thread_an_operation() if job.has_keypoints else nullcontext(),
        writing(rig=job.capture.rig) as writer,
    ):
        if writer.is_complete:
            return writer.commit()
        if harvest_frames is harvest_one and job.fault is None and (known := stored_fault(writer)) is not None:
            raise LeaveOut(known)
        if (film := film_of_job(job)) is not None:
            writer.keep_film(film)
        harvest_all = harvest_frames if workers is None else partial(harvest_one, workers=workers)
        run = harvest_all(job, writer, findings)
        is_judged = harvest_frames is harvest_one and job.boxes is None
        diagnosis = _diagnosis(job, writer, judges_cameras=not is_judged)
        if harvest_frames is not harvest_moments:
            faults = run.camera_faults + stretch_faults(job, diagnosis.stretches())
            run = run.model_copy(update={"camera_faults": faults})
        run = diagnosis.completed(run, lambda step: job.report(job.stop, step))
        run = run.model_copy(update={"request_sha256": sha256_of_request(writer.request)})
        job.report(job.stop, "selecting annotations")
        # Keypoints count as true; peaks of a network may agree by chance.
        by_chance = {} if job.has_keypoints else diagnosis.coverage.hardly_shown()
        motion = None if harvest_frames is harvest_moments else job.options.motion
        return writer.finish(run, job.options.selection, by_chance, motion)


def _diagnosis(job: Job, writer: HarvestWriter, *, judges_cameras: bool) -> Diagnosis:
    """Return the diagnosis of all records."""
    diagnosis = Diagnosis(
        job.capture.rig, job.detector.skeleton, judges_cameras=judges_cameras, still_share=still_share(job)
    )
    body = slice(len(job.detector.skeleton))  # hands judge no camera
    report = job.part_reporter(job.stop)
    for record in writer.records():
        diagnosis.add(part_of(record, body) if job.options.hands else record)
        report(f"looking back at the poses, frame {record.frame}")
    return diagnosis


def _harvester(job: Job) -> HarvestFrames:
    """Return the function that harvests the frames: each frame alone, or in a row with one person or several."""
    if job.options.moments or (job.options.moments is None and has_jumps(job)):
        return harvest_moments
    return harvest_one if job.options.people == 1 else harvest_people


def _check_followed(job: Job, harvest_frames: Callable[..., HarvestRun]) -> None:
    if job.options.follow is not None and (harvest_frames is not harvest_one or job.boxes is not None):
        what = "boxes that say already who it is" if job.boxes is not None else "moments"
        raise ConfigError(f"follow: expected frames in a row and no boxes, got {what}")


def _check_can_be_spread(job: Job, harvest_frames: Callable[..., HarvestRun], workers: Workers | None) -> None:
    if workers is None:
        return
    if harvest_frames is not harvest_one:
        kind = "moments" if harvest_frames is harvest_moments else "several people"
        raise ConfigError(f"--ray: a harvest of {kind} cannot be spread over workers, only one of one person")
    workers.check(job)


def _check_hands(job: Job, harvest_frames: Callable[..., HarvestRun], workers: Workers | None) -> None:
    if not job.options.hands:
        return
    if harvest_frames is not harvest_one or workers is not None:
        what = "moments" if harvest_frames is harvest_moments else "several people"
        got = "frames spread over workers (--ray)" if workers is not None else what
        raise ConfigError(f"hands: expected one person in frames in a row, harvested here, got {got}")
    hand_finder(job)


def _finished(out: Path, request: Mapping[str, Any]) -> Harvest | None:
    """Return the harvest at `out`, or None if none is finished there.

    Raises:
        StoreError: it was made from another request.
    """
    if not is_harvest(out):
        return None
    harvest = Harvest.open(out)
    if harvest.info.request_sha256 != sha256_of_request(request):
        raise StoreError(
            f"{out}: already exists, and was made with other options, footage, calibration, limb lengths or versions: "
            "choose another output, or ask to overwrite it (--overwrite)"
        )
    remove_progress(harvest.path)
    return harvest
