"""A rig to write and read again, and the comparison of two rigs."""

from __future__ import annotations

import math

import pytest
import torch
from torch.testing import assert_close

from poseharvest.geometry.camera import Camera
from poseharvest.geometry.distortion import Distortion
from poseharvest.geometry.rig import Rig

BROWN = Distortion("brown_conrady", (-0.21, 0.25, -1.4e-3, -1e-3, -3e-3))


def camera_at(name: str, angle: float, lens: Distortion = BROWN, radius_mm: float = 4000.0) -> Camera:
    """A camera 1280 x 720 that looks at a point a metre above the world's origin."""
    center = torch.tensor([radius_mm * math.cos(angle), radius_mm * math.sin(angle), 1500.0], dtype=torch.float64)
    target = torch.tensor([0.0, 0.0, 1000.0], dtype=torch.float64)
    forward = torch.nn.functional.normalize(target - center, dim=0)
    right = torch.nn.functional.normalize(
        torch.linalg.cross(forward, torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)), dim=0
    )
    rotation = torch.stack((right, torch.linalg.cross(forward, right), forward))
    k = torch.tensor([[1100.5, 0.0, 643.25], [0.0, 1115.75, 351.5], [0.0, 0.0, 1.0]], dtype=torch.float64)
    return Camera(name, (720, 1280), k, rotation, -rotation @ center, lens)


@pytest.fixture
def make_camera():
    return camera_at


@pytest.fixture
def rig() -> Rig:
    return Rig(tuple(camera_at(f"cam{i:02d}", 0.4 + 1.5 * i) for i in range(3)))


@pytest.fixture
def fisheye_rig() -> Rig:
    lens = Distortion("fisheye", (0.04, -0.012, 0.006, -0.001))
    return Rig(tuple(camera_at(f"gopro{i}", 0.4 + 2 * i, lens) for i in range(3)))


@pytest.fixture
def assert_same_rig():
    def check(actual: Rig, expected: Rig, atol: float = 1e-9) -> None:
        assert actual.names == expected.names
        points = torch.tensor([[0.0, 0.0, 1000.0], [400.0, -300.0, 200.0], [-350.0, 100.0, 1700.0]]).double()
        for ours, theirs in zip(actual, expected, strict=True):
            assert ours.image_size == theirs.image_size
            projection, wanted = ours.at(0).project(points), theirs.at(0).project(points)
            assert torch.equal(projection.valid, wanted.valid)
            assert_close(projection.pixels, wanted.pixels, atol=atol * 100, rtol=0)
            if isinstance(theirs, Camera):
                assert_close(ours.center, theirs.center, atol=atol * 1000, rtol=0)

    return check
