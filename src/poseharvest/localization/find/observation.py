"""What a network sees of a person around a known pose: windows, candidates, the pose, and the next windows' size.

It serves for following a person and for a second look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from poseharvest.capture.common_clock import MIN_VIEWS
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.protocol import CroppedView, HeatmapDetector, KeypointSource
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.crop import Crop, crop_of_box
from poseharvest.geometry.rig import inside_image, project_all
from poseharvest.heatmaps.maps import Heatmaps, Peaks, heatmap_peaks
from poseharvest.localization.find.match_views import (
    project_poses,
    shared_side,
    triangulate_poses,
    view_agreements,
)
from poseharvest.localization.find.pose_memory import PoseMemory
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.limits import CLOSING_SCALES, CROP_SCALE, MIN_JOINTS, MIN_SIDE_PX
from poseharvest.localization.sighting import PartialPose, TriangulatedPose
from poseharvest.skeleton.human import is_end
from poseharvest.skeleton.proportions import whole_over_part
from poseharvest.skeleton.skeleton import Skeleton

_WELL_KNOWN = 0.9  # quantile of the peaks' heights: the height of joints that the network knows
_STANDS_OUT = 0.1  # share of that height below which a peak is dropped
_MAX_SIDES = 4  # largest window, in sides of the picture: a larger one is a pose at the camera's own place
_SURE, _UNSURE = 0.3, 0.2  # mean visibility over views
_MIN_VISIBILITY = 0.1  # half of what a search for a new person demands


def crops_around(points: Tensor, cameras: Sequence[StaticCamera], scale: float = CROP_SCALE) -> tuple[Crop | None, ...]:
    """Return every view's window around a pose.

    Args:
        points: (J, 3) world, mm.
        cameras: V cameras as they stand in the frame.
        scale: of the windows' sides over the extent of the projection.

    Returns:
        One a view. None where fewer than four joints are in front of the camera, where none falls into the picture, or
        where the window would be more than four times as large as the picture.
    """
    if len(points) < MIN_JOINTS:
        return (None,) * len(cameras)
    projection = project_all(cameras, points)
    valid, pixels = projection.valid, projection.pixels
    low, high = (torch.where(valid.unsqueeze(-1), pixels, end) for end in (torch.inf, -torch.inf))
    boxes = torch.stack((low.amin(1), high.amax(1)), 1).tolist()
    heights, widths = torch.tensor([camera.image_size for camera in cameras], dtype=pixels.dtype).T.unsqueeze(-1)
    inside = valid & inside_image(pixels, (heights, widths))
    is_seen = ((valid.sum(1) >= MIN_JOINTS) & inside.any(1)).tolist()
    crops: list[Crop | None] = []
    for camera, shows_enough_joints, (corner, opposite) in zip(cameras, is_seen, boxes, strict=True):
        crop = crop_of_box(corner, opposite, scale, MIN_SIDE_PX) if shows_enough_joints else None
        crops.append(None if crop is None or crop.side > _MAX_SIDES * max(camera.image_size) else crop)
    return tuple(crops)


def windows_on(
    skeleton: Skeleton, person: PartialPose, cameras: Sequence[StaticCamera], scale: float = CROP_SCALE
) -> tuple[Crop | None, ...]:
    """Return every view's window on a person who may be seen only in part (`crops_around`).

    Networks are trained on windows that would hold the whole person. If the window fits the head and arms of a person
    at a desk, the person is too large in it, and the network takes a hand for a person. So the window is laid around
    the whole body, which is estimated from the known joints.

    Args:
        skeleton: J joints.
        person: where the person is in space, and which joints are known.
        cameras: V cameras as they stand in the frame.
        scale: the window's side, divided by the whole person's extent.
    """
    return crops_around(
        person.points[person.known], cameras, scale * whole_over_part(skeleton, tuple(person.known.tolist()))
    )


def detect_views(
    detector: HeatmapDetector,
    frames: Sequence[MultiViewFrame],
    cameras: Sequence[StaticCamera],
    crops: Sequence[Sequence[Crop | None]],
) -> list[Heatmaps]:
    """Return the heatmaps of F frames in the given windows, all through the detector at once.

    Args:
        detector: the 2D network.
        frames: F moments.
        cameras: V cameras, for their names.
        crops: (F, V) windows. A view is absent if it has no window, or no picture where the detector needs one.
    """
    present = [
        tuple(
            None if frame.number(view) < 0 or (detector.needs_images and image is None) else crop
            for view, (crop, image) in enumerate(zip(windows, frame.images, strict=True))
        )
        for windows, frame in zip(crops, frames, strict=True)
    ]
    requests = [
        CroppedView(camera.name, frame.index, crop, image, frame.number(view))
        for frame, windows in zip(frames, present, strict=True)
        for view, (camera, crop, image) in enumerate(zip(cameras, windows, frame.images, strict=True))
        if crop is not None
    ]
    if not requests:
        values = torch.zeros((len(frames), len(cameras), len(detector.skeleton), *detector.heatmap_size))
    else:
        detected = detector.detect(requests)
        values = detected.new_zeros((len(frames), len(cameras), *detected.shape[1:]))
        values[torch.tensor([[crop is not None for crop in windows] for windows in present])] = detected
    return [Heatmaps(maps, windows) for maps, windows in zip(values, present, strict=True)]


def view_candidates(heatmaps: Heatmaps, peaks: Peaks) -> list[Candidate]:
    """Return the peaks of the heatmaps as one candidate a present view."""
    return [
        Candidate(view, peaks.pixels[view].cpu(), peaks.score[view].clamp_min(0).cpu(), crop.side)
        for view, crop in enumerate(heatmaps.crops)
        if crop is not None
    ]


def drop_low_peaks(members: Sequence[Candidate]) -> list[Candidate]:
    """Return one person's candidates without their low peaks.

    A network gives every joint a peak. The peak of a joint outside of the picture is low and lies anywhere. Two such
    peaks sometimes agree by chance, and the next windows would be laid around a joint that no view shows.

    Args:
        members: the network's candidates, at most one a view.
    """
    if not members:
        return []
    scores = torch.stack([member.scores for member in members])
    least = _STANDS_OUT * scores.flatten().quantile(_WELL_KNOWN)
    return [replace(member, scores=torch.where(member.scores >= least, member.scores, 0)) for member in members]


def network_candidates(heatmaps: Heatmaps) -> list[Candidate]:
    """Return what a network shows of a person as one candidate a present view, without low peaks."""
    return drop_low_peaks(view_candidates(heatmaps, heatmap_peaks(heatmaps.values, heatmaps.crops)))


def shows_enough(detector: HeatmapDetector, frame: MultiViewFrame) -> bool:
    """Return whether two views have the pictures that the detector needs; else the frame says nothing about people."""
    return not detector.needs_images or sum(image is not None for image in frame.images) >= MIN_VIEWS


def draw_keypoints(
    detector: HeatmapDetector,
    source: KeypointSource,
    person: PartialPose,
    members: Sequence[Candidate],
    cameras: Sequence[StaticCamera],
) -> Heatmaps:
    """Return the heatmaps of a person's own keypoints alone; zero where a view has none.

    The windows are laid around the known joints, even if these are few: a window cannot hide keypoints that are read
    from a file. Toes and fingers do not count for the window's size, since they would make the heatmaps coarser. They
    lie in the margin around ankles and wrists.

    Args:
        detector: gives the size of the heatmaps.
        source: the same detector, as a source of keypoints.
        person: where the person is in space.
        members: the person's keypoints, at most one a view.
        cameras: V cameras as they stand in this frame.
    """
    body = person.known & _are_no_ends(detector.skeleton)
    crops = crops_around(person.points[body if int(body.sum()) >= MIN_JOINTS else person.known], cameras)
    values = torch.zeros((len(cameras), len(detector.skeleton), *detector.heatmap_size))
    for member in members:
        crop = crops[member.view]
        if crop is not None:
            values[member.view] = source.draw([torch.cat((member.pixels, member.scores[:, None]), 1)], crop)
    return Heatmaps(values, crops)


@cache
def _are_no_ends(skeleton: Skeleton) -> Tensor:
    """Return (J,) bool: the joint is neither a toe nor a finger."""
    return torch.tensor([not is_end(joint) for joint in skeleton.joints])


@dataclass(frozen=True, eq=False)
class Observation:
    """A person as the views show them in one frame.

    Attributes:
        pose: where the person is.
        visibility: how much of the person each view shows, 0 to 1, the largest first (`match_views.view_agreements`).
    """

    pose: TriangulatedPose
    visibility: Sequence[float]

    @property
    def is_seen(self) -> bool:
        """Two views agree on enough joints with high peaks. On low peaks, as on a wall, views agree by chance."""
        return self.pose.is_seen and self.visibility[1] >= _MIN_VISIBILITY


def observe_people(
    members: Sequence[Sequence[Candidate]], cameras: Sequence[Sequence[StaticCamera]], num_joints: int
) -> list[Observation]:
    """Return what the views show of one person in F frames, or of F people in one.

    Args:
        members: the candidates of each, at most one a view; without any the pose has no known joint.
        cameras: V cameras of each.
        num_joints: J, joints of every candidate.
    """
    poses = triangulate_poses(members, cameras, num_joints)
    return [
        Observation(pose, view_agreements(candidates, project_poses([pose], static)))
        for pose, candidates, static in zip(poses, members, cameras, strict=True)
    ]


def observe_remembered(
    members: Sequence[Sequence[Candidate]], cameras: Sequence[StaticCamera], memory: PoseMemory
) -> list[Observation]:
    """Return what the views show of some people in one frame, as `observe_people` does.

    Args:
        members: the candidates of each, at most one a view; without any the pose has no known joint.
        cameras: V cameras as they stand in this frame.
        memory: poses that are triangulated already.
    """
    side = shared_side(members) if any(members) else None
    poses = memory.triangulate(members, cameras, side=side)
    return [
        Observation(pose, view_agreements(candidates, memory.project([pose], cameras)))
        for pose, candidates in zip(poses, members, strict=True)
    ]


def window_scale(visibility: Sequence[float]) -> float:
    """Return the side of the next windows, divided by the extent of the last pose.

    Where the views show little of a person, the extent of the pose is not reliable. Arms and legs may have been found
    near the trunk; a window that fits would cut them off, and they would never be found again. So the less the views
    show, the wider the windows are, up to the first scale of a search (`CLOSING_SCALES`).

    Args:
        visibility: as `view_agreements` gives it, or a single view's mean height of peaks; empty before the first look.
    """
    if not visibility:
        return CROP_SCALE
    doubt = (_SURE - sum(visibility) / len(visibility)) / (_SURE - _UNSURE)
    return CROP_SCALE + min(max(doubt, 0.0), 1.0) * (CLOSING_SCALES[0] - CROP_SCALE)
