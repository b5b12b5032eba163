"""Cameras from where they see the board: exact, honest, and faults by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from board_kit import CHARUCO, CHESSBOARD, SYMMETRIC, changed, errors_of, film, session
from poseharvest.boards.detection import Corners
from poseharvest.errors import CalibrationError
from poseharvest.rig_calibration import CalibrationOptions, calibrate_rig
from poseharvest.rig_calibration.judgement import judge
from poseharvest.rig_calibration.lenses import lens_of_camera
from poseharvest.rig_calibration.sightings import mirrored
from poseharvest.rig_calibration.solve import WorldRequest
from poseharvest.simulation.board_pictures import moving_board, room_rig

FLOOR = WorldRequest(floor_frames=(0,))


def messages(result, severity=None):
    return [f.message for f in result.findings if severity is None or f.severity == severity]


@pytest.fixture(scope="module")
def filmed():
    return session()


@pytest.fixture(scope="module")
def calibrated(filmed):
    return calibrate_rig(filmed[1], world=FLOOR)


@pytest.mark.parametrize("board", [CHARUCO, CHESSBOARD, SYMMETRIC], ids=["charuco", "chessboard", "symmetric"])
def test_known_cameras_are_found(board):
    true, sightings = session(board, seed=3, num_near=18, num_common=40)
    result = calibrate_rig(sightings)
    assert result.is_fit, messages(result, "error")
    places = np.stack([camera.center.numpy() for camera in result.rig])
    wanted = np.stack([camera.center.numpy() for camera in true])
    apart = np.linalg.norm(places[:, None] - places, axis=-1) - np.linalg.norm(wanted[:, None] - wanted, axis=-1)
    assert np.abs(apart).max() < 3
    assert (
        max(abs(float(a.px_from_cam[0, 0] / b.px_from_cam[0, 0]) - 1) for a, b in zip(result.rig, true, strict=True))
        < 0.003
    )
    for a, b in zip(result.rig, true, strict=True):
        relative = a.rotation @ result.rig.cameras[0].rotation.T - b.rotation @ true.cameras[0].rotation.T
        assert np.degrees(float(relative.norm()) / 2**0.5) < 0.1


def test_the_floor_board_is_the_world(filmed, calibrated):
    rotation, place, focal = errors_of(calibrated.rig, filmed[0])
    assert rotation < 0.2
    assert place < 10
    assert focal < 0.3
    assert any("board on the floor (frame 0, seen by" in text for text in messages(calibrated))


def test_cameras_below_the_floor_are_an_error(calibrated):
    """A board under the ceiling, printed side down, seen from below."""
    turned = replace(calibrated.world, new_from_old=np.diag((1.0, -1.0, -1.0, 1.0)) @ calibrated.world.new_from_old)
    parts = (calibrated.sightings, calibrated.adjusted, calibrated.precision, calibrated.pairs, calibrated.faults)
    found = [finding.message for finding in judge(*parts, turned) if finding.severity == "error"]
    assert any("cameras cam1, cam2, cam3 would stand below the floor" in text for text in found)
    assert not any("below the floor" in text for text in messages(calibrated))


def test_without_a_request_the_world_is_said_to_be_a_camera_s(filmed):
    result = calibrate_rig(filmed[1])
    assert np.allclose(result.rig.cameras[0].rotation, np.eye(3))
    assert np.allclose(result.rig.cameras[0].center, 0)
    assert any('the world is that of camera "cam1"' in text and "up is not known" in text for text in messages(result))


def test_scale_rests_on_the_square_and_that_is_said(filmed, calibrated):
    _, sightings = filmed
    twice = replace(sightings, board=replace(CHARUCO, square_mm=160.0))
    larger = calibrate_rig(twice, world=FLOOR)
    for a, b in zip(larger.rig, calibrated.rig, strict=True):
        np.testing.assert_allclose(a.center.numpy(), 2 * b.center.numpy(), rtol=1e-3, atol=1)
        np.testing.assert_allclose(a.px_from_cam.numpy(), b.px_from_cam.numpy(), rtol=1e-3)
    assert any("all lengths rest on a square of 160 mm" in text for text in messages(larger, "note"))


def test_the_order_of_views_changes_nothing(filmed, calibrated):
    _, sightings = filmed
    order = (2, 0, 1)
    place = {old: new for new, old in enumerate(order)}
    turned = replace(
        sightings,
        views=tuple(sightings.views[view] for view in order),
        image_sizes=tuple(sightings.image_sizes[view] for view in order),
        found=tuple(replace(one, view=place[one.view]) for one in sightings.found),
    )
    other = calibrate_rig(turned, world=FLOOR)
    for camera in calibrated.rig:
        same = other.rig.camera(camera.name)
        np.testing.assert_allclose(same.center.numpy(), camera.center.numpy(), atol=0.5)
        np.testing.assert_allclose(same.rotation.numpy(), camera.rotation.numpy(), atol=2e-4)


def test_given_lenses_are_kept(filmed):
    true, sightings = filmed
    result = calibrate_rig(sightings, lenses=[lens_of_camera(camera) for camera in true], world=FLOOR)
    for a, b in zip(result.rig, true, strict=True):
        assert np.array_equal(a.px_from_cam, b.px_from_cam)
        assert tuple(a.distortion.coefficients)[:4] == tuple(b.distortion.coefficients)
    assert errors_of(result.rig, true)[1] < 6


def test_half_turns_of_a_symmetric_board_are_found_and_said():
    true, sightings = session(SYMMETRIC, seed=5, sigma_px=0.05)
    rng = np.random.default_rng(8)
    last = SYMMETRIC.num_corners - 1
    turned = changed(
        sightings,
        lambda one: replace(one, corners=one.corners.renumbered(last - one.corners.ids)) if rng.random() < 0.4 else one,
    )
    plain, found = calibrate_rig(sightings), calibrate_rig(turned)
    for a, b in zip(plain.rig, found.rig, strict=True):
        np.testing.assert_allclose(a.center.numpy(), b.center.numpy(), atol=1.0)
    assert any("read from its other end" in text for text in messages(found, "note"))
    assert len(true) == len(found.rig)
    fit = next(fit for fit in found.adjusted.fits if fit.is_turned and fit.sighting.frame > 37)
    pixels = fit.sighting.corners.pixels.copy()
    pixels[5] += 30
    moved = replace(fit.sighting, corners=replace(fit.sighting.corners, pixels=pixels))
    spoiled = calibrate_rig(changed(turned, lambda one: moved if one is fit.sighting else one))
    again = next(one for one in spoiled.adjusted.fits if one.sighting is moved)
    assert np.flatnonzero(~again.used).tolist() == [5]  # the corner in the picture, not that of its number


def test_wrong_pictures_are_named_and_not_averaged_in(filmed, calibrated):
    _, sightings = filmed
    common = sorted({one.frame for one in sightings.found if one.view == 0 and one.frame > 37})
    moved, smeared = common[3], common[9]
    rng = np.random.default_rng(3)

    def spoil(one):
        if one.view != 0 or one.frame not in {moved, smeared}:
            return one
        pixels = one.corners.pixels + (25.0 if one.frame == moved else rng.normal(0, 6, one.corners.pixels.shape))
        return replace(one, corners=Corners(one.corners.ids, pixels))

    result = calibrate_rig(changed(sightings, spoil), world=FLOOR)
    reasons = {fit.sighting.frame: fit.reason for fit in result.adjusted.fits if fit.reason and fit.sighting.view == 0}
    assert reasons.get(moved) == "place"
    assert reasons.get(smeared) == "corners"
    assert any(str(moved) in text and "left out" in text for text in messages(result))
    for a, b in zip(result.rig, calibrated.rig, strict=True):
        np.testing.assert_allclose(a.center.numpy(), b.center.numpy(), atol=2.5)


@pytest.mark.parametrize("delay", [1, -3])
def test_a_camera_out_of_step_is_named_with_its_offset(filmed, delay):
    _, sightings = filmed
    late = changed(sightings, lambda one: replace(one, frame=one.frame + delay) if one.view == 1 else one)
    late = changed(late, lambda one: one if one.frame >= 0 else None)
    result = calibrate_rig(late)
    assert not result.is_fit
    wrong = "1 frame late" if delay == 1 else "3 frames early"
    remedy = f'say cam2 = "{-delay} frames" under [offsets] in capture.toml'
    assert any(f'"cam2": its pictures are {wrong}: {remedy}' in text for text in messages(result, "error"))


def test_cameras_in_step_are_not_accused(calibrated):
    assert calibrated.faults == ()


@pytest.mark.parametrize("board", [CHESSBOARD, SYMMETRIC], ids=["asymmetric", "symmetric"])
def test_mirrored_pictures_of_a_chessboard_are_named(board):
    _, sightings = session(board, seed=2, num_views=3)
    result = calibrate_rig(mirrored(sightings, 2))
    assert any('"cam3": its pictures are mirrored' in text for text in messages(result, "error"))


def test_mirroring_twice_is_nothing(filmed):
    _, sightings = filmed
    twice = mirrored(mirrored(sightings, 1), 1)
    for a, b in zip(twice.found, sightings.found, strict=True):
        assert np.array_equal(a.corners.ids, b.corners.ids)
        np.testing.assert_allclose(a.corners.pixels, b.corners.pixels, atol=1e-9)


def test_a_camera_that_shares_too_little_is_named_with_what_to_film(filmed):
    _, sightings = filmed
    shared = {one.frame for one in sightings.found if one.view != 2}
    apart = changed(sightings, lambda one: None if one.view == 2 and one.frame in shared else one)
    result = calibrate_rig(apart)
    assert result.rig.names == ("cam1", "cam2")
    assert any(
        'camera "cam3" is not calibrated' in text and "film the board" in text for text in messages(result, "error")
    )


def test_a_camera_that_never_sees_the_board_is_named(filmed):
    result = calibrate_rig(changed(filmed[1], lambda one: None if one.view == 2 else one))
    assert any('camera "cam3" is not calibrated: none of its pictures' in text for text in messages(result, "error"))


def test_no_connection_at_all_is_an_error(filmed):
    alone = changed(filmed[1], lambda one: one if one.frame % 3 == one.view else None)
    with pytest.raises(CalibrationError, match="film them again"):
        calibrate_rig(alone)


def test_flat_poses_do_not_fix_a_focal_length_and_that_is_named():
    """The board parallel to the picture: its distance and the focal length cannot be told apart."""
    generator = np.random.default_rng(0)
    rig = room_rig(2, generator, image_size=(720, 1280))
    middle = rig.cameras[0]
    poses = []
    for number in range(14):
        pose = np.eye(4)
        pose[:3, 3] = (-250 + 12.0 * number, -150 - 9.0 * number, 1900)
        world_from_cam = np.eye(4)
        world_from_cam[:3, :3], world_from_cam[:3, 3] = middle.rotation.T, middle.center
        poses.append(world_from_cam @ pose)
    result = calibrate_rig(film(CHARUCO, rig, np.stack(poses), generator))
    about = [text for text in messages(result, "error") if 'camera "cam1": its focal length' in text]
    assert about
    assert "never tilted" in about[0]


def test_few_pictures_are_named_and_estimate_less():
    _, sightings = session(num_near=1, num_common=5, num_views=2)
    result = calibrate_rig(sightings)
    assert {lens.model for lens in result.adjusted.state.lenses} <= {"k1", "radial"}
    assert any("film the board" in text for text in [*messages(result, "warning"), *messages(result, "error")])


def test_exchanged_cameras_are_no_fault(filmed):
    """Names alone tell cameras apart: two that are exchanged are calibrated as well."""
    _, sightings = filmed
    swapped = replace(sightings, views=("cam2", "cam1", "cam3"))
    result = calibrate_rig(swapped)
    assert result.is_fit
    assert set(result.rig.names) == set(sightings.views)


def test_a_session_that_gives_the_numbers_that_were_stated():
    """Errors over the stated standard deviations, of several sessions: about one, neither tenths nor tens."""
    ratios = []
    for seed in range(3):
        true, sightings = session(seed=20 + seed, num_views=2, num_common=16)
        result = calibrate_rig(sightings, options=CalibrationOptions(lens="full"))
        for number, (a, b) in enumerate(zip(result.rig, true, strict=True)):
            ratios.append(float(a.px_from_cam[0, 0] - b.px_from_cam[0, 0]) / result.precision.focal_px[number])
    assert 0.4 < np.sqrt(np.mean(np.square(ratios))) < 1.9


def test_wrong_options_are_refused():
    with pytest.raises(Exception, match='lens: expected auto, k1, radial, full, fisheye, got "fish"'):
        CalibrationOptions(lens="fish")
    with pytest.raises(Exception, match="max_moments: expected 5 or more, got 1"):
        CalibrationOptions(max_moments=1)


def test_a_board_carried_about_moves_little_from_moment_to_moment():
    poses = moving_board(CHARUCO, 60, np.random.default_rng(0), list(room_rig(4, np.random.default_rng(1))))
    middles = poses @ np.array((*np.array(CHARUCO.size_mm) / 2, 0, 1))
    steps = np.linalg.norm(np.diff(middles[:, :3], axis=0), axis=1)
    assert steps.max() < 450
    np.testing.assert_allclose(
        poses[:, :3, :3] @ poses[:, :3, :3].transpose(0, 2, 1), np.tile(np.eye(3), (60, 1, 1)), atol=1e-9
    )
