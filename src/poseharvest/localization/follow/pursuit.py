"""The state of following one person: the belief, when to search again, and when the person is lost.

With several views the joints that are believed in are in space, in millimetres. With a single view they are in its
pictures, in pixels.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.localization.limits import MIN_JOINTS
from poseharvest.localization.sighting import PartialPose

_MAX_JUMP = 0.35  # of the person's extent, beyond the motion of the whole body
_logger = logging.getLogger(__name__)
_PATIENCE_FRAMES = 8
_STALE_S = 1.0  # without a picture: after that a person may be anywhere
_SEARCH_EVERY_FRAMES = 10


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


class Pursuit:
    """What is known of the followed person; no person at first.

    Attributes:
        belief: where the person is; None while no person is known.
        visibility: how much of the person each view showed last, 0 to 1.
    """

    def __init__(self) -> None:
        self.belief: Belief | None = None
        self.visibility: Sequence[float] = ()
        self._num_poor = 0
        self._next_search = 0
        self._last_picture_s: float | None = None

    def look(self, time_s: float) -> None:
        """Record that there are pictures of this moment. After a second without pictures the person is searched anew.

        A moment without pictures is not recorded: it is unknown whether the person was there.
        """
        if self._last_picture_s is not None and time_s - self._last_picture_s > _STALE_S:
            self.belief, self.visibility, self._num_poor, self._next_search = None, (), 0, 0
        self._last_picture_s = time_s

    def is_search_due(self, frame: int) -> bool:
        """Return whether to search: the person is unknown or hardly seen, and the last search is ten frames ago."""
        return (self.belief is None or self._num_poor > 0) and frame >= self._next_search

    def record_failed_search(self, frame: int) -> None:
        """Record that a search found no person."""
        _logger.info("frame %d: no person found", frame)
        self._next_search = frame + _SEARCH_EVERY_FRAMES

    def find(self, frame: int, pose: PartialPose, visibility: Sequence[float]) -> None:
        """Record the person that a search found; they replace a followed person of whom less was visible."""
        _logger.info("frame %d: person found", frame)
        self._next_search = frame + _SEARCH_EVERY_FRAMES
        if self.belief is None or sum(visibility) > sum(self.visibility):
            self.belief, self.visibility, self._num_poor = Belief.of(pose), visibility, 0

    def learn(self, frame: int, pose: PartialPose, visibility: Sequence[float], *, is_poor: bool) -> None:
        """Update the belief by an observation; drop the person after several poor ones.

        Args:
            frame: the frame's number.
            pose: the observed joints.
            visibility: how much of the person each view shows, 0 to 1.
            is_poor: the person is hardly visible.
        """
        self.belief = update_belief(self.belief, pose)
        if self.belief is None:
            return
        self.visibility = visibility
        self._num_poor = self._num_poor + 1 if is_poor else 0
        if self._num_poor > _PATIENCE_FRAMES:
            _logger.info("frame %d: person lost", frame)
            self.belief, self._num_poor, self._next_search = None, 0, frame + 1
