"""Keeping to one person: where they are believed to be, when to look for them again, and when to give them up.

It is the same for a person in space, whom several views show, and for one in the pictures of a single view.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from poseharvest.localization.follow.belief import Belief, updated
from poseharvest.localization.partial_pose import PartialPose

_logger = logging.getLogger(__name__)

_PATIENCE_FRAMES = 8
_STALE_S = 1.0  # without a picture: by then a person may be anywhere
_SEARCH_EVERY_FRAMES = 10


class Pursuit:
    """What is known of the person who is followed; nobody at first."""

    def __init__(self) -> None:
        self._belief: Belief | None = None
        self._shown: Sequence[float] = ()
        self._num_poor = 0
        self._next_search = 0
        self._looked_s: float | None = None

    @property
    def belief(self) -> Belief | None:
        """Where the person is; None while nobody is known."""
        return self._belief

    @property
    def shown(self) -> Sequence[float]:
        """How much of the person each view showed last, 0 to 1."""
        return self._shown

    def look(self, time_s: float) -> None:
        """Take in that there are pictures of this moment. Whoever was not looked at for long is looked for anew.

        A moment without pictures is never taken in: it is unknown whether the person was there.
        """
        if self._looked_s is not None and time_s - self._looked_s > _STALE_S:
            self._belief, self._shown, self._num_poor, self._next_search = None, (), 0, 0
        self._looked_s = time_s

    def is_search_due(self, frame: int) -> bool:
        """Return whether to look for somebody: nobody is known or hardly seen, and the last search is a while ago."""
        return (self._belief is None or self._num_poor > 0) and frame >= self._next_search

    def find_nobody(self, frame: int) -> None:
        """Take in that a search found nobody."""
        _logger.info("frame %d: nobody found", frame)
        self._next_search = frame + _SEARCH_EVERY_FRAMES

    def find(self, frame: int, seen: PartialPose, shown: Sequence[float]) -> None:
        """Take in whom a search found; they count if there is more to see of them than of whoever is followed."""
        _logger.info("frame %d: person found", frame)
        self._next_search = frame + _SEARCH_EVERY_FRAMES
        if self._belief is None or sum(shown) > sum(self._shown):
            self._belief, self._shown, self._num_poor = Belief.of(seen), shown, 0

    def learn(self, frame: int, seen: PartialPose, shown: Sequence[float], *, is_poor: bool) -> None:
        """Take an observation in; give the person up after several poor ones.

        Args:
            frame: its number.
            seen: where it shows the joints.
            shown: how much of the person each view shows.
            is_poor: it shows next to nothing of them.
        """
        self._belief = updated(self._belief, seen)
        if self._belief is None:
            return
        self._shown = shown
        self._num_poor = self._num_poor + 1 if is_poor else 0
        if self._num_poor > _PATIENCE_FRAMES:
            _logger.info("frame %d: person lost", frame)
            self._belief, self._num_poor, self._next_search = None, 0, frame + 1
