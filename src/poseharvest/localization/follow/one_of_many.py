"""Following one person among others, where keypoint files list all of them.

A window may hold the keypoints of several people, and the highest peak of a joint may belong to any of them. Therefore
all people are followed (`people_tracker`), each with their own keypoints, and one of them is kept: the one whom the
views see best in the first frame with people, or whom the user names (`whom_to_follow`). Anybody seen beside that
person stays another person, also after the person has left.

If the person vanishes in the very moment in which somebody new appears, the footage was cut, and the new one is the
person. If the person then shows up at the old place after all, that was no cut, and they are followed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.protocol import HeatmapDetector, KeypointSource
from poseharvest.geometry.rig import Rig
from poseharvest.localization.boxes import Boxes
from poseharvest.localization.follow.one_person import OnePersonTracker, Tracker
from poseharvest.localization.follow.people_tracker import PeopleState, PeopleTracker
from poseharvest.localization.follow.whom_to_follow import FirstSeen, nearest_to
from poseharvest.localization.sighting import FrameSightings, Sighting, TrackedSighting


def one_person_tracker(
    detector: HeatmapDetector,
    rig: Rig,
    boxes: Boxes | None = None,
    *,
    is_metric: bool = True,
    followed: FirstSeen | None = None,
) -> OnePersonTracker:
    """Return a tracker of one person.

    With a source of keypoints and no boxes it is `OneOfMany`, which separates the person from others, and with a
    person who is named as well. Otherwise it is `Tracker`.

    Args:
        detector: the 2D network, or a source of keypoints.
        rig: the cameras.
        boxes: windows that are known beforehand.
        is_metric: False where the rig's unit may be wrong: then sizes and distances cannot separate people.
        followed: where the person is seen first; None takes the one whom the views see best.
    """
    if followed is not None or (boxes is None and is_metric and isinstance(detector, KeypointSource)):
        return OneOfMany(detector, rig, followed)
    return Tracker(detector, rig, boxes)


@dataclass(frozen=True, eq=False)
class OneOfManyState:
    """All that `OneOfMany` remembers from frame to frame.

    Attributes:
        everybody: what the tracker of all people remembers.
        track: the person's.
        is_certain: the track is a person's.
        others: tracks that were seen beside that person.
        known: tracks that were alive before the next frame.
        was_seen: the person was seen in the last frame.
        before_cut: the person's track before the last cut, while it may still go on.
    """

    everybody: PeopleState
    track: int | None
    is_certain: bool
    others: frozenset[int]
    known: frozenset[int] = frozenset()
    was_seen: bool = False
    before_cut: int | None = None


class OneOfMany:
    """Follows the person whom the views see best, or who is named, and no other person.

    Args:
        detector: a source of keypoints, or a network.
        rig: the cameras.
        followed: where the person is seen first; None takes the one whom the views see best.
    """

    def __init__(self, detector: HeatmapDetector, rig: Rig, followed: FirstSeen | None = None) -> None:
        self._followed = followed
        self._everybody = PeopleTracker(detector, rig)
        self._track: int | None = None
        self._is_certain = False  # the track is a person's
        self._others: set[int] = set()  # tracks that were seen beside that person
        self._known: frozenset[int] = frozenset()
        self._was_seen = False
        self._before_cut: int | None = None

    @property
    def state(self) -> OneOfManyState:
        """All that is remembered from frame to frame."""
        others = frozenset(self._others)
        return OneOfManyState(
            self._everybody.state, self._track, self._is_certain, others, self._known, self._was_seen, self._before_cut
        )

    @state.setter
    def state(self, state: OneOfManyState) -> None:
        """Go on from what an earlier tracker remembered."""
        self._everybody.state = state.everybody
        self._track, self._is_certain, self._others = state.track, state.is_certain, set(state.others)
        self._known, self._was_seen, self._before_cut = state.known, state.was_seen, state.before_cut

    def observe(self, frames: Sequence[MultiViewFrame]) -> list[Sighting]:
        """Return what the views show of the person in the next frames, without frames in which the person is not seen.

        Args:
            frames: one or more moments that follow each other and those of the last call.
        """
        sightings = [self._choose_person(moment) for moment in self._everybody.observe(frames)]
        return [one.sighting for one in sightings if one is not None]

    def _choose_person(self, moment: FrameSightings) -> TrackedSighting | None:
        self._notice_cut(moment)
        if self._followed is not None and moment.frame <= self._followed.frame:
            sightings = [one.sighting for one in moment.sightings] if moment.frame == self._followed.frame else []
            index = nearest_to(self._followed, sightings)
            self._track = None if index is None else moment.sightings[index].track
        elif self._track is None:
            strangers = [one for one in moment.sightings if one.track not in self._others]
            self._track = max(strangers, key=_peak_sum).track if strangers else None
        sighting = next((one for one in moment.sightings if one.track == self._track), None)
        self._is_certain |= self._track in moment.confirmed
        if sighting is not None:
            self._others.update(one.track for one in moment.sightings if one is not sighting)
        if self._track is not None and self._track not in moment.alive:
            self._stop_following(moment)
        return sighting

    def _notice_cut(self, moment: FrameSightings) -> None:
        """Take the person who appears in a cut, or go back to the one before it if it was none."""
        tracks = {one.track for one in moment.sightings}
        new = [one for one in moment.sightings if one.track not in self._known]
        if self._before_cut in tracks:
            self._track, self._before_cut = self._before_cut, None
        elif self._was_seen and self._track not in tracks and new:
            self._before_cut, self._track, self._is_certain = self._track, max(new, key=_peak_sum).track, False
        if self._before_cut not in moment.alive:
            self._before_cut = None
        self._known, self._was_seen = moment.alive, self._track in tracks

    def _stop_following(self, moment: FrameSightings) -> None:
        """Stop following the track.

        If it was not certainly a person, or was a duplicate, a track beside it may be the person. So these tracks are
        candidates again.
        """
        if not self._is_certain or self._track in moment.duplicates:
            self._others.clear()
        self._track, self._is_certain = None, False


def _peak_sum(one: TrackedSighting) -> float:
    return one.sighting.peak_sum
