"""Adjustment in rounds: the body is chosen anew in each view, and detections that do not fit are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.geometry.triangulation import triangulate_robust
from poseharvest.people_calibration.joint_bundle import BodyState, Evidence, GivenPoses, adjust_joints
from poseharvest.people_calibration.joint_sightings import Bools, Floats, JointSightings
from poseharvest.people_calibration.one_body import BodySightings, lengths_of, nearest_to
from poseharvest.rig_calibration.lenses import Lens

_ROUNDS = 4
_SETTLED = 3e-3  # of the cameras' distance to the body: cameras that move less do not move any more
_ROUGH_SHARE = 0.08  # of the body's extent: a detection farther off does not belong to a joint, before any adjustment
_OUTLIER = 4.0  # standard deviations
_LEAST_SIGMA_SHARE = 0.002  # of the body's extent
_LEAST_OF_JOINT = 20  # detections of a joint, for a standard deviation of its own
_MEDIAN_TO_SIGMA = 0.8493  # of the length of a displacement with normal components
_MAX_LIMB_ERROR = 0.5  # of a limb's length, beyond which a joint at its end is not believed


@dataclass(frozen=True, eq=False)
class AdjustedBody:
    """Adjusted cameras, and the body that they were adjusted to.

    Attributes:
        state: cameras and joints.
        evidence: what took part.
        body: all detections of the body at the moments of the state.
        errors_px: (V, M, J) distances of detections to projected joints; NaN where there is none.
    """

    state: BodyState
    evidence: Evidence
    body: BodySightings
    errors_px: Floats


def adjust_body(
    sightings: JointSightings,
    body: BodySightings,
    limbs: NDArray[np.int64],
    start: tuple[Sequence[Lens], Floats],
    *,
    given: GivenPoses | None = None,
) -> AdjustedBody:
    """Return the cameras after some rounds of adjustment.

    Args:
        sightings: of all people, by V cameras at M moments.
        body: the person who is believed to be the same in all views.
        limbs: (L, 2) joints of each limb.
        start: lenses and (V, 4, 4) poses of the cameras, mm.
        given: poses that are believed as long as little speaks against them; they must be those of the start.
    """
    lenses, cameras = tuple(start[0]), start[1]
    state, evidence = begin(lenses, cameras, body, limbs)
    for _ in range(_ROUNDS):
        before = state.cams_from_world
        state = adjust_joints(state, replace(evidence, given=given), roughly=True)
        body = nearest_to(sightings, np.stack([state.projected(view) for view in range(len(lenses))]))
        # Joints that the round before could not place may be placed now, and wrongly placed ones are placed anew.
        state, evidence = begin(state.lenses, state.cams_from_world, body, limbs)
        moved = np.abs(np.linalg.inv(state.cams_from_world) - np.linalg.inv(before))[:, :3, 3].max()
        if moved < _SETTLED * np.nanmedian(np.linalg.norm(state.points, axis=-1)):
            break
    evidence = replace(evidence, given=given)
    state = adjust_joints(state, evidence)
    return AdjustedBody(state, evidence, body, errors_of(state, body))


def begin(
    lenses: tuple[Lens, ...], cameras: Floats, body: BodySightings, limbs: NDArray[np.int64]
) -> tuple[BodyState, Evidence]:
    """Return the state with the joints where the cameras see them, and the detections that agree."""
    rough_px = np.broadcast_to(_ROUGH_SHARE * np.nanmean(body.usual_extents_px), body.pixels.shape[2])
    state = BodyState(lenses, cameras, place_joints(lenses, cameras, body, rough_px), np.zeros(len(limbs)))
    sigmas = joint_sigmas(errors_of(state, body), body)
    points = place_joints(lenses, cameras, body, _OUTLIER * sigmas)
    points = without_odd_limbs(points, limbs)
    state = replace(state, points=points, lengths_mm=lengths_of(points, limbs))
    errors = errors_of(state, body)
    sigmas_px = sigmas / np.sqrt(np.maximum(body.weights, 1e-3))
    used = np.asarray(errors < _OUTLIER * sigmas)
    used &= used.sum(0) >= 2
    is_placed = np.asarray(used.any(0))
    points = np.where(is_placed[..., None], points, np.nan)
    pixels = np.where(used[..., None], body.pixels, np.nan)
    return replace(state, points=points), Evidence(pixels, sigmas_px, limbs)


def place_joints(lenses: Sequence[Lens], cameras: Floats, body: BodySightings, limits_px: Floats) -> Floats:
    """Return (M, J, 3) the joints on which most views agree, mm; NaN where no two views do.

    Args:
        lenses: of V views.
        cameras: (V, 4, 4) poses, mm.
        body: detections.
        limits_px: (J,) distance in pixels up to which a view agrees.
    """
    views = [lens.camera(str(number), pose) for number, (lens, pose) in enumerate(zip(lenses, cameras, strict=True))]
    num_views, num_moments, num_joints = body.weights.shape
    found = triangulate_robust(
        views,
        torch.from_numpy(body.pixels.reshape(num_views, -1, 2)),
        torch.from_numpy(body.weights.reshape(num_views, -1)),
        threshold_px=torch.from_numpy(np.tile(limits_px, num_moments)),
    )
    points = torch.where(found.supported[:, None], found.points, torch.nan).numpy()
    return np.asarray(points.reshape(num_moments, num_joints, 3), dtype=np.float64)


def errors_of(state: BodyState, body: BodySightings) -> Floats:
    """Return (V, M, J) the distances of detections to the projected joints, pixels; NaN where there is none."""
    projected = np.stack([state.projected(view) for view in range(len(state.lenses))])
    return np.asarray(np.linalg.norm(projected - body.pixels, axis=-1), dtype=np.float64)


def joint_sigmas(errors_px: Floats, body: BodySightings) -> Floats:
    """Return (J,) the standard deviations of detections, pixels, from the middle of their distances (V, M, J)."""
    least = _LEAST_SIGMA_SHARE * float(np.nanmean(body.usual_extents_px))
    known = np.isfinite(errors_px)
    overall = float(np.median(errors_px[known])) if known.any() else least
    of_joint = [
        float(np.median(errors_px[..., joint][known[..., joint]]))
        if known[..., joint].sum() >= _LEAST_OF_JOINT
        else overall
        for joint in range(errors_px.shape[-1])
    ]
    return np.maximum(_MEDIAN_TO_SIGMA * np.array(of_joint), least)


def without_odd_limbs(points: Floats, limbs: NDArray[np.int64]) -> Floats:
    """Return the joints (M, J, 3) without those whose limbs are too long or too short by half their length or more."""
    lengths = lengths_of(points, limbs)
    now = np.linalg.norm(points[:, limbs[:, 0]] - points[:, limbs[:, 1]], axis=-1)
    with np.errstate(invalid="ignore"):
        is_odd: Bools = np.abs(now - lengths) > np.maximum(_MAX_LIMB_ERROR * lengths, 60.0)
    odd_limbs = np.zeros(points.shape[:2])
    known_limbs = np.zeros(points.shape[:2])
    for number, ends in enumerate(limbs):
        for joint in ends:
            odd_limbs[:, joint] += is_odd[:, number]
            known_limbs[:, joint] += np.isfinite(now[:, number])
    # A joint is at fault if most of its limbs are odd: its neighbours have other limbs that are not.
    return np.where((2 * odd_limbs > known_limbs)[..., None], np.nan, points)
