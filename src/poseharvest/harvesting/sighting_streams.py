"""The streams of a harvest: frames, the sightings of people in them, and the records of one person."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, TypeVar

from poseharvest.annotations.film import FilmSink
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.arrays import Image
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.geometry.rig import Rig
from poseharvest.harvesting.annotate import TOGETHER, annotate, batched, infer_each
from poseharvest.harvesting.film_of_job import frames_of_film, show_frame, show_missed_frames
from poseharvest.harvesting.hand_sightings import HandTally
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.input_checks import nobody_found_error
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.spool import SightingSpool
from poseharvest.harvesting.subject import Subject
from poseharvest.localization.follow.one_of_many import one_person_tracker
from poseharvest.localization.follow.one_person import OnePersonTracker
from poseharvest.localization.follow.people_tracker import PeopleTracker
from poseharvest.localization.sighting import FrameSightings, Sighting


@dataclass(frozen=True, eq=False)
class Position:
    """The place of a sighting, or of a moment, in the stream of them.

    Attributes:
        frame: the first of the frames that went to the tracker together with the sighting's.
        skip: number of sightings, or moments, of these frames that come before it.
        tracker: the tracker's state before these frames.
    """

    frame: int
    skip: int
    tracker: Any


class Pictures(Protocol):
    """What keeps pictures for the report; a `HarvestWriter`, or what brings them to one."""

    @property
    def film(self) -> FilmSink | None:
        """Takes small pictures of all frames; None if no film is made."""
        ...

    def add_preview(self, frame: int, view: str, image: Image, /) -> None:
        """Keep the picture (H, W, 3), RGB, of a view."""
        ...


Seen_co = TypeVar("Seen_co", covariant=True)


class _Tracker(Protocol[Seen_co]):
    """What follows one person, or all people, and can go on from what another one remembered."""

    state: Any

    def observe(self, frames: Sequence[MultiViewFrame], /) -> Sequence[Seen_co]:
        """Return what is seen in the next frames."""
        ...


@dataclass(frozen=True, eq=False)
class PlacedSighting:
    """A sighting with its place in the stream."""

    sighting: Sighting
    position: Position


@dataclass(frozen=True, eq=False)
class PlacedMoment:
    """The sightings of all people in a frame, with their place in the stream."""

    moment: FrameSightings
    position: Position


@dataclass(frozen=True, eq=False)
class PlacedRecord:
    """The record of a sighting.

    Attributes:
        record: its annotations.
        holds_person: enough joints are supported for a person, so that the record belongs to the harvest.
        position: the place of the sighting if it begins a batch of inference, else None.
        hands: what was seen of hands up to this record, if they are harvested.
    """

    record: FrameAnnotations
    holds_person: bool
    position: Position | None
    hands: HandTally | None = None


def footage(
    job: Job, pictures: Pictures, start: int | None = None, stop: int | None = None
) -> Generator[list[MultiViewFrame], None, None]:
    """Stream the frames in short lists, and save pictures for the report on the way.

    Args:
        job: the harvest.
        pictures: takes the pictures.
        start: the first frame, which must begin a list; None for the harvest's own.
        stop: frame before which to stop; None for the harvest's own.
    """
    preview_frames = _preview_frames(job.options, job.stop)
    first = job.options.start if start is None else start
    last = job.stop if stop is None else stop
    show_missed_frames(job, pictures.film, first)
    shown = preview_frames.union(frames_of_film(pictures.film))
    for frames in batched(job.frames(first, last, shown), job.frames_together):
        for frame in frames:
            show_frame(pictures.film, frame)
            if frame.index in preview_frames:
                _keep_pictures(pictures, frame, job.capture.rig)
        yield frames


def person_tracker(job: Job) -> OnePersonTracker:
    """Return a new tracker of one person."""
    is_metric = not job.options.ignore_audit
    return one_person_tracker(job.detector, job.capture.rig, job.boxes, is_metric=is_metric, followed=job.followed)


def sightings_of_one(
    job: Job, pictures: Pictures, position: Position | None = None
) -> Generator[PlacedSighting, None, None]:
    """Stream the sightings of the one person, from a position on or from the start."""
    return placed_sightings(person_tracker(job), job, pictures, position)


def placed_sightings(
    tracker: OnePersonTracker, job: Job, pictures: Pictures, position: Position | None = None, stop: int | None = None
) -> Generator[PlacedSighting, None, None]:
    """Stream what a tracker sees of the one person.

    Args:
        tracker: goes on from the position, or from what it knows if that is None.
        job: the harvest.
        pictures: takes the pictures for the report.
        position: of the first sighting; None is the harvest's start.
        stop: frame before which to stop; None for the harvest's own.
    """
    for sighting, place in _observed(tracker, job, pictures, position, stop):
        yield PlacedSighting(sighting, place)


def sightings_of_all(
    job: Job, pictures: Pictures, position: Position | None = None
) -> Generator[PlacedMoment, None, None]:
    """Stream the sightings of all people, frame by frame, from a position on or from the start."""
    tracker = PeopleTracker(job.detector, job.capture.rig, job.options.people)
    for moment, place in _observed(tracker, job, pictures, position):
        yield PlacedMoment(moment, place)


def _observed(
    tracker: _Tracker[Seen_co], job: Job, pictures: Pictures, position: Position | None, stop: int | None = None
) -> Iterator[tuple[Seen_co, Position]]:
    """Yield all that a tracker observes, with its place, from a position on or from the start."""
    start, skip = job.options.start, 0
    if position is not None:
        tracker.state, start, skip = position.tracker, position.frame, position.skip
    for frames in footage(job, pictures, start, stop):
        state = tracker.state
        for number, seen in enumerate(tracker.observe(frames)):
            if number >= skip:
                yield seen, Position(frames[0].index, number, state)
        skip = 0


def records_of_one(job: Job, subject: Subject, placed: Iterable[PlacedSighting]) -> Iterator[PlacedRecord]:
    """Yield the record of every sighting of the one person, in order; the first sighting begins a batch of inference.

    Args:
        job: the harvest.
        subject: the person.
        placed: the sightings, which are read one batch ahead.
    """
    positions: deque[Position] = deque()  # of the batch that is being inferred

    def sightings() -> Iterator[Sighting]:
        for one in placed:
            positions.append(one.position)
            yield one.sighting

    inferred = infer_each(job.learner.model(subject.shells), sightings(), subject.support, subject.refinement)
    for number, (sighting, posterior) in enumerate(inferred):
        position = positions.popleft()
        record = annotate(sighting, posterior, support=subject.support)
        # After a person has left, a network still gives peaks at the last place, but no two views agree on them.
        holds_person = job.boxes is not None or subject.support.holds_person(record.supported)
        yield PlacedRecord(record, holds_person, position if number % TOGETHER == 0 else None)


def warm_up(job: Job, placed: Iterator[PlacedSighting], spool: SightingSpool) -> list[Position]:
    """Fill the spool with the first sightings, and return their positions.

    Raises:
        NobodyFoundError: there are none.
    """
    positions = []
    for one in islice(placed, job.options.warm_up_frames):
        spool.append(one.sighting)
        positions.append(one.position)
        job.report(job.options.start, f"looking at the subject, frame {one.sighting.frame}")
    if not positions:
        raise nobody_found_error(job)
    return positions


def _keep_pictures(pictures: Pictures, frame: MultiViewFrame, rig: Rig) -> None:
    for view, image in zip(rig.names, frame.images, strict=True):
        if image is not None:
            pictures.add_preview(frame.index, view, image)


def _preview_frames(options: HarvestOptions, stop: int) -> set[int]:
    count = min(options.num_previews, stop - options.start)
    if count <= 0:
        return set()
    step = (stop - options.start) / count
    return {options.start + int((i + 0.5) * step) for i in range(count)}
