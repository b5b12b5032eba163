from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from poseharvest.errors import CalibrationError
from poseharvest.geometry import distortion
from poseharvest.geometry.distortion import Distortion

BARREL = Distortion("brown_conrady", (-0.3, 0.0, 0.0, 0.0))


def _disc(radius: float, num: int = 400) -> torch.Tensor:
    generator = torch.Generator().manual_seed(11)
    polar = torch.rand(num, 2, dtype=torch.float64, generator=generator)
    r, phi = radius * polar[:, 0].sqrt(), 2 * math.pi * polar[:, 1]
    return torch.stack((r * phi.cos(), r * phi.sin()), -1)


def test_undistort_undoes_distort(lens):
    points = _disc(min(0.95 * lens.max_radius, 1.5))
    distorted = lens.distort(points)
    back = lens.undistort(distorted.points)
    assert distorted.valid.all()
    assert back.valid.all()
    assert_close(back.points, points, atol=1e-8, rtol=0)


def test_distort_undoes_undistort(lens):
    points = _disc(0.5)
    back = lens.undistort(points)
    assert back.valid.all()
    assert_close(lens.distort(back.points).points, points, atol=1e-9, rtol=0)


@settings(max_examples=40, deadline=None)
@given(
    k1=st.floats(-0.4, 0.4), k2=st.floats(-0.3, 0.3), k3=st.floats(-0.1, 0.1), p1=st.floats(-2e-3, 2e-3),
    p2=st.floats(-2e-3, 2e-3),
)  # fmt: skip
def test_round_trip_for_any_mild_lens(k1, k2, k3, p1, p2):
    lens = Distortion("brown_conrady", (k1, k2, p1, p2, k3))
    points = _disc(min(0.9 * lens.max_radius, 2.0), 60)
    back = lens.undistort(lens.distort(points).points)
    assert back.valid.all()
    assert_close(back.points, points, atol=1e-7, rtol=0)


@settings(max_examples=30, deadline=None)
@given(
    k1=st.floats(-0.15, 0.15), k2=st.floats(-0.05, 0.05), k3=st.floats(-0.02, 0.02), k4=st.floats(-0.005, 0.005)
)  # fmt: skip
def test_round_trip_for_any_mild_fisheye(k1, k2, k3, k4):
    lens = Distortion("fisheye", (k1, k2, k3, k4))
    points = _disc(min(0.9 * lens.max_radius, 5.0), 60)
    back = lens.undistort(lens.distort(points).points)
    assert back.valid.all()
    assert_close(back.points, points, atol=1e-7, rtol=1e-7)


@pytest.mark.parametrize("radius", [0.3, 0.9, 3.0])  # the last lies in part beyond what the lenses reach
def test_newton_steps_that_change_nothing_are_left_out(lens, radius, monkeypatch):
    monkeypatch.setattr(Distortion, "_inverted_in_loops", Distortion._inverted)
    points = _disc(radius)
    fewest = lens.undistort(points)

    def all_steps(step, start):
        for _ in range(distortion._NEWTON_STEPS):
            start = step(start)
        return start

    monkeypatch.setattr(distortion, "_repeat", all_steps)
    every = lens.undistort(points)
    assert torch.equal(fewest.points, every.points)
    assert torch.equal(fewest.valid, every.valid)


@pytest.mark.parametrize("radius", [0.3, 0.9, 3.0, 40.0])
def test_the_compiled_inverse_is_that_of_the_tensors(lens, radius, monkeypatch):
    points = _disc(radius, 300).reshape(2, 150, 2)
    loops = lens.undistort(points)
    monkeypatch.setattr(Distortion, "_inverted_in_loops", Distortion._inverted)
    tensors = lens.undistort(points)
    assert torch.equal(loops.valid, tensors.valid)
    assert_close(loops.points, tensors.points, atol=1e-12, rtol=1e-12)


def test_gradients_pass_through_the_inverse(lens):
    points = _disc(0.2, 6).requires_grad_()
    assert torch.autograd.gradcheck(lambda each: lens.undistort(each).points, (points,))


@pytest.mark.parametrize(("start", "num_steps"), [([3.0, 3.0], 1), ([3.0, 8.0], 2), ([0.0, 3.0], 4), ([0.0, 8.0], 5)])
def test_repetition_ends_with_the_last_change(start, num_steps):
    # 3 stays. 8 and 9 follow each other for ever. 0 becomes 1, 2 and 3.
    after = torch.tensor([1.0, 2.0, 3.0, 3.0, torch.nan, torch.nan, torch.nan, torch.nan, 9.0, 8.0])
    calls = []

    def step(values):
        calls.append(values)
        return after[values.long()]

    values = torch.tensor(start)
    expected = values
    for _ in range(distortion._NEWTON_STEPS):
        expected = after[expected.long()]
    assert torch.equal(distortion._repeat(step, values), expected)
    assert len(calls) == num_steps


def test_float32_round_trip(lens):
    points = _disc(min(0.8 * lens.max_radius, 0.8)).float()
    back = lens.undistort(lens.distort(points).points)
    assert back.valid.all()
    assert back.points.dtype == torch.float32
    assert_close(back.points, points, atol=2e-5, rtol=0)


@pytest.mark.parametrize("count", [4, 5, 8, 12])
def test_brown_conrady_equals_opencv(count):
    coefficients = (-0.21, 0.24, -1.4e-3, 9e-4, -3e-3, 0.11, -0.05, 0.01, 2e-3, -1e-3, -3e-3, 5e-4)[:count]
    points = _disc(0.6)
    rays = torch.cat((points, torch.ones(len(points), 1)), -1).numpy()
    expected, _ = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), np.eye(3), np.array(coefficients))
    distorted = Distortion("brown_conrady", coefficients).distort(points).points
    assert_close(distorted, torch.from_numpy(expected[:, 0]), atol=1e-12, rtol=0)


def test_fisheye_equals_opencv():
    coefficients = (0.04, -0.012, 0.006, -0.001)
    points = _disc(3.0)
    expected = cv2.fisheye.distortPoints(points.numpy()[:, None], np.eye(3), np.array(coefficients))
    distorted = Distortion("fisheye", coefficients).distort(points).points
    assert_close(distorted, torch.from_numpy(expected[:, 0]), atol=1e-12, rtol=0)


def test_the_fold_of_a_barrel_lens_is_where_its_derivative_vanishes():
    # r (1 - 0.3 r^2) rises up to r = sqrt(1 / 0.9)
    assert BARREL.max_radius == pytest.approx(math.sqrt(1 / 0.9), abs=1e-3)


def test_points_beyond_the_fold_are_masked_although_they_land_in_the_picture():
    beyond = torch.tensor([[1.8, 0.0], [0.0, -1.8]], dtype=torch.float64)
    distorted = BARREL.distort(beyond)
    assert not distorted.valid.any()
    assert BARREL.distort(beyond / 2).valid.all()


def test_a_fisheye_that_folds_back_is_masked():
    lens = Distortion("fisheye", (-0.4, 0.0, 0.0, 0.0))  # theta - 0.4 theta^3 rises up to theta = sqrt(1 / 1.2)
    fold = math.tan(math.sqrt(1 / 1.2))
    assert lens.max_radius == pytest.approx(fold, rel=1e-3)
    points = torch.tensor([[0.97 * fold, 0.0], [1.03 * fold, 0.0]], dtype=torch.float64)
    assert lens.distort(points).valid.tolist() == [True, False]


def test_a_pole_of_the_rational_model_is_masked():
    lens = Distortion("brown_conrady", (0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0))  # r / (1 - r^2)
    distorted = lens.distort(torch.tensor([[0.9, 0.0], [1.2, 0.0]], dtype=torch.float64))
    assert distorted.valid.tolist() == [True, False]


def test_pixels_that_no_ray_reaches_are_masked():
    # the barrel lens shows nothing further out than (2 / 3) sqrt(1 / 0.9)
    reach = 2 / 3 * math.sqrt(1 / 0.9)
    back = BARREL.undistort(torch.tensor([[0.98 * reach, 0.0], [1.02 * reach, 0.0], [40.0, 3.0]], dtype=torch.float64))
    assert back.valid.tolist() == [True, False, False]
    assert torch.isfinite(back.points).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_points_seen_edge_on_stay_finite(lens, dtype):
    far = torch.tensor([[1e7, -3e6], [0.0, 5e6]], dtype=dtype)
    assert torch.isfinite(lens.distort(far).points).all()


def test_the_axis_maps_to_itself(lens):
    zero = torch.zeros(1, 2, dtype=torch.float64)
    assert_close(lens.distort(zero).points, zero)
    assert_close(lens.undistort(zero).points, zero, atol=1e-12, rtol=0)


def test_bad_lenses_are_named():
    with pytest.raises(
        CalibrationError, match="brown_conrady distortion: expected 4 or 5 or 8 or 12 coefficients, got 6"
    ):
        Distortion("brown_conrady", (0.0,) * 6)
    with pytest.raises(CalibrationError, match="fisheye distortion: expected 4 coefficients, got 5"):
        Distortion("fisheye", (0.0,) * 5)
    with pytest.raises(CalibrationError, match="expected finite coefficients"):
        Distortion("fisheye", (0.0, math.nan, 0.0, 0.0))
    with pytest.raises(CalibrationError, match=r"distortion model: expected one of .* got 'radial'"):
        Distortion("radial", ())  # type: ignore[arg-type]
