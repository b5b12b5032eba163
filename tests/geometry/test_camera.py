from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import torch
from torch.testing import assert_close

from poseharvest.errors import CalibrationError, ShapeError
from poseharvest.geometry.camera import AffineCamera, Camera, MovingCamera
from poseharvest.geometry.distortion import Distortion
from poseharvest.geometry.rig import Rig, inside_image, project_all, project_each

EYE = torch.eye(3, dtype=torch.float64)
K = torch.tensor([[500.0, 0.0, 320.0], [0.0, 520.0, 180.0], [0.0, 0.0, 1.0]], dtype=torch.float64)


def _camera(**changes) -> Camera:
    parts = {
        "name": "C1",
        "image_size": (360, 640),
        "px_from_cam": K,
        "rotation": EYE,
        "translation": torch.zeros(3, dtype=torch.float64),
    }
    return Camera(**(parts | changes))


def _rotation(vector: tuple[float, float, float]) -> torch.Tensor:
    return torch.from_numpy(cv2.Rodrigues(np.array(vector))[0])


def test_a_point_projected_by_hand():
    # 4 m ahead, 1.2 m right, 0.8 m down: x = 500 * 0.3 + 320, y = 520 * 0.2 + 180
    projection = _camera().project(torch.tensor([1200.0, 800.0, 4000.0], dtype=torch.float64))
    assert_close(projection.pixels, torch.tensor([470.0, 284.0], dtype=torch.float64))
    assert bool(projection.valid)


def test_the_centre_is_where_the_translation_leads(make_camera):
    camera = make_camera("c", (1000.0, -2500.0, 1700.0), (0.0, 0.0, 900.0), Distortion())
    assert_close(camera.center, torch.tensor([1000.0, -2500.0, 1700.0], dtype=torch.float64))
    assert_close(camera.rotation @ camera.center + camera.translation, torch.zeros(3, dtype=torch.float64))


def test_upright_cameras_show_up_as_up(make_camera):
    camera = make_camera("c", (0.0, -4000.0, 900.0), (0.0, 0.0, 900.0), Distortion())
    pixels = camera.project(torch.tensor([[0.0, 0.0, 1700.0], [0.0, 0.0, 100.0], [500.0, 0.0, 900.0]]).double()).pixels
    assert pixels[0, 1] < pixels[1, 1]  # y points down
    assert pixels[2, 0] > 650  # x points right


def test_rays_pass_through_the_point_whose_pixel_they_belong_to(make_ring, lens, person):
    for camera in make_ring(3, lens):
        rays = camera.pixel_rays(camera.project(person).pixels)
        along = ((person - rays.origin) * rays.direction).sum(-1, keepdim=True)
        assert rays.valid.all()
        assert (along > 0).all()
        assert_close(rays.origin + along * rays.direction, person, atol=1e-5, rtol=0)


def test_points_on_a_ray_project_back_to_its_pixel(make_ring, lens, generator):
    camera = make_ring(3, lens)[1]
    pixels = torch.rand(50, 2, dtype=torch.float64, generator=generator) * torch.tensor([1279.0, 719.0])
    rays = camera.pixel_rays(pixels)
    assert_close(torch.linalg.vector_norm(rays.direction, dim=-1), torch.ones(50, dtype=torch.float64))
    for depth_mm in (300.0, 5000.0):
        assert_close(camera.project(rays.origin + depth_mm * rays.direction).pixels, pixels, atol=1e-6, rtol=0)


@pytest.mark.parametrize("count", [0, 4, 5, 8])
def test_projection_equals_opencv(count, person):
    coefficients = (-0.21, 0.24, -1.4e-3, 9e-4, -3e-3, 0.11, -0.05, 0.01)[:count]
    vector, shift = np.array([1.2, -0.4, 0.3]), np.array([120.0, -340.0, 4100.0])
    lens = Distortion("brown_conrady", coefficients) if count else Distortion()
    camera = _camera(rotation=_rotation((1.2, -0.4, 0.3)), translation=torch.from_numpy(shift), distortion=lens)
    expected, _ = cv2.projectPoints(person.numpy(), vector, shift, K.numpy(), np.array(coefficients or (0.0,) * 4))
    assert_close(camera.project(person).pixels, torch.from_numpy(expected[:, 0]), atol=1e-8, rtol=0)


def test_fisheye_projection_equals_opencv(person):
    vector, shift, lens = np.array([1.2, -0.4, 0.3]), np.array([120.0, -340.0, 1500.0]), (0.04, -0.012, 0.006, -0.001)
    camera = _camera(
        rotation=_rotation((1.2, -0.4, 0.3)),
        translation=torch.from_numpy(shift),
        distortion=Distortion("fisheye", lens),
    )
    expected, _ = cv2.fisheye.projectPoints(person.numpy()[:, None], vector, shift, K.numpy(), np.array(lens))
    assert_close(camera.project(person).pixels, torch.from_numpy(expected[:, 0]), atol=1e-8, rtol=0)


def test_points_behind_or_in_the_camera_are_masked_and_finite(lens):
    points = torch.tensor([[100.0, 50.0, -4000.0], [3000.0, 10.0, 0.0], [5.0, 5.0, 1e-9], [0.0, 0.0, 4000.0]]).double()
    projection = _camera(distortion=lens).project(points)
    assert projection.valid.tolist() == [False, False, False, True]
    assert torch.isfinite(projection.pixels).all()


def test_points_beyond_the_fold_are_masked_although_their_pixel_is_in_the_picture():
    lens, point = (-0.3, 0.0, 0.0, 0.0), torch.tensor([1800.0, 0.0, 1000.0], dtype=torch.float64)
    camera = _camera(distortion=Distortion("brown_conrady", lens))
    formula, _ = cv2.projectPoints(point.numpy(), np.zeros(3), np.zeros(3), K.numpy(), np.array(lens))
    assert bool(inside_image(torch.from_numpy(formula[0, 0]), camera.image_size))
    assert not bool(camera.project(point).valid)


def test_skew_is_applied():
    skewed = K.clone()
    skewed[0, 1] = 7.0
    point = torch.tensor([1200.0, 800.0, 4000.0], dtype=torch.float64)
    camera = _camera(px_from_cam=skewed)
    assert_close(camera.project(point).pixels, torch.tensor([470.0 + 7 * 0.2, 284.0], dtype=torch.float64))
    rays = camera.pixel_rays(camera.project(point).pixels)
    assert_close(rays.direction, torch.nn.functional.normalize(point, dim=0))


def test_moving_the_world_and_the_rig_together_changes_no_pixel(make_ring, lens, person):
    turn, shift = _rotation((0.4, -1.1, 0.7)), torch.tensor([900.0, -4000.0, 350.0], dtype=torch.float64)
    for camera in make_ring(3, lens):
        rotation = camera.rotation @ turn.T
        moved = Camera(
            camera.name, camera.image_size, camera.px_from_cam, rotation, camera.translation - rotation @ shift, lens
        )
        assert_close(moved.project(person @ turn.T + shift).pixels, camera.project(person).pixels, atol=1e-7, rtol=0)
        assert_close(moved.center, turn @ camera.center + shift, atol=1e-7, rtol=0)


def test_batches_of_any_rank_project_alike(make_ring, lens, person):
    camera = make_ring(2, lens)[0]
    grid = person[:12].reshape(2, 3, 2, 3)
    assert_close(camera.project(grid).pixels.reshape(12, 2), camera.project(person[:12]).pixels)
    assert camera.pixel_rays(camera.project(grid).pixels).direction.shape == (2, 3, 2, 3)


def test_affine_projection_is_linear_and_undone_by_its_rays(affine_camera, person):
    pixels = affine_camera.project(person).pixels
    middle = affine_camera.project((person[0] + person[1]) / 2).pixels
    assert_close(middle, (pixels[0] + pixels[1]) / 2)
    rays = affine_camera.pixel_rays(pixels)
    along = ((person - rays.origin) * rays.direction).sum(-1, keepdim=True)
    assert_close(rays.origin + along * rays.direction, person, atol=1e-8, rtol=0)


def test_affine_rays_lead_away_from_the_camera(make_camera, person):
    """A perspective camera very far off is nearly affine; both must look the same way."""
    far = make_camera("far", (0.0, -4e6, 900.0), (0.0, 0.0, 900.0), Distortion())
    ends = torch.cat((torch.zeros(1, 3), torch.eye(3))).double() * 1000
    pixels = far.project(ends).pixels
    rows = torch.cat(((pixels[1:] - pixels[0]).T / 1000, pixels[:1].T), 1)
    affine = AffineCamera("affine", far.image_size, rows)
    direction = affine.pixel_rays(pixels[:1]).direction
    assert float((direction * far.pixel_rays(pixels[:1]).direction).sum()) == pytest.approx(1, abs=1e-5)


def test_a_moving_camera_gives_the_camera_of_its_frame():
    steps = tuple(_camera(translation=torch.tensor([0.0, 0.0, 100.0 * f]).double()) for f in range(3))
    moving = MovingCamera("C1", steps)
    assert moving.image_size == (360, 640)
    assert moving.at(2) is steps[2]
    rig = Rig((moving, _camera(name="C2")))
    assert rig.at(1) == (steps[1], rig.camera("C2"))
    for frame in (3, -1):
        with pytest.raises(CalibrationError, match=f'camera "C1": expected a frame of 0 to 2, got {frame}'):
            moving.at(frame)


def test_moving_cameras_need_frames_of_one_size():
    with pytest.raises(CalibrationError, match='camera "m": a moving camera needs at least one frame'):
        MovingCamera("m", ())
    with pytest.raises(CalibrationError, match=r"one image size, got \[\(360, 640\), \(640, 360\)\]"):
        MovingCamera("m", (_camera(), _camera(image_size=(640, 360))))


@pytest.mark.parametrize("part", ["px_from_cam", "rotation", "translation"])
def test_nan_in_a_matrix_is_named(part):
    broken = getattr(_camera(), part).clone()
    broken[0] = math.nan
    with pytest.raises(CalibrationError, match=f'camera "C1": {part} must be finite, got NaN or infinity'):
        _camera(**{part: broken})


def test_a_rotation_that_is_not_one_is_named():
    with pytest.raises(CalibrationError, match=r'"C1": rotation must be orthonormal with determinant 1, .* det 8.000'):
        _camera(rotation=2 * EYE)
    with pytest.raises(CalibrationError, match=r"det -1\.000"):
        _camera(rotation=torch.diag(torch.tensor([1.0, 1.0, -1.0])))


def test_bad_intrinsics_are_named():
    with pytest.raises(CalibrationError, match=r"last row of K must be \(0, 0, 1\), got \(0.0, 0.0, 2.0\)"):
        _camera(px_from_cam=torch.diag(torch.tensor([500.0, 500.0, 2.0])))
    with pytest.raises(CalibrationError, match=r"focal lengths must be positive, got \(-500"):
        _camera(px_from_cam=torch.diag(torch.tensor([-500.0, 500.0, 1.0])))
    with pytest.raises(CalibrationError, match=r"image size must be positive, got \(0, 640\)"):
        _camera(image_size=(0, 640))
    with pytest.raises(ShapeError, match=r'camera "C1": px_from_cam: expected shape \(3 3\), got \(3, 4\)'):
        _camera(px_from_cam=torch.zeros(3, 4))


def test_bad_affine_cameras_are_named():
    with pytest.raises(CalibrationError, match="must have rank 2"):
        AffineCamera("a", (480, 640), torch.tensor([[1.0, 0, 0, 5], [2.0, 0, 0, 5]]))
    with pytest.raises(CalibrationError, match="px_from_world must be finite"):
        AffineCamera("a", (480, 640), torch.full((2, 4), math.nan))


def test_rigs_find_cameras_by_name(make_ring):
    rig = Rig(make_ring(4))
    assert len(rig) == 4
    assert rig.subset(["cam2", "cam0"]).names == ("cam2", "cam0")
    with pytest.raises(CalibrationError, match='rig: expected one of cam0, cam1, cam2, cam3, got "cam7"'):
        rig.camera("cam7")
    with pytest.raises(CalibrationError, match="rig: camera names must be unique, got twice: C1"):
        Rig((_camera(), _camera()))


def test_project_all_stacks_the_views(make_ring, person):
    cameras = make_ring(3)
    projection = project_all(cameras, person)
    assert projection.pixels.shape == (3, 13, 2)
    assert_close(projection.pixels[2], cameras[2].project(person).pixels)


def test_many_cameras_at_once_project_like_each_alone(make_ring, lens, person, affine_camera):
    """Points behind the cameras, far beyond their lenses and unknown ones, too; `Camera.project` is the other way."""
    nowhere = torch.full((1, 3), torch.nan, dtype=torch.float64)
    points = torch.cat((person, 20 * person, person + torch.tensor([9000.0, 9000.0, 0.0]), nowhere))[:, None]
    cameras = (*make_ring(4, lens), *make_ring(2))
    for rig in (cameras, (*cameras, affine_camera)):
        alone = [camera.project(points) for camera in rig]
        together = project_all(rig, points)
        assert_close(together.valid, torch.stack([one.valid for one in alone]))
        assert 0 < int(together.valid.sum()) < together.valid.numel()
        for one, pixels, valid in zip(alone, together.pixels, together.valid, strict=True):
            assert_close(pixels[valid], one.pixels[valid], rtol=1e-12, atol=1e-9, equal_nan=True)


def test_points_of_each_camera_are_projected_into_their_own(make_ring, lens, person):
    cameras = make_ring(3, lens)
    own = torch.stack([person + 50.0 * view for view in range(3)])
    projection = project_each(cameras, own)
    assert_close(projection.pixels, torch.stack([c.project(p).pixels for c, p in zip(cameras, own, strict=True)]))
    with pytest.raises(ShapeError, match="points: expected those of 3 cameras, got those of 2"):
        project_each(cameras, own[:2])


def test_the_picture_reaches_half_a_pixel_beyond_its_outer_centres():
    pixels = torch.tensor([[-0.5, 0.0], [-0.6, 0.0], [639.5, 359.5], [639.6, 0.0], [0.0, 359.6], [500.0, 380.0]])
    assert inside_image(pixels, (360, 640)).tolist() == [True, False, True, False, False, False]
