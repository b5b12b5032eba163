"""The streams of a harvest: frames, and the sightings of people in them."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import islice

from poseharvest.annotations.writer import HarvestWriter
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.geometry.rig import Rig
from poseharvest.harvesting.annotate import batched
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.input_checks import nobody_found_error
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.spool import SightingSpool
from poseharvest.localization.follow.one_of_many import one_person_tracker
from poseharvest.localization.follow.one_person import OnePersonTracker
from poseharvest.localization.follow.people_tracker import PeopleTracker
from poseharvest.localization.sighting import FrameSightings, Sighting


def footage(job: Job, writer: HarvestWriter) -> Generator[list[MultiViewFrame], None, None]:
    """Stream the frames in short lists, and save a few pictures for the report on the way."""
    preview_frames = _preview_frames(job.options, job.stop)
    for frames in batched(job.frames(job.options.start, job.stop, preview_frames), job.frames_together):
        for frame in frames:
            if frame.index in preview_frames:
                _keep_pictures(writer, frame, job.capture.rig)
        yield frames


def person_tracker(job: Job) -> OnePersonTracker:
    """Return a new tracker of one person."""
    is_metric = not job.options.ignore_audit
    return one_person_tracker(job.detector, job.capture.rig, job.boxes, is_metric=is_metric)


def sightings_of_one(job: Job, writer: HarvestWriter) -> Generator[Sighting, None, None]:
    """Stream the sightings of the one person."""
    tracker = person_tracker(job)
    for frames in footage(job, writer):
        yield from tracker.observe(frames)


def sightings_of_all(job: Job, writer: HarvestWriter) -> Generator[FrameSightings, None, None]:
    """Stream the sightings of all people, frame by frame."""
    tracker = PeopleTracker(job.detector, job.capture.rig, job.options.people)
    for frames in footage(job, writer):
        yield from tracker.observe(frames)


def warm_up(job: Job, sightings: Iterator[Sighting], spool: SightingSpool) -> None:
    """Fill the spool with the first sightings.

    Raises:
        NobodyFoundError: there are none.
    """
    for sighting in islice(sightings, job.options.warm_up_frames):
        spool.append(sighting)
        job.report(job.options.start, f"looking at the subject, frame {sighting.frame}")
    if not len(spool):
        raise nobody_found_error(job)


def _keep_pictures(writer: HarvestWriter, frame: MultiViewFrame, rig: Rig) -> None:
    for view, image in zip(rig.names, frame.images, strict=True):
        if image is not None:
            writer.add_preview(frame.index, view, image)


def _preview_frames(options: HarvestOptions, stop: int) -> set[int]:
    count = min(options.num_previews, stop - options.start)
    if count <= 0:
        return set()
    step = (stop - options.start) / count
    return {options.start + int((i + 0.5) * step) for i in range(count)}
