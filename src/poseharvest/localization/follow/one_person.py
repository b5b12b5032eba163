"""Following one person through a capture: found once, then looked for near the last place.

The tracker needs no skeleton and no limb lengths: it triangulates the views' peaks robustly, frame by frame, to know
where to look next and where to put the bounding volume (choice D4). What it knows of the person is a `Pursuit`, which
serves for a single view too: there the joints that it believes in are in the picture, in pixels, and not in space.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.crop import Crop
from poseharvest.geometry.rig import Rig
from poseharvest.heatmaps.maps import heatmap_peaks
from poseharvest.localization.boxes import Boxes
from poseharvest.localization.find.look_again import locate
from poseharvest.localization.find.observation import (
    Observation,
    detect_views,
    drop_low_peaks,
    observe_people,
    shows_enough,
    view_candidates,
    window_scale,
    windows_on,
)
from poseharvest.localization.limits import MIN_JOINTS
from poseharvest.localization.sighting import PartialPose, Sighting

_MAX_JUMP = 0.35  # of the person's extent, beyond the motion of the whole body
_logger = logging.getLogger(__name__)
_PATIENCE_FRAMES = 8
_STALE_S = 1.0  # without a picture: after that a person may be anywhere
_SEARCH_EVERY_FRAMES = 10
_WINDOW_SECONDS = 1 / 15
_MAX_BATCH = 8


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


@dataclass(frozen=True, eq=False)
class PursuitState:
    """All that a pursuit remembers from frame to frame; see `Pursuit`."""

    belief: Belief | None
    visibility: Sequence[float]
    num_poor: int
    next_search: int
    last_picture_s: float | None


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

    @property
    def state(self) -> PursuitState:
        """All that is remembered, to go on from it later."""
        return PursuitState(self.belief, self.visibility, self._num_poor, self._next_search, self._last_picture_s)

    @state.setter
    def state(self, state: PursuitState) -> None:
        """Go on from what an earlier pursuit remembered."""
        self.belief, self.visibility, self._num_poor = state.belief, state.visibility, state.num_poor
        self._next_search, self._last_picture_s = state.next_search, state.last_picture_s

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

    def is_search_due_at_once(self, frame: int) -> bool:
        """Return whether to search where the followed person, seen until now, is suddenly hardly visible."""
        return self.belief is not None and self._num_poor == 0 and frame >= self._next_search

    def record_failed_search(self, frame: int) -> None:
        """Record that a search found no person."""
        _logger.info("frame %d: no person found", frame)
        self._next_search = frame + _SEARCH_EVERY_FRAMES

    def find(self, frame: int, pose: PartialPose, visibility: Sequence[float]) -> bool:
        """Record the person that a search found; they replace a followed person of whom less was visible.

        Returns:
            Whether the person that was found is followed from now on.
        """
        _logger.info("frame %d: person found", frame)
        self._next_search = frame + _SEARCH_EVERY_FRAMES
        replaces = self.belief is None or sum(visibility) > sum(self.visibility)
        if replaces:
            self.belief, self.visibility, self._num_poor = Belief.of(pose), visibility, 0
        return replaces

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
        self._boxes = boxes
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

        All of them use the windows around the pose before them, so they must span a short time (`batch_length`). Where
        the person is suddenly hardly visible, the footage may have been cut: the person is searched in that frame, and
        the rest of the frames use windows around the person who was found. A frame is left out if no person is known,
        or if the person is in no view's picture. A frame with fewer than two pictures says nothing about the person:
        it does not count as a frame without the person.

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
        observations = observe_people(members, cameras, num_joints=maps[0].values.shape[1])
        sightings: list[Sighting] = []
        for position, (frame, static, one, tops, observation) in enumerate(
            zip(frames, cameras, maps, peaks, observations, strict=True)
        ):
            if shows_enough(self._detector, frame) and self._learns_elsewhere(frame, static, observation):
                return sightings + self.observe(frames[position:])
            belief = self._pursuit.belief
            if belief is not None and any(crop is not None for crop in one.crops):
                sightings.append(
                    Sighting(frame.index, frame.time_s, static, one, tops, observation.pose, belief.middle)
                )
        return sightings

    def _learns_elsewhere(
        self, frame: MultiViewFrame, cameras: tuple[StaticCamera, ...], observation: Observation
    ) -> bool:
        """Update the pursuit; search the person at once where they are suddenly hardly visible.

        Returns:
            Whether the search found somebody elsewhere, who is followed from now on.
        """
        is_sudden = not observation.is_seen and self._pursuit.is_search_due_at_once(frame.index)
        self._pursuit.learn(frame.index, observation.pose, observation.visibility, is_poor=not observation.is_seen)
        return is_sudden and self._search(frame, cameras)

    def _windows(self, frame: int, cameras: tuple[StaticCamera, ...]) -> tuple[Crop | None, ...]:
        windows: tuple[Crop | None, ...] = (None,) * len(cameras)
        if self._pursuit.belief is not None:
            scale = window_scale(self._pursuit.visibility)
            windows = windows_on(self._detector.skeleton, self._pursuit.belief, cameras, scale)
        if self._boxes is None:
            return windows
        boxes = [self._boxes.at(frame, camera.name) for camera in cameras]
        return tuple(box or crop for box, crop in zip(boxes, windows, strict=True))

    def _search(self, frame: MultiViewFrame, cameras: tuple[StaticCamera, ...]) -> bool:
        """Search for a person, who is followed if the views show more of them than of the followed person.

        Returns:
            Whether somebody is followed now who was not before.
        """
        boxes = self._boxes or Boxes({})
        if sum(boxes.at(frame.index, camera.name) is not None for camera in cameras) >= 2:
            return False
        person = locate(self._detector, frame, cameras)
        if person is None:
            self._pursuit.record_failed_search(frame.index)
            return False
        return self._pursuit.find(frame.index, person.pose, person.visibility)
