"""Cameras placed by nobody but a simulated person: how near to the truth, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from poseharvest.errors import CalibrationError
from poseharvest.people_calibration import KnownLength, calibrate_by_people
from poseharvest.people_calibration.people_findings import judge_people
from poseharvest.people_calibration.people_footage import guessed_lens
from poseharvest.rig_calibration.lenses import lens_of_camera
from poseharvest.skeleton.definitions import MPII16
from study.seen_joints import rig_error

LIMB = "left_knee-left_ankle"


def true_length(scene) -> float:
    points = scene.points(0)
    return float((points[MPII16.index("left_knee")] - points[MPII16.index("left_ankle")]).norm())


def lenses_of(scene):
    return [lens_of_camera(camera) for camera in scene.cameras]


def messages(result, severity: str, **how) -> str:
    found = judge_people(result, **{"has_guessed_lenses": False, "asked_world": "camera", **how})
    return "\n".join(one.message for one in found if one.severity == severity)


@pytest.fixture(scope="module")
def placed(filmed):
    scene, sightings = filmed
    return calibrate_by_people(sightings, lenses_of(scene), known=KnownLength(limb_mm=(LIMB, true_length(scene))))


def test_cameras_stand_where_they_truly_stand(filmed, placed):
    error = rig_error(placed.rig, filmed[0].rig, with_scale=False)
    assert placed.rig.names == filmed[0].rig.names
    assert error.angle_deg.max() < 0.5
    assert error.place_mm.max() < 80
    assert error.scale == pytest.approx(1, abs=0.02)


def test_deviations_do_not_promise_too_much(filmed, placed):
    error = rig_error(placed.rig, filmed[0].rig, with_scale=True)
    assert np.median(error.place_mm[1:] / placed.deviations.place_mm[1:]) < 2.5


def test_findings_of_a_sound_calibration(placed):
    assert messages(placed, "error") == ""
    assert "all lengths rest on left_knee-left_ankle" in messages(placed, "note")
    assert "joints are" in messages(placed, "note")


def test_the_order_of_views_does_not_matter(filmed):
    scene, sightings = filmed
    order = [2, 0, 3, 1]
    known = KnownLength(cameras_mm=("cam1", "cam3", 5000.0))
    turned = calibrate_by_people(sightings.of_views(order), [lenses_of(scene)[n] for n in order], known=known)
    straight = calibrate_by_people(sightings, lenses_of(scene), known=known)
    error = rig_error(turned.rig, straight.rig, with_scale=False)
    assert error.angle_deg.max() < 0.1
    assert error.place_mm.max() < 25


def test_a_mirrored_world_is_never_taken(filmed, placed):
    """All joints lie before the cameras, and left is left: the cross product of two limbs keeps its sign."""
    scene = filmed[0]
    centers = np.stack([camera.center.numpy() for camera in placed.rig])
    true = np.stack([camera.center.numpy() for camera in scene.cameras])

    def volume(points):
        return np.linalg.det(np.stack((points[1] - points[0], points[2] - points[0], points[3] - points[0])))

    assert np.sign(volume(centers)) == np.sign(volume(true))


def test_cameras_need_not_all_see_the_person_at_once(filmed):
    """The person walks from the view of cameras 1 and 2 into that of 2 and 3, then into that of 3 and 4."""
    scene, sightings = filmed
    weights = sightings.weights.copy()
    third = len(sightings.times_s) // 3
    for part, views in enumerate(((2, 3), (0, 3), (0, 1))):
        weights[list(views), part * third : (part + 1) * third] = 0
    weights[:, 3 * third :] = 0
    apart = replace(sightings, weights=weights, pixels=np.where(weights[..., None] > 0, sightings.pixels, np.nan))
    result = calibrate_by_people(apart, lenses_of(scene), known=KnownLength(limb_mm=(LIMB, true_length(scene))))
    error = rig_error(result.rig, scene.rig, with_scale=True)
    assert len(result.rig) == 4
    # Three pairs, 40 moments each: the cameras are known less well, and the deviations say so.
    assert error.angle_deg.max() < 3 * result.deviations.angle_deg.max() < 18
    assert error.place_mm.max() < 3 * result.scale.factor * result.deviations.place_mm.max()
    assert "its place is known to" in messages(result, "warning")


def test_guessed_lenses_are_estimated_and_said(filmed):
    scene, sightings = filmed
    guessed = [guessed_lens(camera.image_size) for camera in scene.cameras]
    result = calibrate_by_people(sightings, guessed)
    true = np.array([float(camera.px_from_cam[0, 0]) for camera in scene.cameras])
    found = np.array([lens.values[0] for lens in result.adjusted.state.lenses])
    start = np.array([lens.values[0] for lens in guessed])
    assert np.abs(found / true - 1).max() < 0.5 * np.abs(start / true - 1).max()
    assert np.all(np.abs(found - true) < 3 * result.deviations.focal_px)
    warnings = messages(result, "warning", has_guessed_lenses=True)
    assert "its lens is guessed" in warnings
    assert "no length is known" in warnings


def test_a_camera_that_sees_nobody_is_named(filmed):
    scene, sightings = filmed
    weights = sightings.weights.copy()
    weights[1] = 0
    blind = replace(sightings, weights=weights, pixels=np.where(weights[..., None] > 0, sightings.pixels, np.nan))
    result = calibrate_by_people(blind, lenses_of(scene))
    assert result.rig.names == ("cam1", "cam3", "cam4")
    assert 'camera "cam2" is not placed: it shares too few joints' in messages(result, "error")


def test_two_cameras_on_one_line_and_a_person_in_one_place_are_named(filmed):
    scene, sightings = filmed
    result = calibrate_by_people(sightings, lenses_of(scene))
    points = result.adjusted.state.points
    still = points - np.nanmedian(points, axis=1, keepdims=True)
    still[:, :, 2] += 4000.0
    cameras = result.adjusted.state.cams_from_world[[0, 0]].copy()
    cameras[1, :3, 3] += (60.0, 0.0, 30.0)
    state = replace(
        result.adjusted.state, points=still, cams_from_world=cameras, lenses=result.adjusted.state.lenses[:2]
    )
    flat = replace(
        result,
        rig=result.rig.subset(("cam1", "cam2")),
        views=(0, 1),
        adjusted=replace(
            result.adjusted,
            state=state,
            errors_px=result.adjusted.errors_px[:2],
            body=result.adjusted.body.of_views((0, 1)),
        ),
    )
    warnings = messages(flat, "warning")
    assert "see the person along nearly one line" in warnings
    assert "the person stands in one place" in warnings


def test_too_little_footage_is_refused(filmed):
    scene, sightings = filmed
    with pytest.raises(CalibrationError, match="expected 10 moments or more in which two cameras show a person, got 6"):
        calibrate_by_people(sightings.at(np.arange(6)), lenses_of(scene))


def test_cameras_that_show_different_people_are_not_placed(filmed):
    scene, everything = filmed
    sightings = everything.at(np.arange(0, 120, 4))
    generator = np.random.default_rng(0)
    noise = generator.uniform(0, 700, sightings.pixels.shape)
    strangers = replace(sightings, pixels=np.where(np.isfinite(sightings.pixels), noise, np.nan))
    with pytest.raises(CalibrationError, match="do they show the same person"):
        calibrate_by_people(strangers, lenses_of(scene))


@pytest.mark.parametrize(
    ("known", "match"),
    [
        (
            KnownLength(limb_mm=("knee-ankle", 400.0)),
            'limb: expected one of .*left_knee-left_ankle.*, got "knee-ankle"',
        ),
        (KnownLength(cameras_mm=("cam1", "door", 400.0)), "camera_distance: expected two cameras of cam1, cam2"),
    ],
)
def test_a_length_of_nothing_is_refused(filmed, known, match):
    scene, sightings = filmed
    with pytest.raises(CalibrationError, match=match):
        calibrate_by_people(sightings, lenses_of(scene), known=known)
