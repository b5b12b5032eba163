"""Workers of this process, for tests of what is spread: the same chunks, cut and put together as on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch

from poseharvest.annotations.reader import Harvest
from poseharvest.harvesting.chunks import HarvestedChunk, follow_chunk, infer_chunk
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.sighting_streams import Position
from poseharvest.harvesting.subject import Subject


@dataclass
class WorkersHere:
    """They harvest a chunk when it is waited for. `chunks` are those given out; `dies_at` is the first frame of one."""

    chunk_frames: int = 16
    most_pending: int = 3
    dies_at: int | None = None
    chunks: list[range] = field(default_factory=list)

    def check(self, job: Job) -> None:
        """Nothing can be missing here."""

    @contextmanager
    def open(self, job: Job, subject: Subject, position: Position | None) -> Iterator[_Pool]:
        yield _Pool(self, job, subject, position)


@dataclass
class _Pool:
    workers: WorkersHere
    job: Job
    subject: Subject
    position: Position | None

    @property
    def most_pending(self) -> int:
        return self.workers.most_pending

    def submit(self, frames: range) -> Callable[[], HarvestedChunk]:
        def wait() -> HarvestedChunk:
            if frames.start == self.workers.dies_at:
                raise KeyboardInterrupt
            followed, self.position = follow_chunk(self.job, frames, self.position)
            return infer_chunk(self.job, self.subject, followed)

        self.workers.chunks.append(frames)
        return wait


def largest_difference_mm(one: Path, other: Path) -> float:
    """Return the largest distance of a joint in two harvests of the same rows; an assertion fails for other rows."""
    farthest = 0.0
    for ours, theirs in zip(Harvest.open(one).iter_frames(), Harvest.open(other).iter_frames(), strict=True):
        assert (ours.frame, ours.person, ours.time_s) == (theirs.frame, theirs.person, theirs.time_s)
        assert torch.equal(ours.supported, theirs.supported)
        farthest = max(farthest, float(torch.linalg.vector_norm(ours.mean - theirs.mean, dim=-1).max()))
    return farthest
