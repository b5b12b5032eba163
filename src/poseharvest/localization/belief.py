"""Where the joints of a person who is followed are believed to be, from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.localization.associate import RoughPose
from poseharvest.localization.scan import MIN_JOINTS

_MAX_JUMP = 0.35  # of the person's extent, beyond the motion of the whole body


@dataclass(frozen=True, eq=False)
class Belief:
    """Where a tracker believes the joints to be.

    Attributes:
        points: (J, 3) mm, meaningless where not `known`.
        known: (J,) bool, two views have agreed on the joint since the person was found.
        doubted: (J,) bool, its last observation jumped and was not taken; the next one is.
    """

    points: Tensor
    known: Tensor
    doubted: Tensor

    @classmethod
    def of(cls, rough: RoughPose) -> Belief:
        """Return what a first observation makes believe."""
        return cls(rough.points, rough.supported, torch.zeros_like(rough.supported))

    @property
    def middle(self) -> Tensor:
        """(3,) middle of the box around the known joints, mm."""
        known = self.points[self.known]
        return (known.amin(0) + known.amax(0)) / 2

    @property
    def extent(self) -> float:
        """The longest side of that box, mm."""
        known = self.points[self.known]
        return float((known.amax(0) - known.amin(0)).max())


def updated(belief: Belief | None, rough: RoughPose) -> Belief | None:
    """Return the belief after a new observation; joints that are not observed move with the body.

    None as long as nobody is known and the observation shows too few joints to change that.
    """
    if belief is None:
        enough = int(rough.supported.sum()) >= MIN_JOINTS
        return Belief.of(rough) if enough else None
    both = belief.known & rough.supported
    if not bool(both.any()):
        return belief
    shift = (rough.points - belief.points)[both].median(0).values
    moved = belief.points + shift
    jumps = torch.linalg.vector_norm(rough.points - moved, dim=-1) > _MAX_JUMP * belief.extent
    rejected = both & jumps & ~belief.doubted
    taken = rough.supported & ~rejected
    return Belief(torch.where(taken[:, None], rough.points, moved), belief.known | taken, rejected)
