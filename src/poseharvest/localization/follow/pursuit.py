"""The state of following one person: the belief, when to search again, and when the person is lost.

It is the same for a person in space, whom several views show, and for one in the pictures of a single view.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from poseharvest.localization.follow.belief import Belief, update_belief
from poseharvest.localization.partial_pose import PartialPose

_logger = logging.getLogger(__name__)

_PATIENCE_FRAMES = 8
_STALE_S = 1.0  # without a picture: after that a person may be anywhere
_SEARCH_EVERY_FRAMES = 10


@dataclass(frozen=True, eq=False)
class PursuitState:
    """All that a pursuit remembers from frame to frame; see the properties of `Pursuit`."""

    belief: Belief | None
    visibility: Sequence[float]
    num_poor: int
    next_search: int
    last_picture_s: float | None


class Pursuit:
    """What is known of the followed person; no person at first."""

    def __init__(self) -> None:
        self._belief: Belief | None = None
        self._visibility: Sequence[float] = ()
        self._num_poor = 0
        self._next_search = 0
        self._last_picture_s: float | None = None

    @property
    def state(self) -> PursuitState:
        """All that is remembered, to go on from it later."""
        return PursuitState(self._belief, self._visibility, self._num_poor, self._next_search, self._last_picture_s)

    @state.setter
    def state(self, state: PursuitState) -> None:
        """Go on from what an earlier pursuit remembered."""
        self._belief, self._visibility, self._num_poor = state.belief, state.visibility, state.num_poor
        self._next_search, self._last_picture_s = state.next_search, state.last_picture_s

    @property
    def belief(self) -> Belief | None:
        """Where the person is; None while no person is known."""
        return self._belief

    @property
    def visibility(self) -> Sequence[float]:
        """How much of the person each view showed last, 0 to 1."""
        return self._visibility

    def look(self, time_s: float) -> None:
        """Record that there are pictures of this moment. After a second without pictures the person is searched anew.

        A moment without pictures is not recorded: it is unknown whether the person was there.
        """
        if self._last_picture_s is not None and time_s - self._last_picture_s > _STALE_S:
            self._belief, self._visibility, self._num_poor, self._next_search = None, (), 0, 0
        self._last_picture_s = time_s

    def is_search_due(self, frame: int) -> bool:
        """Return whether to search: the person is unknown or hardly seen, and the last search is ten frames ago."""
        return (self._belief is None or self._num_poor > 0) and frame >= self._next_search

    def record_failed_search(self, frame: int) -> None:
        """Record that a search found no person."""
        _logger.info("frame %d: no person found", frame)
        self._next_search = frame + _SEARCH_EVERY_FRAMES

    def find(self, frame: int, pose: PartialPose, visibility: Sequence[float]) -> None:
        """Record the person that a search found; they replace a followed person of whom less was visible."""
        _logger.info("frame %d: person found", frame)
        self._next_search = frame + _SEARCH_EVERY_FRAMES
        if self._belief is None or sum(visibility) > sum(self._visibility):
            self._belief, self._visibility, self._num_poor = Belief.of(pose), visibility, 0

    def learn(self, frame: int, pose: PartialPose, visibility: Sequence[float], *, is_poor: bool) -> None:
        """Update the belief by an observation; drop the person after several poor ones.

        Args:
            frame: the frame's number.
            pose: the observed joints.
            visibility: how much of the person each view shows, 0 to 1.
            is_poor: the person is hardly visible.
        """
        self._belief = update_belief(self._belief, pose)
        if self._belief is None:
            return
        self._visibility = visibility
        self._num_poor = self._num_poor + 1 if is_poor else 0
        if self._num_poor > _PATIENCE_FRAMES:
            _logger.info("frame %d: person lost", frame)
            self._belief, self._num_poor, self._next_search = None, 0, frame + 1
