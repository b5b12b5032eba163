"""Where the joints of a person who is followed are believed to be, from frame to frame.

In space, in millimetres, where several views show the person; in one picture, in pixels, where there is but one view.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from poseharvest.localization.scan import MIN_JOINTS

_MAX_JUMP = 0.35  # of the person's extent, beyond the motion of the whole body


class SeenPoints(Protocol):
    """Where one frame shows the joints."""

    @property
    def points(self) -> Tensor:
        """(J, 3) mm, or (J, 2) pixels; meaningless where not `supported`."""
        ...

    @property
    def supported(self) -> Tensor:
        """(J,) bool, the joint is seen."""
        ...


@dataclass(frozen=True, eq=False)
class Belief:
    """Where a tracker believes the joints to be.

    Attributes:
        points: (J, 3) mm, or (J, 2) pixels; meaningless where not `known`.
        known: (J,) bool, the joint has been seen since the person was found.
        doubted: (J,) bool, its last observation jumped and was not taken; the next one is.
    """

    points: Tensor
    known: Tensor
    doubted: Tensor

    @classmethod
    def of(cls, seen: SeenPoints) -> Belief:
        """Return what a first observation makes believe."""
        return cls(seen.points, seen.supported, torch.zeros_like(seen.supported))

    @property
    def middle(self) -> Tensor:
        """(3,) mm, or (2,) pixels: middle of the box around the known joints."""
        known = self.points[self.known]
        return (known.amin(0) + known.amax(0)) / 2

    @property
    def extent(self) -> float:
        """The longest side of that box, mm or pixels."""
        known = self.points[self.known]
        return float((known.amax(0) - known.amin(0)).max())


def updated(belief: Belief | None, seen: SeenPoints) -> Belief | None:
    """Return the belief after a new observation; joints that are not observed move with the body.

    None as long as nobody is known and the observation shows too few joints to change that.
    """
    if belief is None:
        enough = int(seen.supported.sum()) >= MIN_JOINTS
        return Belief.of(seen) if enough else None
    both = belief.known & seen.supported
    if not bool(both.any()):
        return belief
    shift = (seen.points - belief.points)[both].median(0).values
    moved = belief.points + shift
    jumps = torch.linalg.vector_norm(seen.points - moved, dim=-1) > _MAX_JUMP * belief.extent
    rejected = both & jumps & ~belief.doubted
    taken = seen.supported & ~rejected
    return Belief(torch.where(taken[:, None], seen.points, moved), belief.known | taken, rejected)
