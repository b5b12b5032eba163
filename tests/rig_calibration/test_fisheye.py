"""Fisheye lenses: found from boards as exactly as others, kept where they are given, and projected as OpenCV does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from board_kit import CHARUCO, errors_of, session
from poseharvest.boards.board import Board
from poseharvest.calibration import read_calibration, write_rig
from poseharvest.errors import ConfigError
from poseharvest.rig_calibration import CalibrationOptions, calibrate_rig
from poseharvest.rig_calibration.fisheye import guess_fisheye
from poseharvest.rig_calibration.lenses import Lens, lens_of_camera
from poseharvest.rig_calibration.solve import WorldRequest

BOARD = Board("charuco", 7, 5, 110.0)
FISHEYE = CalibrationOptions(lens="fisheye")
FLOOR = WorldRequest(floor_frames=(0,))


@pytest.fixture(scope="module")
def filmed():
    return session(BOARD, seed=1, num_near=18, num_common=60, fisheyes=range(3))


@pytest.fixture(scope="module")
def calibrated(filmed):
    return calibrate_rig(filmed[1], options=FISHEYE, world=FLOOR)


def test_fisheye_cameras_are_found(filmed, calibrated):
    assert calibrated.is_fit
    rotation, place, focal = errors_of(calibrated.rig, filmed[0])
    assert rotation < 0.1
    assert place < 3
    assert focal < 0.3
    assert {camera.distortion.model for camera in calibrated.rig} == {"fisheye"}


def test_pixels_are_those_of_the_true_lens_where_the_board_was(filmed, calibrated):
    """Coefficients may exchange what they say, and the principal point with a turn; directions may not."""
    for found, true in zip(calibrated.rig, filmed[0], strict=True):
        grid = torch.stack(torch.meshgrid(torch.linspace(140, 1140, 9), torch.linspace(80, 640, 6), indexing="ij"), -1)
        rays = true.pixel_rays(grid.double()).direction @ true.rotation.T
        shown = found.distortion.distort(rays[..., :2] / rays[..., 2:])
        pixels = shown.points @ found.px_from_cam[:2, :2].T + found.px_from_cam[:2, 2]
        assert bool(shown.valid.all())
        off = (pixels - grid).reshape(-1, 2)
        assert float(off.norm(dim=-1).max()) < 2.0
        assert float((off - off.median(0).values).norm(dim=-1).median()) < 0.5


def test_fisheye_and_usual_lenses_stand_side_by_side(tmp_path):
    true, sightings = session(BOARD, seed=4, num_near=18, num_common=60, fisheyes=(1,))
    result = calibrate_rig(sightings, options=CalibrationOptions.of_lenses(["cam2=fisheye"]), world=FLOOR)
    assert result.is_fit
    rotation, place, focal = errors_of(result.rig, true)
    assert rotation < 0.1
    assert place < 3
    assert focal < 0.3
    write_rig(result.rig, tmp_path / "rig.json")
    models = {camera.name: camera.distortion.model for camera in read_calibration(tmp_path / "rig.json")}
    assert models == {"cam1": "brown_conrady", "cam2": "fisheye", "cam3": "brown_conrady"}


def test_lenses_are_said_for_all_and_for_one():
    options = CalibrationOptions.of_lenses(["cam2=fisheye", "full"])
    assert options.lens_of_views(["cam1", "cam2"]) == ["full", "fisheye"]
    assert CalibrationOptions.of_lenses([]) == CalibrationOptions()
    with pytest.raises(ConfigError, match='lens: expected cameras among cam1, cam3, got "cam2"'):
        options.lens_of_views(["cam1", "cam3"])
    for words, message in (
        (["cam2=fish"], 'lens: expected auto, k1, radial, full, fisheye, got "fish"'),
        (["k1", "full"], "lens: expected one for all cameras, got k1 and full"),
        (["cam2=k1", "cam2=full"], "lens: expected one for cam2, got k1 and full"),
    ):
        with pytest.raises(ConfigError, match=message):
            CalibrationOptions.of_lenses(words)


def test_a_usual_lens_is_a_fisheye_too():
    true, sightings = session(CHARUCO, seed=2, num_near=18, num_common=40)
    result = calibrate_rig(sightings, options=FISHEYE, world=FLOOR)
    assert result.is_fit
    assert errors_of(result.rig, true)[2] < 0.3


def test_given_fisheye_lenses_are_kept(filmed, tmp_path):
    true, sightings = filmed
    write_rig(true, tmp_path / "true.json")
    given = [lens_of_camera(camera) for camera in read_calibration(tmp_path / "true.json")]
    result = calibrate_rig(sightings, lenses=given, world=FLOOR)
    for found, camera in zip(result.rig, true, strict=True):
        assert found.distortion == camera.distortion
        assert torch.equal(found.px_from_cam, camera.px_from_cam)
    assert errors_of(result.rig, true)[0] < 0.1


def test_projections_are_those_of_the_product_s_camera(filmed):
    """Two ways to one lens: OpenCV in the adjustment, the package's own camera elsewhere."""
    camera = filmed[0].cameras[0]
    lens = lens_of_camera(camera)
    points = np.random.default_rng(3).uniform((-900, -600, 800), (900, 600, 3000), (40, 3))
    identity = np.zeros(3)
    pixels, slopes = lens.project(points, identity, identity)
    own = camera.distortion.distort(torch.from_numpy(points[:, :2] / points[:, 2:])).points
    wanted = own @ camera.px_from_cam[:2, :2].T + camera.px_from_cam[:2, 2]
    np.testing.assert_allclose(pixels, wanted.numpy(), atol=1e-9)
    assert slopes.shape == (80, 6 + 8)
    np.testing.assert_allclose(lens.normalized(pixels), points[:, :2] / points[:, 2:], atol=1e-6)


def test_a_first_guess_is_near_and_few_pictures_guess_what_is_usual(filmed):
    true, sightings = filmed
    corners = [one.corners for one in sightings.of_view(0)]
    guess = guess_fisheye(BOARD, corners, (720, 1280))
    assert guess.values[0] == pytest.approx(
        float(true.cameras[0].px_from_cam[0, 0]), rel=0.08
    )  # half a step of the search
    usual = guess_fisheye(BOARD, corners[:2], (720, 1280))
    assert (usual.model, usual.values[0]) == ("fisheye", 0.35 * 1280)


def test_a_wide_lens_that_is_no_fisheye_is_named(filmed):
    result = calibrate_rig(filmed[1], options=CalibrationOptions(lens="full"))
    notes = [finding.message for finding in result.findings]
    assert any("=fisheye describes such a lens better" in note for note in notes)


def test_a_lens_of_neither_kind_is_not_mistaken():
    values = np.array((500.0, 500.0, 320.0, 240.0, -0.1, 0.01, 0.0, 0.0))
    pixel = Lens((480, 640), values, "fixed").project(np.array([[300.0, 0.0, 1000.0]]), np.zeros(3), np.zeros(3))[0]
    fish = Lens((480, 640), values, "fixed", is_fisheye=True)
    assert abs(fish.project(np.array([[300.0, 0.0, 1000.0]]), np.zeros(3), np.zeros(3))[0] - pixel).max() > 1
