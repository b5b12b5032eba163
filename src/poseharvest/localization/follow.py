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
from poseharvest.heatmaps.decode import Peaks, heatmap_peaks
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.localization.assign import Expected
from poseharvest.localization.associate import RoughPose, agreements, group, rough_pose
from poseharvest.localization.observation import Observation
from poseharvest.localization.scan import CROP_SCALE, MIN_JOINTS, MIN_SIDE_PX, Candidate, find_candidates
from poseharvest.localization.tell_apart import num_own_views, told_apart
from poseharvest.skeleton.human import is_end
from poseharvest.skeleton.proportions import whole_over_part
from poseharvest.skeleton.skeleton import Skeleton

_NUM_LOOKS = 2
_WELL_KNOWN = 0.9  # quantile of the peaks' heights: those of joints that the network knows
_STANDS_OUT = 0.1  # of that height
_MAX_GROUPS = 6
_MAX_SIDES = 4  # of the picture, that a window may have: more is a pose at the camera's own place
PERSON_MM = (500.0, 2800.0)
"""Longest side of the box around a person's joints, from that of a child who sits to that of raised arms."""

_MIN_SUPPORTED = 0.5  # of the joints, for a pose to be a person's


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
    skeleton: Skeleton, points: Tensor, known: Tensor, cameras: Sequence[StaticCamera], scale: float = CROP_SCALE
) -> tuple[Crop | None, ...]:
    """Return every view's window on a person of whom perhaps only a part is seen (`crops_around`).

    Networks are trained on windows of whole people, cut off by the picture or not. Somebody at a desk, in a window that
    fits head and arms, is too large for them: they take a hand for the person.

    Args:
        skeleton: J joints.
        points: (J, 3) world, mm.
        known: (J,) bool, the joint is seen.
        cameras: V cameras as they stand in the frame.
        scale: of a whole person's window over the person's extent.
    """
    return crops_around(points[known], cameras, scale * whole_over_part(skeleton, tuple(known.tolist())))


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
    points: Tensor,
    known: Tensor,
    members: Sequence[Candidate],
    cameras: Sequence[StaticCamera],
) -> Heatmaps:
    """Return the heatmaps of a person's own keypoints alone; flat where a view has none.

    The windows fit, however little is seen: keypoints that are known beforehand cannot be cut off by them. Toes and
    fingers lie in the room that they leave around ankles and wrists, and would make the heatmaps coarser.

    Args:
        detector: gives the size of the heatmaps.
        source: the same detector, that knows its people.
        points: (J, 3) mm, where the person is.
        known: (J,) bool, the joints of which that is known.
        members: their keypoints, at most one a view.
        cameras: V cameras as they stand in this frame.
    """
    body = known & ~torch.tensor([is_end(joint) for joint in detector.skeleton.joints])
    crops = crops_around(points[body if int(body.sum()) >= MIN_JOINTS else known], cameras)
    values = torch.zeros((len(cameras), len(detector.skeleton), *detector.heatmap_size))
    for member in members:
        crop = crops[member.view]
        if crop is not None:
            values[member.view] = source.draw([torch.cat((member.pixels, member.scores[:, None]), 1)], crop)
    return Heatmaps(values, crops)


def locate(detector: HeatmapDetector, frame: MultiViewFrame, cameras: Sequence[StaticCamera]) -> Observation | None:
    """Return the person that the views agree on, found without any hint, or None.

    Candidates of each view are matched across views in 3D, and of the best matches the one of which the views show most
    (`looked_at`) is the person. A network sees small people in hands and in what lies about: who is of a person's size
    goes before who is not. Where nobody is, the calibration may be in another unit, and the first is taken after all.
    """
    groups = group(find_candidates(detector, frame, cameras), cameras, most=_MAX_GROUPS)
    found = [seen for _, seen in looked_at(detector, frame, cameras, groups)]
    return next((seen for seen in found if PERSON_MM[0] < seen.pose.extent_mm < PERSON_MM[1]), next(iter(found), None))


def looked_at(
    detector: HeatmapDetector,
    frame: MultiViewFrame,
    cameras: Sequence[StaticCamera],
    groups: Sequence[Sequence[Candidate]],
    others: Sequence[Expected] = (),
) -> list[tuple[RoughPose, Observation]]:
    """Return those of the matches who are people, of whom the views show most first: as matched, and as then seen.

    Every view, those included in which the scan missed the person, looks again around each match: two views may agree
    by chance on what is nobody, but the others do not see it.

    Args:
        detector: the 2D network.
        frame: the pictures.
        cameras: V cameras as they stand in this frame.
        groups: candidates that may be one person, at most one a view.
        others: people who are known already, whose peaks are not these people's.
    """
    keypoints = isinstance(detector, KeypointSource)
    matched = [rough_pose(members if keypoints else standing_out(members), cameras) for members in groups]
    looked = [(pose, look_again(detector, frame, cameras, pose, others)) for pose in matched]
    people = [(pose, seen) for pose, seen in looked if seen is not None]
    return sorted(people, key=lambda one: -sum(one[1].shown))


def look_again(
    detector: HeatmapDetector,
    frame: MultiViewFrame,
    cameras: Sequence[StaticCamera],
    pose: RoughPose,
    others: Sequence[Expected] = (),
) -> Observation | None:
    """Return what the views show in windows around a pose, or None if it is no person.

    Args:
        detector: the 2D network.
        frame: the pictures.
        cameras: V cameras as they stand in this frame.
        pose: where to look.
        others: people who are known already, whose peaks are not this person's.
    """
    members: list[Candidate] = []
    for _ in range(_NUM_LOOKS):
        if not is_person(pose):
            return None
        crops = windows_on(detector.skeleton, pose.points, pose.supported, cameras)
        whole = detect_views(detector, [frame], cameras, [crops])[0]
        heatmaps = told_apart(whole, Expected(pose.points, pose.supported), others, cameras)
        members = network_candidates(heatmaps)
        if not members:
            return None
        pose = rough_pose(members, cameras)
    if others and num_own_views(members, others, cameras, detector.skeleton) < MIN_VIEWS:
        return None
    return Observation(pose, agreements(pose, members, cameras)) if is_person(pose) else None


def is_person(pose: RoughPose) -> bool:
    """Two views agree on so many joints that somebody is there."""
    return float(pose.supported.double().mean()) >= _MIN_SUPPORTED
