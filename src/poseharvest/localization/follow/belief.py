"""Where the joints of a person who is followed are believed to be, from frame to frame.

In space, in millimetres, where several views show the person; in one picture, in pixels, where there is but one view.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.localization.limits import MIN_JOINTS
from poseharvest.localization.partial_pose import PartialPose

_MAX_JUMP = 0.35  # of the person's extent, beyond the motion of the whole body


@dataclass(frozen=True, eq=False)
class Belief(PartialPose):
    """Where a tracker believes the joints to be: `known` are those that were seen since the person was found.

    Attributes:
        doubted: (J,) bool, its last observation jumped and was not taken; the next one is.
    """

    doubted: Tensor

    @classmethod
    def of(cls, seen: PartialPose) -> Belief:
        """Return what a first observation makes believe."""
        return cls(seen.points, seen.known, torch.zeros_like(seen.known))


def updated(belief: Belief | None, seen: PartialPose) -> Belief | None:
    """Return the belief after a new observation; joints that are not observed move with the body.

    None as long as nobody is known and the observation shows too few joints to change that.
    """
    if belief is None:
        enough = int(seen.known.sum()) >= MIN_JOINTS
        return Belief.of(seen) if enough else None
    both = belief.known & seen.known
    if not bool(both.any()):
        return belief
    shift = (seen.points - belief.points)[both].median(0).values
    moved = belief.points + shift
    jumps = torch.linalg.vector_norm(seen.points - moved, dim=-1) > _MAX_JUMP * belief.extent
    rejected = both & jumps & ~belief.doubted
    taken = seen.known & ~rejected
    return Belief(torch.where(taken[:, None], seen.points, moved), belief.known | taken, rejected)
