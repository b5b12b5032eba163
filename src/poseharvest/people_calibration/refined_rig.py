"""Given cameras made better by the people in the footage, if frames that took no part say that they are better."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from poseharvest.errors import CalibrationError
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.people_calibration.body_rounds import (
    adjust_body,
    begin,
    errors_of,
    joint_sigmas,
    place_joints,
)
from poseharvest.people_calibration.joint_bundle import GivenPoses
from poseharvest.people_calibration.joint_sightings import Floats, JointSightings
from poseharvest.people_calibration.one_body import limb_joints, most_visible, nearest_to
from poseharvest.people_calibration.solve_people import worthwhile_moments
from poseharvest.rig_calibration.lenses import Lens, lens_of_camera

GIVEN_SIGMA_DEG, GIVEN_SIGMA_MM = 0.05, 3.0
"""What a given camera may be off by without a word: the people must say plainly that it is more."""

_MAX_MOMENTS = 240
_NUM_STRETCHES = 10  # every second one is held out
_OUTLIER = 4.0  # standard deviations; a larger error counts no more
_BETTER = 0.98  # share of the error that may be left
_MOST_STRETCHES = 0.6  # of the held-out stretches that must get better


@dataclass(frozen=True)
class CameraChange:
    """By how much a camera was changed.

    Attributes:
        name: of the camera.
        angle_deg: angle between the old and the new direction.
        place_mm: distance between the old and the new place.
    """

    name: str
    angle_deg: float
    place_mm: float


@dataclass(frozen=True, eq=False)
class RigRefinement:
    """Cameras before and after, and what frames say that took no part.

    Attributes:
        rig: the cameras to use: the refined ones if they are better, else those that were given.
        is_better: whether the refined cameras are used.
        before_px: mean error of held-out detections under the given cameras, pixels.
        after_px: the same under the refined ones.
        better_stretches: held-out stretches that got better.
        num_stretches: all held-out stretches.
        changes: by camera, in the order of the rig.
    """

    rig: Rig
    is_better: bool
    before_px: float
    after_px: float
    better_stretches: int
    num_stretches: int
    changes: tuple[CameraChange, ...]


def refine_rig(sightings: JointSightings, rig: Rig) -> RigRefinement:
    """Return the cameras that explain where people are seen, beside those that were given.

    Cameras keep their lenses. Their world stays that of the given ones: a few cameras that moved do not move the rest.

    Args:
        sightings: the joints of people in the views of the rig.
        rig: perspective cameras that stand still.

    Raises:
        CalibrationError: a camera is of another kind, or too few moments show a person in two views.
    """
    cameras = [camera for camera in rig if isinstance(camera, Camera)]
    if len(cameras) < len(rig):
        raise CalibrationError("refine_cameras: expected perspective cameras that stand still, got others")
    lenses = [lens_of_camera(camera) for camera in cameras]
    poses = np.stack([_pose(camera) for camera in cameras])
    used = sightings.at(worthwhile_moments(sightings, _MAX_MOMENTS))
    stretch = np.arange(len(used.times_s)) * _NUM_STRETCHES // len(used.times_s)
    fitted, held = used.at(np.flatnonzero(stretch % 2 == 0)), used.at(np.flatnonzero(stretch % 2 == 1))
    limbs = limb_joints(used.skeleton)
    given = GivenPoses(poses, GIVEN_SIGMA_DEG, GIVEN_SIGMA_MM)
    adjusted = adjust_body(fitted, most_visible(fitted), limbs, (lenses, poses), given=given)
    new = adjusted.state.cams_from_world
    limits = _OUTLIER * joint_sigmas(adjusted.errors_px, adjusted.body)
    before, after = (_errors(held, lenses, at, (limits, limbs)) for at in (poses, new))
    parts = stretch[stretch % 2 == 1]
    better = [_mean(after[:, parts == one]) < _mean(before[:, parts == one]) for one in np.unique(parts)]
    before_px, after_px = _mean(before), _mean(after)
    is_better = after_px < _BETTER * before_px and sum(better) >= _MOST_STRETCHES * len(better)
    changes = tuple(_change(camera.name, old, now) for camera, old, now in zip(cameras, poses, new, strict=True))
    refined = Rig(tuple(_moved(camera, pose) for camera, pose in zip(cameras, new, strict=True)))
    return RigRefinement(
        refined if is_better else rig, is_better, before_px, after_px, sum(better), len(better), changes
    )


def _pose(camera: Camera) -> Floats:
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = camera.rotation.double().numpy(), camera.translation.double().numpy()
    return pose


def _moved(camera: Camera, pose: Floats) -> Camera:
    """Return the camera at another place; its lens stays what it was, to the last digit."""
    moved = lens_of_camera(camera).camera(camera.name, pose)
    return replace(camera, rotation=moved.rotation, translation=moved.translation)


def _errors(held: JointSightings, lenses: list[Lens], poses: Floats, how: tuple[Floats, NDArray[np.int64]]) -> Floats:
    """Return (V, M, J) the errors of held-out detections, pixels, cut off at the limit of each joint; NaN for none."""
    limits, limbs = how
    body = most_visible(held)
    state, _ = begin(tuple(lenses), poses, body, limbs)
    body = nearest_to(held, np.stack([state.projected(view) for view in range(len(lenses))]))
    points = place_joints(lenses, poses, body, limits)
    errors = errors_of(replace(state, points=points), body)
    # Where no two views agree, every view that shows the joint errs by the limit or more.
    unplaced = ~np.isfinite(points).all(-1) & (body.shown.sum(0) >= 2)
    errors = np.where(unplaced & body.shown, limits, errors)
    return np.asarray(np.minimum(errors, limits), dtype=np.float64)


def _mean(errors: Floats) -> float:
    known = np.isfinite(errors)
    return float(errors[known].mean()) if known.any() else float("nan")


def _change(name: str, old: Floats, new: Floats) -> CameraChange:
    cosine = (np.trace(old[:3, :3].T @ new[:3, :3]) - 1) / 2
    place_mm = float(np.linalg.norm((np.linalg.inv(old) - np.linalg.inv(new))[:3, 3]))
    return CameraChange(name, float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))), place_mm)
