"""Whether several people keep their numbers: the pairs of estimated and true people in each frame, and the switches.

In every frame, estimated and true people are paired so that the sum of mean joint distances is minimal. Pairs with a
distance above a limit are left out. A switch is a true person whose number differs from that of their last paired
frame, as the CLEAR MOT metrics count it (Bernardin and Stiefelhagen, "Evaluating multiple object tracking performance",
2008).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from poseharvest.errors import ShapeError
from poseharvest.evaluation.pairs import Floats
from poseharvest.evaluation.tracks import Ints, PoseTracks

SAME_PERSON_MM = 500.0
"""Mean joint distance from which an estimate and a true person are not paired."""


@dataclass(frozen=True, eq=False)
class Identities:
    """Pairs of estimated and true poses.

    Attributes:
        frames: (N,) frames of the pairs, ascending.
        estimated: (N,) numbers of the estimated people.
        true: (N,) numbers of the true people.
        distance_mm: (N,) mean joint distance.
        num_missed: number of true poses without an estimate.
        num_superfluous: number of estimated poses without a true person.
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
        changes: list[tuple[int, int]] = []
        last: dict[int, int] = {}
        for frame, number, person in zip(*(x.tolist() for x in (self.frames, self.estimated, self.true)), strict=True):
            if last.setdefault(person, number) != number:
                changes.append((frame, person))
            last[person] = number
        return tuple(changes)


def find_identities(estimate: PoseTracks, truth: PoseTracks, *, limit_mm: float = SAME_PERSON_MM) -> Identities:
    """Return the pairs of estimated and true poses in every frame that has a true person.

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
    """Return (P, Q) mean distances over the joints known in both poses, mm; infinite where there are none."""
    distance = np.linalg.norm(estimates[:, None] - truth[None], axis=-1)
    known = np.isfinite(distance)
    total = np.where(known, distance, 0.0).sum(-1)
    return np.where(known.any(-1), total / np.maximum(known.sum(-1), 1), np.inf)
