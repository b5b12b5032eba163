"""The ellipse in a picture is the covariance of what a camera really shows, and sigma is a length."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.geometry.camera import AffineCamera
from poseharvest.geometry.image_covariance import image_uncertainty, projection_jacobian
from poseharvest.geometry.rig import Rig
from poseharvest.report.ellipses import ellipse_of, matrix_root, sigma_mm, worst_sigma_mm


def random_covariances(generator: torch.Generator, num: int, scale_mm: float) -> torch.Tensor:
    roots = torch.randn(num, 3, 3, generator=generator, dtype=torch.float64) * scale_mm
    return roots @ roots.mT


def test_projected_covariance_equals_that_of_projected_samples(rig: Rig, generator: torch.Generator) -> None:
    camera = rig.at(0)[1]
    mean = torch.tensor([[150.0, -300.0, 1200.0], [-600.0, 100.0, 300.0]], dtype=torch.float64)
    cov = random_covariances(generator, 2, 12.0)
    law = image_uncertainty(camera, mean, cov)
    noise = torch.randn(2, 200_000, 3, generator=generator, dtype=torch.float64)
    samples = mean[:, None] + noise @ matrix_root(cov)
    for k in range(2):
        seen = camera.project(samples[k]).pixels
        assert torch.allclose(torch.cov(seen.T), law.cov[k], rtol=0.03, atol=0.02)
        assert torch.allclose(seen.mean(0), law.pixels[k], atol=0.1)


def test_jacobian_equals_central_differences(rig: Rig, generator: torch.Generator) -> None:
    points = torch.randn(5, 3, generator=generator, dtype=torch.float64) * 400 + torch.tensor([0, 0, 900])
    step = 1e-3
    for camera in rig.at(0):
        moved = [
            (camera.project(points + step * axis).pixels - camera.project(points - step * axis).pixels) / (2 * step)
            for axis in torch.eye(3, dtype=torch.float64)
        ]
        assert torch.allclose(projection_jacobian(camera, points), torch.stack(moved, -1), atol=1e-6)


def test_jacobian_of_an_affine_camera_is_its_matrix() -> None:
    matrix = torch.tensor([[0.2, 0.01, 0.0, 3.0], [0.0, 0.03, -0.2, 7.0]], dtype=torch.float64)
    camera = AffineCamera("far", (90, 160), matrix)
    jacobian = projection_jacobian(camera, torch.zeros(4, 3, dtype=torch.float64))
    assert torch.equal(jacobian, matrix[:, :3].expand(4, 2, 3))


def test_a_joint_behind_the_camera_has_no_ellipse(rig: Rig) -> None:
    camera = rig.at(0)[0]
    behind = torch.tensor([[8000.0, 6500.0, 2000.0]], dtype=torch.float64)
    seen = image_uncertainty(camera, behind, 100 * torch.eye(3, dtype=torch.float64)[None])
    assert not seen.valid[0]
    assert torch.equal(seen.cov, torch.zeros(1, 2, 2, dtype=torch.float64))


def test_jacobian_is_found_where_gradients_are_switched_off(rig: Rig) -> None:
    with torch.no_grad():
        jacobian = projection_jacobian(rig.at(0)[0], torch.zeros(1, 3, dtype=torch.float64))
    assert float(jacobian.abs().max()) > 0


@given(st.lists(st.floats(0.1, 100), min_size=3, max_size=3), st.integers(0, 1000))
def test_sigma_is_the_geometric_mean_of_the_axes_however_they_are_turned(axes: list[float], seed: int) -> None:
    spin = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)).Q
    cov = spin @ torch.diag(torch.tensor(axes, dtype=torch.float64) ** 2) @ spin.T
    assert float(sigma_mm(cov)) == pytest.approx(float(np.prod(axes)) ** (1 / 3), rel=1e-6)
    assert float(worst_sigma_mm(cov)) == pytest.approx(max(axes), rel=1e-6)


def test_a_flat_covariance_has_sigma_zero_not_nan() -> None:
    flat = torch.diag(torch.tensor([4.0, 9.0, -1e-12], dtype=torch.float64))
    assert float(sigma_mm(flat)) == 0
    assert float(worst_sigma_mm(flat)) == 3
    assert torch.allclose(matrix_root(flat), torch.diag(torch.tensor([2.0, 3.0, 0.0], dtype=torch.float64)))


def test_root_squares_to_the_covariance(generator: torch.Generator) -> None:
    cov = random_covariances(generator, 6, 20)
    root = matrix_root(cov)
    assert torch.allclose(root @ root, cov)
    assert torch.allclose(root, root.mT)


@given(st.floats(0.5, 20), st.floats(0.5, 20), st.floats(-89, 89))
def test_ellipse_gives_back_axes_and_direction(one: float, other: float, angle_deg: float) -> None:
    minor, major = sorted((one, other))
    turn = math.radians(angle_deg)
    spin = torch.tensor([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]], dtype=torch.float64)
    cov = spin @ torch.diag(torch.tensor([major, minor], dtype=torch.float64) ** 2) @ spin.T
    ellipse = ellipse_of(cov, 2.0)
    assert (ellipse.major, ellipse.minor) == pytest.approx((2 * major, 2 * minor), rel=1e-6)
    if major > 1.01 * minor:
        assert abs(math.sin(math.radians(ellipse.angle_deg - angle_deg))) < 1e-4
