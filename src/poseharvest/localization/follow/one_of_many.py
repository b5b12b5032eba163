"""Following one person among others whose keypoints are all listed.

Keypoints that lie in one window may be several people's, and drawn together the highest of a joint may be anybody's. So
everybody is followed (`people`), each with keypoints of their own, and one of them is kept: whom the views see best
when somebody is first seen. Who was seen beside that person is somebody else, also after the person has gone.
"""

from __future__ import annotations

from collections.abc import Sequence

from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.protocol import HeatmapDetector, KeypointSource
from poseharvest.geometry.rig import Rig
from poseharvest.localization.boxes import Boxes
from poseharvest.localization.follow.one_person import OnePersonTracker, Tracker
from poseharvest.localization.follow.people_tracker import PeopleTracker
from poseharvest.localization.sighting import FrameSightings, Sighting, TrackedSighting


def one_person_tracker(
    detector: HeatmapDetector, rig: Rig, boxes: Boxes | None = None, *, lengths_count: bool = True
) -> OnePersonTracker:
    """Return what follows one person: among all of them where keypoints tell them apart and no boxes say who it is.

    Args:
        detector: the 2D network, or a source of keypoints.
        rig: the cameras.
        boxes: windows that are known beforehand.
        lengths_count: False where the rig's unit may be wrong: then nobody can be told by size or distance.
    """
    if boxes is None and lengths_count and isinstance(detector, KeypointSource):
        return OneOfMany(detector, rig)
    return Tracker(detector, rig, boxes)


class OneOfMany:
    """Follows the person whom the views see best, and nobody else.

    Args:
        detector: a source of keypoints.
        rig: the cameras.
    """

    def __init__(self, detector: HeatmapDetector, rig: Rig) -> None:
        self._everybody = PeopleTracker(detector, rig)
        self._track: int | None = None
        self._is_certain = False  # the track is a person's
        self._others: set[int] = set()  # tracks that were seen beside that person

    def observe(self, frames: Sequence[MultiViewFrame]) -> list[Sighting]:
        """Return what the views show of the person in the next frames; left out are those in which they are not seen.

        Args:
            frames: one or more moments that follow each other and those of the last call.
        """
        found = [self._of_the_person(moment) for moment in self._everybody.observe(frames)]
        return [one.sighting for one in found if one is not None]

    def _of_the_person(self, moment: FrameSightings) -> TrackedSighting | None:
        if self._track is None:
            strangers = [one for one in moment.sightings if one.track not in self._others]
            self._track = max(strangers, key=_evidence).track if strangers else None
        found = next((one for one in moment.sightings if one.track == self._track), None)
        self._is_certain |= self._track in moment.confirmed
        if found is not None:
            self._others.update(one.track for one in moment.sightings if one is not found)
        if self._track is not None and self._track not in moment.alive:
            self._leave(moment)
        return found

    def _leave(self, moment: FrameSightings) -> None:
        """Follow the person no longer. Beside what was nobody, or another's double, may have been the person."""
        if not self._is_certain or self._track in moment.doubles:
            self._others.clear()
        self._track, self._is_certain = None, False


def _evidence(one: TrackedSighting) -> float:
    """Return the sum of the heights of a person's peaks over all views and joints."""
    return float(one.sighting.peaks.score.clamp_min(0).sum())
