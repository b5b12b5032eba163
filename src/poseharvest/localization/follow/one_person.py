"""Following one person through a capture: found once, then looked for near the last place.

The tracker needs no skeleton and no limb lengths: it triangulates the views' peaks robustly, frame by frame, to know
where to look next and where to put the bounding volume (choice D4).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.crop import Crop
from poseharvest.geometry.rig import Rig
from poseharvest.heatmaps.peaks import heatmap_peaks
from poseharvest.localization.boxes import Boxes
from poseharvest.localization.find.look_again import locate
from poseharvest.localization.find.observation import observe_people, window_scale
from poseharvest.localization.find.person_windows import (
    detect_views,
    drop_low_peaks,
    shows_enough,
    view_candidates,
    windows_on,
)
from poseharvest.localization.follow.pursuit import Pursuit, PursuitState
from poseharvest.localization.sighting import Sighting

_WINDOW_SECONDS = 1 / 15
_MAX_BATCH = 8


def batch_length(frame_rate: float) -> int:
    """Return how many frames may share their windows: the frames of a fifteenth of a second, at most 8.

    In that time a walking person moves by a tenth of a metre, which the windows' margin holds.
    """
    return max(1, min(_MAX_BATCH, round(_WINDOW_SECONDS * frame_rate)))


class OnePersonTracker(Protocol):
    """A tracker of one person through a capture."""

    def observe(self, frames: Sequence[MultiViewFrame]) -> list[Sighting]:
        """Return what the views show of the person in the next frames, which follow those of the last call."""
        ...

    @property
    def state(self) -> Any:
        """All that is remembered from frame to frame, in frozen dataclasses, to go on from it later."""
        ...

    @state.setter
    def state(self, state: Any) -> None:
        """Go on from what an earlier tracker of the same kind remembered."""
        ...


class Tracker:
    """Follows the person on whom most views agree.

    Args:
        detector: the 2D network.
        rig: the cameras.
        boxes: windows that are known beforehand; the tracker finds the others.
    """

    def __init__(self, detector: HeatmapDetector, rig: Rig, boxes: Boxes | None = None) -> None:
        self._detector, self._rig = detector, rig
        self._boxes = boxes or Boxes({})
        self._pursuit = Pursuit()

    @property
    def state(self) -> PursuitState:
        """All that is remembered from frame to frame."""
        return self._pursuit.state

    @state.setter
    def state(self, state: PursuitState) -> None:
        """Go on from what an earlier tracker remembered."""
        self._pursuit.state = state

    def observe(self, frames: Sequence[MultiViewFrame]) -> list[Sighting]:
        """Return what the views show of the person in the next frames, which go through the detector together.

        All of them use the windows around the pose before them, so they must span a short time (`batch_length`). A
        frame is left out if no person is known, or if the person is in no view's picture. A frame with fewer than two
        pictures says nothing about the person: it does not count as a frame without the person.

        Args:
            frames: one or more moments that follow each other and those of the last call.
        """
        known = [frame for frame in frames if shows_enough(self._detector, frame)]
        if known:
            self._pursuit.look(known[0].time_s)
        cameras = [self._rig.at(frame.index) for frame in frames]
        if shows_enough(self._detector, frames[0]) and self._pursuit.is_search_due(frames[0].index):
            self._search(frames[0], cameras[0])
        if self._pursuit.belief is None and len(frames) > 1:
            # The later frames have no windows yet. The first frame may show a person and give them their windows.
            return [sighting for frame in frames for sighting in self.observe([frame])]
        crops = [self._windows(frame.index, static) for frame, static in zip(frames, cameras, strict=True)]
        maps = detect_views(self._detector, frames, cameras[0], crops)
        peaks = [heatmap_peaks(one.values, one.crops) for one in maps]
        members = [drop_low_peaks(view_candidates(one, tops)) for one, tops in zip(maps, peaks, strict=True)]
        observations = observe_people(members, cameras, len(self._detector.skeleton))
        sightings = []
        for frame, static, one, tops, observation in zip(frames, cameras, maps, peaks, observations, strict=True):
            if shows_enough(self._detector, frame):
                self._pursuit.learn(
                    frame.index, observation.pose, observation.visibility, is_poor=not observation.is_seen
                )
            belief = self._pursuit.belief
            if belief is not None and any(crop is not None for crop in one.crops):
                sightings.append(
                    Sighting(frame.index, frame.time_s, static, one, tops, observation.pose, belief.middle)
                )
        return sightings

    def _windows(self, frame: int, cameras: tuple[StaticCamera, ...]) -> tuple[Crop | None, ...]:
        boxes = [self._boxes.at(frame, camera.name) for camera in cameras]
        belief = self._pursuit.belief
        if belief is None:
            return tuple(boxes)
        skeleton, scale = self._detector.skeleton, window_scale(self._pursuit.visibility)
        followed = windows_on(skeleton, belief, cameras, scale)
        return tuple(box or crop for box, crop in zip(boxes, followed, strict=True))

    def _search(self, frame: MultiViewFrame, cameras: tuple[StaticCamera, ...]) -> None:
        """Search for a person; the pursuit takes them if the views show more of them than of the followed person."""
        if sum(self._boxes.at(frame.index, camera.name) is not None for camera in cameras) >= 2:
            return
        person = locate(self._detector, frame, cameras)
        if person is None:
            self._pursuit.record_failed_search(frame.index)
        else:
            self._pursuit.find(frame.index, person.pose, person.visibility)
