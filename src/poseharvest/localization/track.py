"""Following one person through a capture: found once, then looked for where they were (item by item of Sec. 3.1).

The tracker needs no skeleton and no limb lengths: it triangulates the views' peaks robustly, frame by frame, to know
where to look next and where to put the bounding volume (choice D4).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.crop import Crop
from poseharvest.geometry.rig import Rig
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.localization.associate import RoughPose, rough_pose
from poseharvest.localization.boxes import Boxes
from poseharvest.localization.follow import crops_around, detect_views, locate, peaks_as_candidates

_logger = logging.getLogger(__name__)

_MAX_JUMP = 0.35  # of the person's extent, beyond the motion of the whole body
_MIN_SUPPORTED = 0.3
_PATIENCE_FRAMES = 8
_SEARCH_EVERY_FRAMES = 10


@dataclass(frozen=True, eq=False)
class Sighting:
    """What the views show of the person in one frame.

    Attributes:
        frame: the frame's number.
        time_s: seconds from the capture's start.
        cameras: as they stand in this frame.
        heatmaps: of every view, around the person.
        rough: this frame's robust triangulation of the heatmaps' peaks.
        center: (3,) middle of the person's box, mm: where the bounding volume goes.
    """

    frame: int
    time_s: float
    cameras: tuple[StaticCamera, ...]
    heatmaps: Heatmaps
    rough: RoughPose
    center: Tensor


@dataclass(frozen=True, eq=False)
class _Pose:
    """Where the tracker believes the joints to be.

    Attributes:
        points: (J, 3) mm, meaningless where not `known`.
        known: (J,) bool, seen by two views at least once.
        doubted: (J,) bool, its last observation jumped and was not taken; the next one is.
    """

    points: Tensor
    known: Tensor
    doubted: Tensor


class Tracker:
    """Follows the person whom most views agree on.

    Args:
        detector: the 2D network.
        rig: the cameras.
        boxes: windows that are known beforehand; the tracker finds the others.
    """

    def __init__(self, detector: HeatmapDetector, rig: Rig, boxes: Boxes | None = None) -> None:
        self._detector, self._rig = detector, rig
        self._boxes = boxes or Boxes({})
        self._pose: _Pose | None = None
        self._num_poor = 0
        self._next_search = 0

    def observe(self, frame: MultiViewFrame) -> Sighting | None:
        """Return what the views show of the person in the next frame, or None while nobody is found."""
        cameras = self._rig.at(frame.index)
        if self._pose is None and frame.index >= self._next_search:
            self._search(frame, cameras)
        crops = self._windows(frame.index, cameras)
        if all(crop is None for crop in crops):
            return None
        heatmaps = detect_views(self._detector, frame, cameras, crops)
        members = peaks_as_candidates(heatmaps)
        rough = rough_pose(members, cameras) if members else None
        if rough is None:
            rough = RoughPose.nothing(heatmaps.values.shape[1])
        self._pose = _updated(self._pose, rough)
        self._judge(rough, frame.index)
        center = None if self._pose is None else _middle(self._pose)
        return None if center is None else Sighting(frame.index, frame.time_s, cameras, heatmaps, rough, center)

    def _windows(self, frame: int, cameras: tuple[StaticCamera, ...]) -> tuple[Crop | None, ...]:
        given = [self._boxes.at(frame, camera.name) for camera in cameras]
        if self._pose is None:
            return tuple(given)
        followed = crops_around(self._pose.points[self._pose.known], cameras)
        return tuple(box or crop for box, crop in zip(given, followed, strict=True))

    def _search(self, frame: MultiViewFrame, cameras: tuple[StaticCamera, ...]) -> None:
        self._next_search = frame.index + _SEARCH_EVERY_FRAMES
        if sum(self._boxes.at(frame.index, camera.name) is not None for camera in cameras) >= 2:
            return
        found = locate(self._detector, frame, cameras)
        _logger.info("frame %d: %s", frame.index, "nobody found" if found is None else "person found")
        if found is not None:
            self._num_poor = 0
            self._pose = _Pose(found.points, found.supported, torch.zeros_like(found.supported))

    def _judge(self, rough: RoughPose, frame: int) -> None:
        """Give the person up after several frames in which the views agree on next to nothing."""
        poor = float(rough.supported.double().mean()) < _MIN_SUPPORTED
        self._num_poor = self._num_poor + 1 if poor else 0
        if self._num_poor > _PATIENCE_FRAMES:
            _logger.info("frame %d: person lost", frame)
            self._pose, self._num_poor, self._next_search = None, 0, frame + 1


def _updated(pose: _Pose | None, rough: RoughPose) -> _Pose | None:
    """Return the pose after a new observation; joints that are not observed move with the body."""
    if pose is None:
        enough = int(rough.supported.sum()) >= 2
        return _Pose(rough.points, rough.supported, torch.zeros_like(rough.supported)) if enough else None
    both = pose.known & rough.supported
    if not bool(both.any()):
        return pose
    shift = (rough.points - pose.points)[both].median(0).values
    moved = pose.points + shift
    known = pose.points[pose.known]
    extent = float((known.amax(0) - known.amin(0)).max())
    jumps = torch.linalg.vector_norm(rough.points - moved, dim=-1) > _MAX_JUMP * extent
    rejected = both & jumps & ~pose.doubted
    taken = rough.supported & ~rejected
    return _Pose(torch.where(taken[:, None], rough.points, moved), pose.known | taken, rejected)


def _middle(pose: _Pose) -> Tensor:
    known = pose.points[pose.known]
    return (known.amin(0) + known.amax(0)) / 2
