"""Windows around a known pose: how the person is followed from frame to frame, and looked at again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from poseharvest.capture.frames import MultiViewFrame
from poseharvest.capture.sync import MIN_VIEWS
from poseharvest.detectors.protocol import CroppedView, HeatmapDetector, KeypointSource
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.crop import Crop, crop_around
from poseharvest.geometry.rig import inside_image
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.heatmaps.peaks import Peaks, heatmap_peaks
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.limits import CROP_SCALE, MIN_JOINTS, MIN_SIDE_PX
from poseharvest.localization.partial_pose import PartialPose
from poseharvest.skeleton.human import is_end
from poseharvest.skeleton.proportions import whole_over_part
from poseharvest.skeleton.skeleton import Skeleton

_WELL_KNOWN = 0.9  # quantile of the peaks' heights: those of joints that the network knows
_STANDS_OUT = 0.1  # of that height
_MAX_SIDES = 4  # of the picture, that a window may have: more is a pose at the camera's own place


def crops_around(points: Tensor, cameras: Sequence[StaticCamera], scale: float = CROP_SCALE) -> tuple[Crop | None, ...]:
    """Return every view's window around a pose.

    Args:
        points: (J, 3) world, mm.
        cameras: V cameras as they stand in the frame.
        scale: of the windows' sides over the extent of the projection.

    Returns:
        One a view; None where fewer than four joints are in front of the camera, none falls into the picture, or the
        window would be so large that the picture is a speck in it: the pose is not where the camera stands.
    """
    crops: list[Crop | None] = []
    for camera in cameras:
        seen = camera.project(points)
        pixels = seen.pixels[seen.valid]
        visible = pixels.shape[0] >= MIN_JOINTS and bool(inside_image(pixels, camera.image_size).any())
        crop = crop_around(pixels, scale, MIN_SIDE_PX) if visible else None
        crops.append(None if crop is None or crop.side > _MAX_SIDES * max(camera.image_size) else crop)
    return tuple(crops)


def windows_on(
    skeleton: Skeleton, person: PartialPose, cameras: Sequence[StaticCamera], scale: float = CROP_SCALE
) -> tuple[Crop | None, ...]:
    """Return every view's window on a person of whom perhaps only a part is seen (`crops_around`).

    Networks are trained on windows of whole people, cut off by the picture or not. Somebody at a desk, in a window that
    fits head and arms, is too large for them: they take a hand for the person.

    Args:
        skeleton: J joints.
        person: where they are in space, and which joints are seen.
        cameras: V cameras as they stand in the frame.
        scale: of a whole person's window over the person's extent.
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
        crops: (F, V) windows; a view without a window, or without the picture that the detector needs, is absent.
    """
    present = [
        tuple(
            None if frame.number(view) < 0 or (detector.needs_images and image is None) else crop
            for view, (crop, image) in enumerate(zip(windows, frame.images, strict=True))
        )
        for windows, frame in zip(crops, frames, strict=True)
    ]
    asked = [
        CroppedView(camera.name, frame.index, crop, image, frame.number(view))
        for frame, windows in zip(frames, present, strict=True)
        for view, (camera, crop, image) in enumerate(zip(cameras, windows, frame.images, strict=True))
        if crop is not None
    ]
    values = torch.zeros((len(frames), len(cameras), len(detector.skeleton), *detector.heatmap_size))
    if asked:
        detected = detector.detect(asked)
        values = values.to(detected)
        values[torch.tensor([[crop is not None for crop in windows] for windows in present])] = detected
    return [Heatmaps(maps, windows) for maps, windows in zip(values, present, strict=True)]


def view_candidates(heatmaps: Heatmaps, peaks: Peaks) -> list[Candidate]:
    """Return the peaks of the heatmaps as one candidate a present view."""
    return [
        Candidate(view, peaks.pixels[view].cpu(), peaks.score[view].clamp_min(0).cpu(), crop.side)
        for view, crop in enumerate(heatmaps.crops)
        if crop is not None
    ]


def standing_out(members: Sequence[Candidate]) -> list[Candidate]:
    """Return one person's candidates without the peaks that say nothing.

    A network gives every joint a peak. That of a joint which is out of the picture is low and lies anywhere; two such
    peaks agree by chance now and then, and the next windows would be laid around a joint that nobody saw.

    Args:
        members: at most one a view, as a network sees them.
    """
    if not members:
        return []
    scores = torch.stack([member.scores for member in members])
    least = _STANDS_OUT * scores.flatten().quantile(_WELL_KNOWN)
    return [replace(member, scores=torch.where(member.scores >= least, member.scores, 0)) for member in members]


def network_candidates(heatmaps: Heatmaps) -> list[Candidate]:
    """Return what a network shows of a person as one candidate a present view, without peaks that say nothing."""
    return standing_out(view_candidates(heatmaps, heatmap_peaks(heatmaps.values, heatmaps.crops)))


def shows_enough(detector: HeatmapDetector, frame: MultiViewFrame) -> bool:
    """Return whether two views have what the detector looks at; else it is unknown who is there."""
    return not detector.needs_images or sum(image is not None for image in frame.images) >= MIN_VIEWS


def drawn_keypoints(
    detector: HeatmapDetector,
    source: KeypointSource,
    person: PartialPose,
    members: Sequence[Candidate],
    cameras: Sequence[StaticCamera],
) -> Heatmaps:
    """Return the heatmaps of a person's own keypoints alone; flat where a view has none.

    The windows fit, however little is seen: keypoints that are known beforehand cannot be cut off by them. Toes and
    fingers lie in the room that they leave around ankles and wrists, and would make the heatmaps coarser.

    Args:
        detector: gives the size of the heatmaps.
        source: the same detector, that knows its people.
        person: where they are in space.
        members: their keypoints, at most one a view.
        cameras: V cameras as they stand in this frame.
    """
    body = person.known & ~torch.tensor([is_end(joint) for joint in detector.skeleton.joints])
    crops = crops_around(person.points[body if int(body.sum()) >= MIN_JOINTS else person.known], cameras)
    values = torch.zeros((len(cameras), len(detector.skeleton), *detector.heatmap_size))
    for member in members:
        crop = crops[member.view]
        if crop is not None:
            values[member.view] = source.draw([torch.cat((member.pixels, member.scores[:, None]), 1)], crop)
    return Heatmaps(values, crops)
