"""The size of a pixel, against focal length over depth and against triangulation of noisy pixels."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.geometry.rig import pixel_error, pixels_per_mm
from poseharvest.geometry.triangulation import triangulate
from walker_kit import look_at, walker_rig


def pair(distance_mm: float, baseline_mm: float):
    """Two cameras of 420 px focal length side by side that look at the origin."""
    return [look_at(f"cam{i}", (distance_mm, side * baseline_mm / 2, 0), (0, 0, 0)) for i, side in enumerate((-1, 1))]


ORIGIN = torch.zeros(3, dtype=torch.float64)


def test_pixels_per_mm_is_focal_length_over_depth() -> None:
    camera = walker_rig().at(0)[0]
    on_axis = camera.center + 2100 * camera.rotation[2]  # type: ignore[attr-defined]
    assert pixels_per_mm(camera, on_axis) == pytest.approx(420 / 2100, rel=1e-4)


def test_pixels_per_mm_is_nan_behind_the_camera() -> None:
    behind = torch.tensor([8000.0, 6500.0, 2000.0], dtype=torch.float64)
    assert math.isnan(pixels_per_mm(walker_rig().at(0)[0], behind))


@given(st.floats(1000, 8000), st.floats(0.01, 1.5))
def test_depth_of_two_cameras_follows_their_angle(distance_mm: float, ratio: float) -> None:
    """Half the angle is atan(b / 2 z); depth errs by the pixel over sqrt(2) sin of it."""
    half = math.atan(ratio / 2)
    error = pixel_error(pair(distance_mm, ratio * distance_mm), ORIGIN)
    pixel_mm = distance_mm / math.cos(half) / 420
    assert error is not None
    assert error.widest_angle_deg == pytest.approx(math.degrees(2 * half), rel=1e-2)
    assert error.worst_mm == pytest.approx(pixel_mm / math.sqrt(2) / min(math.sin(half), math.cos(half)), rel=0.02)


def test_it_is_what_triangulation_of_noisy_pixels_gives(generator: torch.Generator) -> None:
    cameras = pair(4000, 600)
    error = pixel_error(cameras, ORIGIN)
    pixels = torch.stack([camera.project(ORIGIN[None]).pixels for camera in cameras]).expand(2, 4000, 2)
    noisy = pixels + torch.randn(pixels.shape, generator=generator, dtype=torch.float64)
    estimates = triangulate(cameras, noisy, torch.ones(2, 4000)).points
    assert error is not None
    assert float(estimates[:, 0].std()) == pytest.approx(error.worst_mm, rel=0.08)


def test_one_view_has_no_depth() -> None:
    cameras = pair(4000, 600)
    assert pixel_error(cameras[:1], ORIGIN) is None
    assert pixel_error([cameras[0], cameras[0]], ORIGIN) is None
    assert pixel_error(cameras, torch.tensor([9000.0, 0, 0], dtype=torch.float64)) is None
