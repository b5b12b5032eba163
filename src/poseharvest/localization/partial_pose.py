"""Where a person is, as far as that is known: the one shape of a pose before inference has spoken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.localization.limits import MIN_JOINTS, MIN_SEEN


@dataclass(frozen=True, eq=False)
class PartialPose:
    """Some joints of a person, in space or in one picture.

    Attributes:
        points: (J, 3) world, mm, or (J, 2) pixels of a picture; meaningless where not `known`.
        known: (J,) bool.
    """

    points: Tensor
    known: Tensor

    @property
    def num_known(self) -> int:
        """How many joints are known."""
        return int(self.known.sum())

    @property
    def middle(self) -> Tensor:
        """(3,) mm, or (2,) pixels: middle of the box around the known joints, of which there is at least one."""
        known = self.points[self.known]
        return (known.amin(0) + known.amax(0)) / 2

    @property
    def extent(self) -> float:
        """The longest side of that box, mm or pixels."""
        known = self.points[self.known]
        return float((known.amax(0) - known.amin(0)).max())


@dataclass(frozen=True, eq=False)
class TriangulatedPose(PartialPose):
    """The joints on which at least two views agree in one frame: `known` is what they agree on.

    Attributes:
        doubt: (J,) how far the agreeing views' peaks lie from the projection, over the person's size in the picture
            and the square root of the number of views to spare; infinite where not known.
    """

    doubt: Tensor

    @property
    def is_seen(self) -> bool:
        """Two views agree on enough joints for the person to be there."""
        return float(self.known.double().mean()) >= MIN_SEEN

    @classmethod
    def nothing(cls, num_joints: int) -> TriangulatedPose:
        """Return the pose of a frame in which no two views agree on anything."""
        return cls(
            torch.zeros((num_joints, 3), dtype=torch.float64),
            torch.zeros(num_joints, dtype=torch.bool),
            torch.full((num_joints,), torch.inf, dtype=torch.float64),
        )


def distance_from_all(pose: PartialPose, others: Sequence[PartialPose]) -> float:
    """Return the median distance of a pose's joints from the nearest such joint of anybody, mm.

    A network that looks at two people at once puts some joints on one and some on the other; such a pose is far from
    each of them, and yet nobody new. Infinite where there is nobody, or too few joints are known.
    """
    apart = torch.full(pose.known.shape, torch.inf, dtype=torch.float64)
    for other in others:
        distance = torch.linalg.vector_norm(pose.points - other.points, dim=-1)
        apart = torch.minimum(apart, torch.where(other.known, distance, torch.inf))
    joints = apart[pose.known]
    return float(joints.median()) if len(joints) >= MIN_JOINTS else float("inf")


def joint_distance(a: PartialPose, b: PartialPose) -> float:
    """Return the median distance of the joints that both know, mm; infinite where they have too few in common."""
    both = a.known & b.known
    if int(both.sum()) < MIN_JOINTS:
        return float("inf")
    return float(torch.linalg.vector_norm(a.points - b.points, dim=-1)[both].median())
