"""Cameras with a known arrangement, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from poseharvest.geometry.camera import AffineCamera, Camera
from poseharvest.geometry.distortion import Distortion

LENSES = {
    "none": Distortion(),
    "brown4": Distortion("brown_conrady", (-0.12, 0.05, 1e-3, -8e-4)),
    "brown5": Distortion("brown_conrady", (-0.21, 0.25, -1.4e-3, -1e-3, -3e-3)),
    "brown12": Distortion(
        "brown_conrady", (-0.21, 0.25, -1.4e-3, -1e-3, -3e-3, 0.0, 0.0, 0.0, 2e-3, -1e-3, -3e-3, 5e-4)
    ),
    "brown8": Distortion("brown_conrady", (0.35, 0.12, 6e-4, -4e-4, 0.02, 0.62, 0.21, 0.03)),
    "fisheye": Distortion("fisheye", (0.04, -0.012, 0.006, -0.001)),
}


@pytest.fixture(params=sorted(LENSES))
def lens(request: pytest.FixtureRequest) -> Distortion:
    return LENSES[request.param]


def looking_at(
    name: str, center: tuple[float, float, float], target: tuple[float, float, float], lens: Distortion
) -> Camera:
    """A camera, 1280 x 720, upright in a world whose z points up."""
    position = torch.tensor(center, dtype=torch.float64)
    forward = torch.nn.functional.normalize(torch.tensor(target, dtype=torch.float64) - position, dim=0)
    up = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    right = torch.nn.functional.normalize(torch.linalg.cross(forward, up), dim=0)
    rotation = torch.stack((right, torch.linalg.cross(forward, right), forward))
    px_from_cam = torch.tensor([[1100.0, 0.0, 650.0], [0.0, 1115.0, 340.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    return Camera(name, (720, 1280), px_from_cam, rotation, -rotation @ position, lens)


@pytest.fixture
def make_camera() -> Callable[..., Camera]:
    return looking_at


@pytest.fixture
def make_ring() -> Callable[..., tuple[Camera, ...]]:
    """Cameras around the origin at different distances and heights."""

    def ring(num_views: int, lens: Distortion = LENSES["none"]) -> tuple[Camera, ...]:
        angles = [0.3 + 2 * math.pi * v / num_views for v in range(num_views)]
        return tuple(
            looking_at(
                f"cam{v}",
                ((3500 + 300 * (v % 3)) * math.cos(a), (3500 + 300 * (v % 3)) * math.sin(a), 1200.0 + 200 * (v % 2)),
                (0.0, 0.0, 900.0),
                lens,
            )
            for v, a in enumerate(angles)
        )

    return ring


@pytest.fixture
def person() -> Tensor:
    """(13, 3) points within the reach of a person standing at the origin, mm."""
    generator = torch.Generator().manual_seed(5)
    return torch.randn(13, 3, dtype=torch.float64, generator=generator) * torch.tensor([250.0, 250.0, 400.0]) + (
        torch.tensor([0.0, 0.0, 900.0])
    )


@pytest.fixture
def affine_camera() -> AffineCamera:
    rows = torch.tensor([[0.11, 0.02, 0.004, 320.0], [0.006, 0.01, -0.13, 400.0]], dtype=torch.float64)
    return AffineCamera("far", (480, 640), rows)
