from __future__ import annotations

import math

import pytest
import torch
from scipy.optimize import least_squares
from torch.testing import assert_close

from poseharvest.errors import ShapeError
from poseharvest.geometry.camera import AffineCamera
from poseharvest.geometry.distortion import Distortion
from poseharvest.geometry.rig import project_all
from poseharvest.geometry.triangulation import triangulate, triangulate_robust


def test_projected_points_come_back(make_ring, lens, person):
    cameras = make_ring(4, lens)
    pixels = project_all(cameras, person).pixels
    triangulation = triangulate(cameras, pixels, torch.ones(4, 13))
    assert_close(triangulation.points, person, atol=1e-5, rtol=0)
    assert triangulation.supported.all()
    assert triangulation.inliers.all()
    assert triangulation.residual_px.max() < 1e-6


def test_two_affine_cameras(person):
    front = AffineCamera("front", (480, 640), torch.tensor([[0.1, 0, 0, 320], [0, 0, -0.1, 400]], dtype=torch.float64))
    side = AffineCamera("side", (480, 640), torch.tensor([[0, 0.2, 0, 320], [0, 0, -0.2, 400]], dtype=torch.float64))
    pixels = project_all((front, side), person).pixels
    assert_close(triangulate((front, side), pixels, torch.ones(2, 13)).points, person, atol=1e-5, rtol=0)


def test_affine_and_perspective_cameras_mix(make_ring, affine_camera, person):
    cameras = (*make_ring(2), affine_camera)
    pixels = project_all(cameras, person).pixels
    assert_close(triangulate(cameras, pixels, torch.ones(3, 13)).points, person, atol=1e-5, rtol=0)


def test_the_point_nearly_minimises_the_weighted_pixel_error(make_ring, person, generator):
    cameras = make_ring(4)
    pixels = project_all(cameras, person).pixels
    pixels = pixels + 3 * torch.randn(pixels.shape, dtype=torch.float64, generator=generator)
    weights = torch.rand(4, 13, dtype=torch.float64, generator=generator) + 0.1
    triangulation = triangulate(cameras, pixels, weights)
    for j in range(3):
        root = weights[:, j : j + 1].sqrt()

        def error(x, j=j, root=root):
            projected = project_all(cameras, torch.tensor(x).reshape(1, 3)).pixels[:, 0]
            return ((projected - pixels[:, j]) * root).flatten().numpy()

        best = least_squares(error, person[j].numpy(), xtol=1e-14, ftol=1e-14)
        achieved = float((error(triangulation.points[j].numpy()) ** 2).sum())
        assert 2 * best.cost <= achieved + 1e-9
        assert achieved < 2 * best.cost * 1.002


def test_the_order_of_views_does_not_matter(make_ring, person, generator):
    cameras = make_ring(5)
    pixels = project_all(cameras, person).pixels
    pixels = pixels + torch.randn(pixels.shape, dtype=torch.float64, generator=generator)
    pixels[1, :4] += 150
    weights = torch.rand(5, 13, dtype=torch.float64, generator=generator) + 0.5
    order = [3, 0, 4, 2, 1]
    straight = triangulate_robust(cameras, pixels, weights, threshold_px=10)
    shuffled = triangulate_robust([cameras[v] for v in order], pixels[order], weights[order], threshold_px=10)
    assert_close(shuffled.points, straight.points, atol=1e-6, rtol=0)
    assert torch.equal(shuffled.inliers, straight.inliers[order])


@pytest.mark.parametrize("num_views", [4, 16])
def test_one_wrong_view_is_left_out(make_ring, person, generator, num_views):
    cameras = make_ring(num_views, Distortion("brown_conrady", (-0.2, 0.1, 1e-3, -1e-3, 0.0)))
    pixels = project_all(cameras, person).pixels
    pixels = pixels + 0.7 * torch.randn(pixels.shape, dtype=torch.float64, generator=generator)
    wrong = torch.arange(13) % num_views
    pixels[wrong, torch.arange(13)] += torch.tensor([140.0, -90.0])
    weights = torch.ones(num_views, 13)
    robust = triangulate_robust(cameras, pixels, weights, threshold_px=12)
    expected = torch.ones(num_views, 13, dtype=torch.bool)
    expected[wrong, torch.arange(13)] = False
    assert torch.equal(robust.inliers, expected)
    error = torch.linalg.vector_norm(robust.points - person, dim=-1)
    plain = torch.linalg.vector_norm(triangulate(cameras, pixels, weights).points - person, dim=-1)
    assert error.mean() < 4
    assert plain.mean() > 10 * error.mean()


def test_every_point_may_have_its_own_threshold(make_ring, person, generator):
    cameras = make_ring(4)
    pixels = project_all(cameras, person).pixels
    pixels = pixels + 4 * torch.randn(pixels.shape, dtype=torch.float64, generator=generator)
    weights = torch.rand(4, 13, dtype=torch.float64, generator=generator) + 0.5
    thresholds = torch.linspace(2.0, 14.0, 13, dtype=torch.float64)
    together = triangulate_robust(cameras, pixels, weights, threshold_px=thresholds)
    assert not together.inliers.all()
    for joint, threshold in enumerate(thresholds.tolist()):
        one = slice(joint, joint + 1)
        alone = triangulate_robust(cameras, pixels[:, one], weights[:, one], threshold_px=threshold)
        assert_close(alone.points, together.points[one], atol=1e-9, rtol=0)
        assert torch.equal(alone.inliers, together.inliers[:, one])


def test_heavier_views_outvote_more_numerous_ones(make_ring, person):
    cameras = make_ring(4)
    pixels = project_all(cameras, person).pixels
    liar = person + torch.tensor([0.0, 0.0, 300.0])
    pixels[2:] = project_all(cameras[2:], liar).pixels
    weights = torch.tensor([1.0, 1.0, 0.3, 0.3]).unsqueeze(1).expand(4, 13)
    assert_close(triangulate_robust(cameras, pixels, weights, threshold_px=5).points, person, atol=1e-4, rtol=0)


def test_absent_views_are_not_used_and_a_lone_view_is_not_supported(make_ring, person):
    cameras = make_ring(3)
    pixels = project_all(cameras, person).pixels
    pixels[1, 2] = torch.nan
    pixels[0, 3] = torch.inf
    weights = torch.ones(3, 13)
    weights[1:, 4] = 0.0  # one view left
    weights[:, 5] = -0.2  # none left
    for triangulation in (
        triangulate(cameras, pixels, weights),
        triangulate_robust(cameras, pixels, weights, threshold_px=5),
    ):
        assert triangulation.supported.tolist() == [j not in {4, 5} for j in range(13)]
        assert torch.isfinite(triangulation.points).all()
        assert_close(triangulation.points[triangulation.supported], person[triangulation.supported], atol=1e-5, rtol=0)
        assert not triangulation.inliers[1, 2]
        assert torch.isinf(triangulation.residual_px[1, 2])
        assert torch.isinf(triangulation.residual_px[:, 4]).all()


def test_parallel_lines_do_not_support_a_point(make_camera, person):
    lens = Distortion()
    cameras = [make_camera(f"c{i}", (10.0 * i, -4000.0, 900.0), (10.0 * i, 0.0, 900.0), lens) for i in range(3)]
    pixels = project_all(cameras, person).pixels
    assert not triangulate(cameras, pixels, torch.ones(3, 13)).supported.any()


def test_facing_cameras_do_not_support_a_point_between_them(make_camera):
    lens = Distortion()
    cameras = [make_camera(f"c{i}", (0.0, y, 900.0), (0.0, 0.0, 900.0), lens) for i, y in enumerate((-3000.0, 3000.0))]
    middle = torch.tensor([[0.0, 0.0, 900.0]], dtype=torch.float64)
    assert not triangulate(cameras, project_all(cameras, middle).pixels, torch.ones(2, 1)).supported.any()


def test_lines_that_meet_behind_the_cameras_support_nothing(make_camera):
    lens = Distortion()
    cameras = [
        make_camera(f"c{i}", (x, 0.0, 900.0), (3 * x, 4000.0, 900.0), lens) for i, x in enumerate((-400.0, 400.0))
    ]
    behind = triangulate(cameras, torch.tensor([[[650.0, 340.0]], [[650.0, 340.0]]]), torch.ones(2, 1))
    assert not behind.supported.any()
    assert torch.isfinite(behind.points).all()


def test_views_that_contradict_each_other_support_nothing(make_ring, person):
    cameras = make_ring(4)[:2]
    pixels = project_all(cameras, person).pixels
    pixels[0, :, 1] += 200
    triangulation = triangulate_robust(cameras, pixels, torch.ones(2, 13), threshold_px=10)
    assert not triangulation.supported.any()


def test_a_rig_of_one_camera_supports_nothing(make_ring, person):
    cameras = make_ring(1)
    triangulation = triangulate_robust(cameras, project_all(cameras, person).pixels, torch.ones(1, 13), threshold_px=10)
    assert not triangulation.supported.any()
    assert torch.isfinite(triangulation.points).all()


def test_float32_input_is_solved_in_float64(make_ring, person):
    cameras = make_ring(4)
    triangulation = triangulate(cameras, project_all(cameras, person).pixels.float(), torch.ones(4, 13))
    assert triangulation.points.dtype == torch.float64
    assert_close(triangulation.points, person, atol=1e-3, rtol=0)


def test_errors_name_the_shapes(make_ring):
    cameras = make_ring(3)
    with pytest.raises(ShapeError, match=r"pixels: expected shape \(V J 2\) with V=3, got \(2, 5, 2\)"):
        triangulate(cameras, torch.zeros(2, 5, 2), torch.ones(2, 5))
    with pytest.raises(ShapeError, match="weights: expected finite"):
        triangulate(cameras, torch.zeros(3, 5, 2), torch.full((3, 5), math.nan))
    with pytest.raises(ShapeError, match="threshold_px: expected a positive number of pixels, got 0"):
        triangulate_robust(cameras, torch.zeros(3, 5, 2), torch.ones(3, 5), threshold_px=0)
