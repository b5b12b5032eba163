"""Spreading the harvest of one person over workers, in chunks of frames.

A tracker knows from each frame where to look in the next one, so following is a chain: each chunk is followed after the
one before it, with what the tracker remembers. Inference needs nothing but the heatmaps, so it runs on many chunks at a
time. In this way the records are those of a single process.

We tried to follow chunks at the same time, each with a new tracker that first looks at some frames before the chunk. On
real footage the windows of two such trackers differ for dozens of frames (docs/scale.md), and so do the poses.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from poseharvest.annotations.writer import HarvestWriter
from poseharvest.harvesting.chunks import HarvestedChunk, cut_into_chunks
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.sighting_streams import PlacedRecord, Position
from poseharvest.harvesting.subject import Subject


class ChunkPool(Protocol):
    """Workers that hold the inputs of a harvest."""

    @property
    def most_pending(self) -> int:
        """Number of chunks that may be given out before the first of them comes back, 1 or more."""
        ...

    def submit(self, frames: range) -> Callable[[], HarvestedChunk]:
        """Give out the chunk after the last one, and return what waits for it and returns it."""
        ...


class Workers(Protocol):
    """Where chunks are harvested."""

    @property
    def chunk_frames(self) -> int:
        """Frames of a chunk, 1 or more; they are rounded up to whole batches."""
        ...

    def check(self, job: Job) -> None:
        """Raise an error if the workers cannot harvest; it is asked for before anything is learned."""
        ...

    def open(self, job: Job, subject: Subject, position: Position | None) -> AbstractContextManager[ChunkPool]:
        """Bring the inputs of a harvest to the workers; at the end, whatever is still given out is called back.

        Args:
            job: the harvest.
            subject: the person.
            position: of the first sighting; None is the harvest's start.
        """
        ...


def spread_records(
    job: Job, writer: HarvestWriter, workers: Workers, *, subject: Subject, position: Position | None = None
) -> Iterator[PlacedRecord]:
    """Yield the record of every sighting of the one person, in order, as workers make them.

    Args:
        job: the harvest.
        writer: takes the pictures for the report.
        workers: harvest the chunks.
        subject: the person.
        position: of the first sighting; None is the harvest's start.
    """
    start = job.options.start if position is None else position.frame
    chunks = cut_into_chunks(job, start, workers.chunk_frames)
    pending = deque[Callable[[], HarvestedChunk]]()
    with workers.open(job, subject, position) as pool:
        while True:
            while len(pending) < pool.most_pending and (frames := next(chunks, None)) is not None:
                pending.append(pool.submit(frames))
            if not pending:
                return
            chunk = pending.popleft()()
            _keep_pictures(writer, chunk)
            yield from chunk.records


def _keep_pictures(writer: HarvestWriter, chunk: HarvestedChunk) -> None:
    for one in chunk.previews:
        writer.add_preview(one.frame, one.view, one.image)
    if writer.film is not None:
        for picture in chunk.film:
            writer.film.add(picture.frame, picture.picture)
