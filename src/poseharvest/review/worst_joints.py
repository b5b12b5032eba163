"""The joints of a harvest that a person should look at first: those with the widest sigma, not all from one moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import matrix
from poseharvest.annotations.reviews import Place

NUM_STRETCHES = 20
"""Among all joints, of each joint of a person only the worst moment in each of these parts of the take is listed."""


@dataclass(frozen=True)
class QueuedJoint:
    """A joint to look at.

    Attributes:
        place: frame, person and joint.
        sigma_mm: its standard deviation as harvested, mm.
        is_supported: two views show it.
    """

    place: Place
    sigma_mm: float
    is_supported: bool


@dataclass(frozen=True, eq=False)
class JointSigmas:
    """The certainty of every joint of a harvest.

    Attributes:
        joints: their names.
        frames: (N,) frame of each record.
        people: (N,) its person.
        sigma_mm: (N, J) standard deviations, mm.
        supported: (N, J) bool, True where two views show the joint.
    """

    joints: tuple[str, ...]
    frames: NDArray[np.int64]
    people: NDArray[np.int64]
    sigma_mm: NDArray[np.float32]
    supported: NDArray[np.bool_]

    @classmethod
    def of(cls, harvest: Harvest) -> JointSigmas:
        """Return those of a harvest, as it was harvested.

        Raises:
            StoreError: a part is missing or damaged.
        """
        num_joints = len(harvest.skeleton)
        none = np.zeros((0, num_joints))
        columns: dict[str, list[NDArray[np.generic]]] = {
            name: [none] for name in ("frame", "person", "sigma", "supported")
        }
        for table in harvest.without_reviews().columns(tuple(columns)):
            for name, parts in columns.items():
                parts.append(matrix(table, name, num_joints))
        frame, person, sigma, supported = (np.concatenate(parts) for parts in columns.values())
        return cls(
            harvest.skeleton.joints,
            frame[:, 0].astype(np.int64),
            person[:, 0].astype(np.int64),
            sigma.astype(np.float32),
            supported.astype(np.bool_),
        )

    def worst(self, most: int, *, joint: str | None = None, with_unsupported: bool = False) -> list[QueuedJoint]:
        """Return the joints to look at, worst first.

        Args:
            most: as many of them.
            joint: only this one, in every frame; None for all.
            with_unsupported: list joints that no two views show as well.
        """
        sigma = self.sigma_mm if with_unsupported else np.where(self.supported, self.sigma_mm, -1)
        length = int(np.ptp(self.frames)) + 1
        stretch = 1 if joint is not None else -(-length // NUM_STRETCHES)
        groups = self.people * length + (self.frames - self.frames.min()) // stretch
        chosen = range(len(self.joints)) if joint is None else [self.joints.index(joint)]
        found: list[QueuedJoint] = []
        for channel in chosen:
            worst_first = np.argsort(-sigma[:, channel], kind="stable")
            _, first_of_group = np.unique(groups[worst_first], return_index=True)
            rows = worst_first[np.sort(first_of_group)][:most]
            found += [self._queued(row, channel) for row in rows.tolist() if sigma[row, channel] >= 0]
        return sorted(found, key=lambda one: (-one.sigma_mm, one.place))[:most]

    def row_of(self, frame: int, person: int) -> int | None:
        """Return the number of a record in the harvest; None if there is none."""
        rows = np.flatnonzero((self.frames == frame) & (self.people == person))
        return int(rows[0]) if len(rows) else None

    def _queued(self, row: int, channel: int) -> QueuedJoint:
        place = (int(self.frames[row]), int(self.people[row]), self.joints[channel])
        return QueuedJoint(place, float(self.sigma_mm[row, channel]), bool(self.supported[row, channel]))
