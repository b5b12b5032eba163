"""From where cameras see the joints of people to calibrated cameras, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from poseharvest.errors import CalibrationError
from poseharvest.findings import Finding
from poseharvest.geometry.rig import Rig
from poseharvest.people_calibration.body_pairs import AGREE_SHARE, LEAST_SHARED, find_pairs, plane_points
from poseharvest.people_calibration.body_rounds import AdjustedBody, adjust_body, place_joints
from poseharvest.people_calibration.joint_bundle import CameraDeviations, deviations
from poseharvest.people_calibration.joint_sightings import Floats, JointSightings
from poseharvest.people_calibration.known_length import KnownLength, Scale, find_scale
from poseharvest.people_calibration.one_body import BodySightings, limb_joints, most_visible, usual_lengths
from poseharvest.people_calibration.person_world import Standing, world_of_person
from poseharvest.rig_calibration.board_poses import matrix_from
from poseharvest.rig_calibration.bundle import State
from poseharvest.rig_calibration.camera_pairs import Pair, place_cameras
from poseharvest.rig_calibration.lenses import Lens
from poseharvest.rig_calibration.solve import make_rig
from poseharvest.rig_calibration.world import World, camera_world

_MAX_MOMENTS = 120
_LEAST_MOMENTS = 10
_LEAST_JOINTS = 6  # of a body, in two views, for a moment to be worth it
_LEAST_RESECTED, _RESECTED_SHARE = 60, 0.4


@dataclass(frozen=True, eq=False)
class PeopleCalibration:
    """Cameras that were placed by people, and what there is to know of them.

    Attributes:
        rig: the placed cameras in the world of `world`, mm.
        sightings: of all people at the moments that were used.
        views: indices of the placed cameras in the sightings.
        adjusted: the adjusted numbers and their errors; its world is the first camera's, its scale that of an adult.
        deviations: standard deviations of the cameras, mm before scaling.
        pairs: how the cameras of each pair stand to each other before the adjustment.
        scale: by what lengths were multiplied.
        world: the world of `rig`.
        standing: how the world of a person was found; None for that of a camera.
        findings: what a person should know, worst first.
    """

    rig: Rig
    sightings: JointSightings
    views: tuple[int, ...]
    adjusted: AdjustedBody
    deviations: CameraDeviations
    pairs: tuple[Pair, ...]
    scale: Scale
    world: World
    standing: Standing | None
    findings: tuple[Finding, ...] = ()

    @property
    def is_fit(self) -> bool:
        """Whether nothing speaks against the use of the cameras: no finding is an error."""
        return all(finding.severity != "error" for finding in self.findings)


def calibrate_by_people(
    sightings: JointSightings, lenses: Sequence[Lens], *, known: KnownLength | None = None, world: str = "camera"
) -> PeopleCalibration:
    """Return the cameras that explain where people are seen.

    Args:
        sightings: the joints of people in V views.
        lenses: of the views; "fixed" ones are kept, others are estimated from this start.
        known: a measured length; None assumes a usual adult, and a finding says so.
        world: "camera", that of the first one, or "person", that of somebody who stands.

    Raises:
        CalibrationError: no two cameras see enough of one person, or the measured length is of nothing that is seen.
    """
    wanted = known or KnownLength()
    wanted.check_names(sightings.skeleton, sightings.views)
    used = sightings.at(worthwhile_moments(sightings, _MAX_MOMENTS))
    body = most_visible(used)
    limbs, usual_mm = limb_joints(used.skeleton), usual_lengths(used.skeleton)
    pairs = find_pairs(body, lenses, limbs, usual_mm)
    placed = place_cameras(len(used.views), pairs, LEAST_SHARED)
    if len(placed) < 2:
        raise CalibrationError(_nothing_connected(used, pairs))
    placed |= _resected(body, lenses, placed)
    views = tuple(sorted(placed))
    first = np.linalg.inv(placed[views[0]])
    start = [lenses[view] for view in views], np.stack([placed[view] @ first for view in views])
    adjusted = adjust_body(used.of_views(views), body.of_views(views), limbs, start)
    names = tuple(used.views[view] for view in views)
    scale = find_scale(adjusted.state, names, used.skeleton, wanted)
    found_world, standing = _world(adjusted, used, names, scale, world)
    state = State(adjusted.state.lenses, adjusted.state.cams_from_world, np.zeros((0, 4, 4)))
    rig = make_rig(names, state, found_world)
    precise = deviations(adjusted.state, adjusted.evidence)
    return PeopleCalibration(rig, used, views, adjusted, precise, tuple(pairs), scale, found_world, standing)


def worthwhile_moments(sightings: JointSightings, most: int) -> NDArray[np.int64]:
    """Return at most `most` moments, spread evenly over those in which two views show most of a person.

    Raises:
        CalibrationError: there are fewer than ten.
    """
    num_shown = sightings.shown.sum(-1).max(-1)  # (V, T)
    moments = np.flatnonzero((num_shown >= _LEAST_JOINTS).sum(0) >= 2)
    if len(moments) < _LEAST_MOMENTS:
        raise CalibrationError(
            f"expected {_LEAST_MOMENTS} moments or more in which two cameras show a person, got {len(moments)}: film "
            "people where the cameras' views overlap"
        )
    places = np.unique(np.linspace(0, len(moments) - 1, min(len(moments), most)).round().astype(np.int64))
    return np.asarray(moments[places], dtype=np.int64)


def _resected(body: BodySightings, lenses: Sequence[Lens], placed: dict[int, Floats]) -> dict[int, Floats]:
    """Return the (4, 4) poses of further cameras, by the joints that the placed ones see."""
    views = sorted(placed)
    limits = np.full(body.weights.shape[2], 2 * AGREE_SHARE * float(np.nanmean(body.usual_extents_px[views])))
    cameras = np.stack([placed[view] for view in views])
    points = place_joints([lenses[view] for view in views], cameras, body.of_views(views), limits)
    found = {}
    for view in sorted(set(range(len(lenses))) - set(views)):
        known = np.isfinite(points).all(-1) & body.shown[view]
        if known.sum() < _LEAST_RESECTED:
            continue
        plane = plane_points(lenses[view], body.pixels[view])[known]
        tolerance = AGREE_SHARE * body.usual_extents_px[view] / lenses[view].values[0]
        is_found, vector, translation, inliers = cv2.solvePnPRansac(
            points[known], plane, np.eye(3), None, iterationsCount=500, reprojectionError=float(tolerance)
        )
        if is_found and inliers is not None and len(inliers) >= max(_LEAST_RESECTED, _RESECTED_SHARE * known.sum()):
            found[view] = matrix_from(*(np.asarray(one, dtype=np.float64).reshape(3) for one in (vector, translation)))
    return found


def _nothing_connected(sightings: JointSightings, pairs: Sequence[Pair]) -> str:
    if not pairs:
        return (
            f"no two cameras share {LEAST_SHARED} joints of a person: film somebody who walks through the space that "
            "the cameras see together"
        )
    best = max(pairs, key=lambda pair: pair.num_agreeing)
    a, b = (sightings.views[view] for view in best.views)
    rival = ", or with another pose as well: film more of the space" if best.is_ambiguous else ""
    return (
        f'cameras "{a}" and "{b}" share {best.num_shared} joints of a person, and {best.num_agreeing} of them agree on '
        f"how they stand to each other{rival}: expected {LEAST_SHARED} or more, and over a third. Are they in step "
        "(offsets in capture.toml), are the lenses right, and do they show the same person?"
    )


def _world(
    adjusted: AdjustedBody, sightings: JointSightings, names: tuple[str, ...], scale: Scale, wanted: str
) -> tuple[World, Standing | None]:
    if wanted == "person":
        found = world_of_person(adjusted.state.points, sightings.skeleton, scale.factor)
        if found is not None:
            return found
    return replace(camera_world(names[0]), scale=scale.factor), None
