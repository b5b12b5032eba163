"""Where the tracker believes the joints of a person to be, from frame to frame.

With several views the joints are in space, in millimetres. With a single view they are in the picture, in pixels.
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
    """Where a tracker believes the joints to be: `known` marks the joints seen since the person was found.

    Attributes:
        doubted: (J,) bool, the joint's last observation jumped and was rejected. The next one will be accepted.
    """

    doubted: Tensor

    @classmethod
    def of(cls, observation: PartialPose) -> Belief:
        """Return the belief after a first observation."""
        return cls(observation.points, observation.known, torch.zeros_like(observation.known))


def update_belief(belief: Belief | None, observation: PartialPose) -> Belief | None:
    """Return the belief after a new observation; joints that are not observed move with the body.

    None if there was no belief and the observation shows too few joints.
    """
    if belief is None:
        enough = int(observation.known.sum()) >= MIN_JOINTS
        return Belief.of(observation) if enough else None
    both = belief.known & observation.known
    if not bool(both.any()):
        return belief
    shift = (observation.points - belief.points)[both].median(0).values
    moved = belief.points + shift
    jumps = torch.linalg.vector_norm(observation.points - moved, dim=-1) > _MAX_JUMP * belief.extent
    rejected = both & jumps & ~belief.doubted
    accepted = observation.known & ~rejected
    return Belief(torch.where(accepted[:, None], observation.points, moved), belief.known | accepted, rejected)
