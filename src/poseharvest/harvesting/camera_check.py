"""Is a camera at fault? Looked at before anything is learned, from what the first frames show.

Keypoint files list what each view shows whatever its calibration says. A network is first judged by what it saw around
the person on whom most views agree. Where a view does not fit that, each view is searched alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.capture.frames import MultiViewFrame, facts_of
from poseharvest.diagnosis.camera_faults import far_shares, find_fault, still_cameras
from poseharvest.diagnosis.disagreement import median_of_known, projected
from poseharvest.diagnosis.shown_joints import ShownJoints
from poseharvest.findings import CameraFault
from poseharvest.geometry.camera import Camera
from poseharvest.harvesting.job import Job
from poseharvest.localization.find.match_views import group_candidates, triangulate_pose
from poseharvest.localization.find.scan import Candidate, PictureSearch, find_candidates
from poseharvest.localization.follow.one_view import OneViewTracker, shows_person
from poseharvest.localization.limits import CONFIDENT_PEAK
from poseharvest.localization.sighting import Sighting
from poseharvest.synchronisation.people_in_views import confident_pixels, people_in_views

_FIRST_FRAMES, _LATER_FRAMES = 96, 24  # listed keypoints: in a row at the start, and in a row in each later place
_LATER_PLACES = (0.4, 0.6, 0.8)
_FRAMES_SEARCHED, _EVERY = 10, 3  # of a network, in each view alone
_FRAMES_FOLLOWED = 60  # the same, in a row, to see who is out of step
_OFTEN_FAR = 0.1  # the same, from which views may be out of step
_STRANGE = 0.5  # share of a view's peaks that are far from where the others see the joints
_LEAST_LEFT = 2  # cameras
_LEAST_LAG, _SAME_LAG = 0.2, 0.4  # frames: a lag that may show, and how far one that is found may be from it
_FRAMES_ASKED, _MAX_GROUPS = 3, 6
_SAME_PLACE = 0.5  # of the displacement that a fault explains
_PICTURES_COMPARED = 3
_STANDS_STILL = 2.0  # mean difference of the brightness, of 255
_NOISE = 0.8  # difference of neighbours over the spread of the brightness: 1.1 for noise, 0.3 at most for a scene
_ONE_PERSON = 0.9  # share of the pictures in which one person stands out
_BYSTANDER = 0.6  # size times confidence over that of the person who stands out


class LeaveOut(Exception):  # noqa: N818 - no error: the harvest begins again without the cameras
    """A camera is plainly at fault, and the harvest goes on without it.

    Attributes:
        fault: what is wrong.
    """

    def __init__(self, fault: CameraFault) -> None:
        super().__init__(fault.text)
        self.fault = fault


def check_cameras(job: Job, first: Iterable[Sighting]) -> CameraFault | None:
    """Return the fault of a camera, with the decision on it, or None.

    Cameras that move are not judged, and two alone only on whether they are in step.

    Args:
        job: the harvest.
        first: the first sightings of the person.
    """
    fault = _find(job, first)
    if fault is None or is_between_pictures(fault, facts_of(job.capture).picture_lags_s, job.capture.frame_rate):
        return None
    return decided(job, fault)


def is_between_pictures(fault: CameraFault, lags_s: Mapping[str, float], frame_rate: float) -> bool:
    """Return whether a delay is what the times of the pictures say: cameras that were not triggered together.

    A frame takes the nearest picture of each view, so that two views may be up to a frame apart. The audit names that,
    and nothing is wrong with a camera.

    Args:
        fault: what was found.
        lags_s: how much later than the frames the pictures of each view were taken, seconds.
        frame_rate: frames per second.
    """
    (view, *more), others = fault.views, [lag for name, lag in lags_s.items() if name not in fault.views]
    if fault.kind != "delay" or more or view not in lags_s or not others or abs(fault.late_frames) > 1:
        return False
    known_frames = -(lags_s[view] - float(np.median(others))) * frame_rate
    return abs(known_frames) >= _LEAST_LAG and abs(fault.late_frames - known_frames) < _SAME_LAG


def _find(job: Job, first: Iterable[Sighting]) -> CameraFault | None:
    if job.boxes is not None:
        return None
    cameras = still_cameras(job.capture.rig)
    shown = listed(job) if job.has_keypoints else None
    in_pictures = shown or sighted(first)
    late = None if in_pictures is None else _out_of_step(job, in_pictures)
    if late is not None or not cameras:
        return late
    if shown is not None:
        return _fault(job, cameras, shown)
    return _find_in_sightings(job, cameras, in_pictures)


def _find_in_sightings(job: Job, cameras: Sequence[Camera], shown: ShownJoints | None) -> CameraFault | None:
    if shown is None:
        return _fault(job, cameras, _searched_alone(job))
    fault = _fault(job, cameras, shown)
    if not job.has_keypoints and (far_shares(cameras, shown) > _STRANGE).any():
        job.report(job.options.start, "a camera does not fit the others: searching each view alone")
        fault = _fault(job, cameras, _searched_alone(job)) or fault
        if fault is None:
            job.report(job.options.start, "a camera does not fit the others: looking for offsets between the views")
            return _compared_in_time(job, cameras, _followed_alone(job))
    if fault is None or is_perhaps_another_person(job, cameras, shown, fault):
        return None
    return confirmed_by_pictures(job, fault) if fault.kind in {"unlike", "frozen"} else fault


def _out_of_step(job: Job, shown: ShownJoints) -> CameraFault | None:
    """Return the views that show other moments than the rest, if all cameras stand still and something is off."""
    cameras = [camera for camera in job.capture.rig if isinstance(camera, Camera)]
    if len(cameras) < len(job.capture.rig):
        return None
    if len(cameras) > _LEAST_LEFT and not (far_shares(cameras, shown) > _OFTEN_FAR).any():
        return None
    return _compared_in_time(job, cameras, shown)


def _compared_in_time(job: Job, cameras: Sequence[Camera], shown: ShownJoints) -> CameraFault | None:
    from poseharvest.harvesting.step_check import find_out_of_step  # slow to import, and most rigs are in step

    return find_out_of_step(cameras, shown, job.capture.frame_rate)


def is_perhaps_another_person(job: Job, cameras: Sequence[Camera], shown: ShownJoints, fault: CameraFault) -> bool:
    """Return whether a view at fault agrees with two others about somebody, or three views see a second person.

    A fault of a camera shows in everybody. Where there are several people, a view may show another one than the rest.
    """
    view = job.capture.rig.names.index(fault.wrong[0])
    numbers = shown.few(_FRAMES_ASKED).frames.tolist()
    num_agreed = num_crowded = 0
    for number in numbers:
        for frame in job.frames(number, number + 1):
            groups = group_candidates(find_candidates(job.detector, frame, cameras), cameras, max_groups=_MAX_GROUPS)
            num_agreed += any(_apart_px(cameras, group, view) < _SAME_PLACE * fault.moved_px for group in groups)
            num_crowded += sum(len(group) > _LEAST_LEFT for group in groups) > 1
    return 2 * max(num_agreed, num_crowded) > len(numbers)


def _apart_px(cameras: Sequence[Camera], group: Sequence[Candidate], view: int) -> float:
    """Return the median distance of a view's candidate from where the others of its group see the joints, pixels."""
    own = [member for member in group if member.view == view]
    others = [member for member in group if member.view != view]
    if not own or len(others) < _LEAST_LEFT:
        return math.inf
    pose = triangulate_pose(others, cameras)
    points = torch.where(pose.known.unsqueeze(-1), pose.points.double(), torch.nan).numpy()
    apart = np.linalg.norm(confident_pixels(own[0]) - projected(cameras[view], points), axis=-1)
    return median_of_known(apart, default=math.inf)


def confirmed_by_pictures(job: Job, fault: CameraFault) -> CameraFault | None:
    """Return the fault if the pictures stand still or are noise, else None: the view may show somebody else."""
    view = job.capture.rig.names.index(fault.wrong[0])
    pictures = []
    for number in dict.fromkeys((job.options.start, (job.options.start + job.stop) // 2, job.stop - 1)):
        for frame in job.capture.frames(number, number + 1):
            image = frame.images[view]
            if image is not None:
                pictures.append(image.astype(np.float64).mean(-1))
    if len(pictures) < _PICTURES_COMPARED:
        return None
    if max(np.abs(other - pictures[0]).mean() for other in pictures[1:]) < _STANDS_STILL:
        return replace(fault, kind="frozen", text="its picture stands still while the person moves")
    if all(is_noise(one) for one in pictures):
        return replace(fault, kind="unlike", text="its pictures are noise")
    return None


def is_noise(brightness: NDArray[np.float64]) -> bool:
    """Return whether a picture (H, W) is noise."""
    return bool(np.abs(np.diff(brightness, axis=1)).mean() > _NOISE * brightness.std() > 0)


def decided(job: Job, fault: CameraFault) -> CameraFault:
    """Return the fault with the decision whether the harvest goes on without the cameras."""
    left = len(job.capture.rig.names) - len(fault.wrong)
    return replace(fault, is_left_out=fault.is_plain and left >= _LEAST_LEFT and not job.options.keep_cameras)


def sighted(first: Iterable[Sighting]) -> ShownJoints | None:
    """Return what the views show in sightings of one person, peaks that a network is sure of; None without any."""
    frames, pixels = [], []
    for sighting in first:
        sure = sighting.peaks.score > CONFIDENT_PEAK
        present = torch.tensor([crop is not None for crop in sighting.heatmaps.crops])
        known = (sure.cpu() & present[:, None]).unsqueeze(-1)
        frames.append(sighting.frame)
        pixels.append(torch.where(known, sighting.peaks.pixels.cpu().double(), torch.nan).numpy())
    return ShownJoints(np.asarray(frames, dtype=np.int64), np.stack(pixels, axis=1)) if frames else None


def _fault(job: Job, cameras: Sequence[Camera], shown: ShownJoints) -> CameraFault | None:
    return find_fault(cameras, shown, job.capture.frame_rate, job.detector.skeleton.flip_permutation)


def listed(job: Job) -> ShownJoints | None:
    """Return what keypoint files list; None if nobody stands out in many of the pictures."""
    names, num_joints = job.capture.rig.names, len(job.detector.skeleton)
    frames, pixels, stands_out = [], [], []
    for frame in _some_frames(job):
        known = np.full((len(names), num_joints, 2), np.nan)
        for view, name in enumerate(names):
            people = PictureSearch(job.detector, None, (1, 1), name, frame.index, view, frame.number(view)).people()
            prominent = sorted((person.side * person.confidence for person in people), reverse=True)
            stands_out.append(len(people) < 2 or prominent[1] < _BYSTANDER * prominent[0])
            if people:
                known[view] = confident_pixels(max(people, key=lambda person: person.side * person.confidence))
        frames.append(frame.index)
        pixels.append(known)
    if not frames or np.mean(stands_out) < _ONE_PERSON:
        return None
    return ShownJoints(np.asarray(frames, dtype=np.int64), np.stack(pixels, axis=1))


def _some_frames(job: Job) -> Iterator[MultiViewFrame]:
    """Stream the first frames and, of a longer harvest, some later ones, without pictures."""
    start, stop = job.options.start, job.stop
    first = min(stop, start + _FIRST_FRAMES)
    yield from job.frames(start, first)
    for place in _LATER_PLACES:
        later = max(first, start + int(place * (stop - start)))
        first = min(stop, later + _LATER_FRAMES)
        yield from job.frames(later, first)


def _followed_alone(job: Job) -> ShownJoints:
    """Return what a network sees of one person in each view, in frames in a row, followed without the others."""
    start, stop = job.options.start, min(job.stop, job.options.start + _FRAMES_FOLLOWED)
    frames = np.arange(start, stop)
    pixels = np.full((len(job.capture.rig), len(frames), len(job.detector.skeleton), 2), np.nan)
    for view, joints in enumerate(people_in_views(job.detector, job.capture, start, stop)):
        if len(joints.times_s) == len(frames):
            pixels[view] = joints.pixels[:, 0]
    return ShownJoints(frames, pixels)


def _searched_alone(job: Job) -> ShownJoints:
    """Return what a network sees of the person in each view, searched and followed without the others."""
    names, num_joints = job.capture.rig.names, len(job.detector.skeleton)
    trackers = [OneViewTracker(job.detector, name) for name in names]
    frames, pixels = [], []
    for frame in job.frames(job.options.start, min(job.stop, job.options.start + _FRAMES_SEARCHED * _EVERY)):
        if (frame.index - job.options.start) % _EVERY:
            continue
        known = np.full((len(names), num_joints, 2), np.nan)
        for view, (tracker, image) in enumerate(zip(trackers, frame.images, strict=True)):
            crop = None if image is None else tracker.observe(frame.index, image)
            if crop is not None and image is not None:
                look = PictureSearch(job.detector, image, image.shape[:2], names[view], frame.index, view)
                peaks = look.look_through([crop])[0]
                known[view] = confident_pixels(peaks) if shows_person(peaks) else np.nan
        frames.append(frame.index)
        pixels.append(known)
    return ShownJoints(np.asarray(frames, dtype=np.int64), np.stack(pixels, axis=1))
