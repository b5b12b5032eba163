"""Whether several people keep their numbers: who is whom frame by frame, and where that changes.

In every frame, estimated and true people are paired so that the sum of mean joint distances is the least, pairs further
apart than a limit left out. A true person whose number differs from that of their last paired frame has been switched,
as the CLEAR MOT metrics count it (Bernardin and Stiefelhagen, "Evaluating multiple object tracking performance", 2008).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from poseharvest.errors import ShapeError
from poseharvest.evaluation.pairs import Floats
from poseharvest.evaluation.tracks import Ints, PoseTracks

SAME_PERSON_MM = 500.0
"""Mean joint distance from which an estimate is of nobody who is there."""


@dataclass(frozen=True, eq=False)
class Identities:
    """Who is whom.

    Attributes:
        frames: (N,) frames of the poses that are paired, by frame.
        estimated: (N,) numbers of the estimated people.
        true: (N,) numbers of the true ones.
        distance_mm: (N,) mean joint distance.
        num_missed: true poses without an estimate.
        num_superfluous: estimated poses of nobody.
    """

    frames: Ints
    estimated: Ints
    true: Ints
    distance_mm: Floats
    num_missed: int
    num_superfluous: int

    @property
    def switches(self) -> tuple[tuple[int, int], ...]:
        """(frame, true person) of every change of number."""
        found: list[tuple[int, int]] = []
        last: dict[int, int] = {}
        for frame, number, person in zip(*(x.tolist() for x in (self.frames, self.estimated, self.true)), strict=True):
            if last.setdefault(person, number) != number:
                found.append((frame, person))
            last[person] = number
        return tuple(found)


def identities(estimate: PoseTracks, truth: PoseTracks, *, limit_mm: float = SAME_PERSON_MM) -> Identities:
    """Return who is whom in every frame that has a true person.

    Raises:
        ShapeError: they are on different joints.
    """
    if estimate.joints != truth.joints:
        raise ShapeError(f"poses: expected joints {', '.join(truth.joints)}, got {', '.join(estimate.joints)}")
    rows: list[tuple[int, int, int, float]] = []
    num_true = num_estimated = 0
    for frame in np.unique(truth.frames):
        here, there = np.flatnonzero(estimate.frames == frame), np.flatnonzero(truth.frames == frame)
        num_estimated, num_true = num_estimated + len(here), num_true + len(there)
        distance = mean_distances(estimate.positions[here], truth.positions[there])
        for i, j in zip(*linear_sum_assignment(np.minimum(distance, limit_mm)), strict=True):
            if distance[i, j] < limit_mm:
                rows.append((int(frame), int(estimate.persons[here[i]]), int(truth.persons[there[j]]), distance[i, j]))
    columns = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    frames, estimated, true = columns[:3].astype(np.int64)
    return Identities(frames, estimated, true, columns[3], num_true - len(rows), num_estimated - len(rows))


def mean_distances(estimates: Floats, truth: Floats) -> Floats:
    """Return (P, Q) mean distances of the joints that both know, mm; infinite where they know none in common."""
    distance = np.linalg.norm(estimates[:, None] - truth[None], axis=-1)
    known = np.isfinite(distance)
    total = np.where(known, distance, 0.0).sum(-1)
    return np.where(known.any(-1), total / np.maximum(known.sum(-1), 1), np.inf)
