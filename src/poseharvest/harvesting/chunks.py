"""A stretch of the frames of a harvest of one person: following the person in it, and inferring the poses."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseharvest.annotations.info import FilmInfo
from poseharvest.annotations.preview_pictures import scaled_preview
from poseharvest.arrays import Image
from poseharvest.harvesting.annotate import TOGETHER
from poseharvest.harvesting.film_of_job import film_of_job
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.sighting_streams import (
    PlacedRecord,
    PlacedSighting,
    Position,
    person_tracker,
    placed_sightings,
    records_of_one,
)
from poseharvest.harvesting.subject import Subject
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.localization.sighting import Sighting
from poseharvest.threads import one_thread_an_operation

CHUNK_FRAMES = 64
"""Frames of a chunk where nothing else is asked for: 64 MB of heatmaps with four views and 16 joints."""


@dataclass(frozen=True, eq=False)
class Preview:
    """A picture for the report, (H, W, 3) RGB, scaled down."""

    frame: int
    view: str
    image: Image


@dataclass(frozen=True, eq=False)
class FilmPicture:
    """A small picture of all views, as `film_picture` returns it."""

    frame: int
    picture: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class FollowedChunk:
    """What the views show of the person in a chunk.

    Attributes:
        sightings: in order, with their heatmaps, on the CPU.
        previews: pictures for the report.
        film: small pictures of its frames, if a film is made.
    """

    sightings: tuple[PlacedSighting, ...]
    previews: tuple[Preview, ...]
    film: tuple[FilmPicture, ...]


@dataclass(frozen=True, eq=False)
class HarvestedChunk:
    """What was harvested of a chunk.

    Attributes:
        records: of all sightings, in order.
        previews: pictures for the report.
        film: small pictures of its frames, if a film is made.
    """

    records: tuple[PlacedRecord, ...]
    previews: tuple[Preview, ...]
    film: tuple[FilmPicture, ...]


@dataclass(frozen=True)
class _FilmPictures:
    """Takes pictures of a film on their way to the writer, from the first frame of a chunk on."""

    info: FilmInfo
    next_frame: int
    kept: list[FilmPicture] = field(default_factory=list)

    def add(self, frame: int, picture: NDArray[np.uint8], /) -> None:
        self.kept.append(FilmPicture(frame, picture))


@dataclass(frozen=True)
class _Pictures:
    """Takes pictures on their way to the writer."""

    film: _FilmPictures | None
    kept: list[Preview] = field(default_factory=list)

    def add_preview(self, frame: int, view: str, image: Image) -> None:
        self.kept.append(Preview(frame, view, scaled_preview(image)))


def cut_into_chunks(job: Job, start: int, chunk_frames: int) -> Iterator[range]:
    """Yield the chunks of a harvest from a frame on; their borders do not depend on that frame.

    A border lies between two lists of frames that go to the tracker together. If the person is in every frame, it lies
    between two batches of inference as well.

    Args:
        job: the harvest.
        start: the first frame.
        chunk_frames: length of a chunk, which is rounded up.
    """
    unit = math.lcm(job.frames_together, TOGETHER)
    length = math.ceil(chunk_frames / unit) * unit
    first = job.options.start + (start - job.options.start) // length * length
    for border in range(first, job.stop, length):
        yield range(max(border, start), min(border + length, job.stop))


def follow_chunk(job: Job, frames: range, position: Position | None) -> tuple[FollowedChunk, Position]:
    """Return what the views show of the person in a chunk, and the position after it.

    Args:
        job: the harvest.
        frames: the chunk.
        position: of the first sighting, with what the tracker remembers; None at the start of the harvest.
    """
    film = film_of_job(job)
    pictures = _Pictures(None if film is None else _FilmPictures(film, frames.start))
    with _threads(job):
        tracker = person_tracker(job)
        placed = placed_sightings(tracker, job, pictures, position, frames.stop)
        sightings = tuple(replace(one, sighting=_on_cpu(one.sighting)) for one in placed)
    in_film = () if pictures.film is None else tuple(pictures.film.kept)
    return FollowedChunk(sightings, tuple(pictures.kept), in_film), Position(frames.stop, 0, tracker.state)


def infer_chunk(job: Job, subject: Subject, chunk: FollowedChunk) -> HarvestedChunk:
    """Return the records of a chunk.

    Args:
        job: the harvest.
        subject: the person.
        chunk: what the views show of them.
    """
    with _threads(job):
        records = tuple(records_of_one(job, subject, chunk.sightings))
    return HarvestedChunk(records, chunk.previews, chunk.film)


def _threads(job: Job) -> AbstractContextManager[Any]:
    """Share the processor's cores as a harvest in a single process does."""
    return one_thread_an_operation() if job.has_keypoints else nullcontext()


def _on_cpu(sighting: Sighting) -> Sighting:
    heatmaps = sighting.heatmaps
    return replace(sighting, heatmaps=Heatmaps(heatmaps.values.cpu(), heatmaps.crops))
