"""Rigs for synthetic captures: that of Human3.6M, and random ones.

The numbers of `studio_rig` are rounded from the camera parameters of Human3.6M, subject S9, as published by
karfly/human36m-camera-parameters (MIT licence).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from poseharvest.arrays import ImageSize
from poseharvest.errors import ConfigError
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.distortion import Distortion
from poseharvest.geometry.rig import Rig

STAGE_MM = (50.0, 370.0)
"""The point of the floor, (x, y) mm, about which the cameras of `studio_rig` stand."""

_LOOK_AT_HEIGHT_MM = 900.0
_SMALLEST_PX = 16
_FIELD_MM = 2700.0  # what a random camera shows across its shorter side at the stage's middle


@dataclass(frozen=True)
class _Entry:
    center: tuple[float, float, float]  # mm
    rotation_vector: tuple[float, float, float]  # of R in x_cam = R x_world + t, radians
    focal: tuple[float, float]  # pixels
    principal: tuple[float, float]  # pixels
    distortion: tuple[float, float, float, float, float]  # k1 k2 p1 p2 k3
    image_size: ImageSize


_STUDIO = (
    _Entry(
        center=(2044.0, 4935.0, 1481.0),
        rotation_vector=(0.4453, 2.1574, -1.7758),
        focal=(1145.0, 1143.8),
        principal=(512.5, 515.5),
        distortion=(-0.207, 0.248, -0.0014, -0.0010, -0.003),
        image_size=(1002, 1000),
    ),
    _Entry(
        center=(1991.0, -5124.0, 1569.0),
        rotation_vector=(1.7564, 0.3251, -0.2745),
        focal=(1149.7, 1147.6),
        principal=(508.8, 508.1),
        distortion=(-0.194, 0.240, -0.0027, -0.0016, 0.007),
        image_size=(1000, 1000),
    ),
    _Entry(
        center=(-1671.0, 5212.0, 1528.0),
        rotation_vector=(0.3964, -2.2297, 1.7690),
        focal=(1149.1, 1148.8),
        principal=(519.8, 501.4),
        distortion=(-0.208, 0.255, -0.0008, 0.0015, -0.002),
        image_size=(1000, 1000),
    ),
    _Entry(
        center=(-1696.0, -3827.0, 1591.0),
        rotation_vector=(1.8227, -0.3326, 0.3447),
        focal=(1145.5, 1144.8),
        principal=(515.0, 501.9),
        distortion=(-0.198, 0.218, -0.0018, -0.0006, -0.009),
        image_size=(1002, 1000),
    ),
)


def studio_rig() -> Rig:
    """Return four cameras as in Human3.6M: 4 to 6 m from the stage, two of them 1002 x 1000, two 1000 x 1000 pixels."""
    return Rig(tuple(_camera(f"cam{i + 1}", entry) for i, entry in enumerate(_STUDIO)))


def studio_rig_at_origin(scale: float = 1.0) -> Rig:
    """Return the cameras of `studio_rig` with the stage's middle at the world's origin and pictures of another size.

    Args:
        scale: factor on the pictures' size; sizes are rounded to even numbers, which video needs.

    Raises:
        ConfigError: the pictures would have less than 16 pixels a side.
    """
    return Rig(tuple(_moved_and_scaled(_camera(f"cam{i + 1}", entry), scale) for i, entry in enumerate(_STUDIO)))


def random_rig(num_views: int, generator: torch.Generator, *, image_size: ImageSize = (720, 1280)) -> Rig:
    """Return cameras on an uneven ring about the world's origin, 3.5 to 6.5 m away and 0.6 to 3 m high.

    All look near the middle of a person at the origin and show 2.7 m of height there. Each has its own lens.

    Raises:
        ConfigError: the number of views is less than one.
    """
    if num_views < 1:
        raise ConfigError(f"random rig: expected at least one view, got {num_views}")
    start = 2 * math.pi * float(torch.rand((), generator=generator))
    return Rig(
        tuple(
            _random_camera(f"cam{i + 1}", start + 2 * math.pi * i / num_views, image_size, generator)
            for i in range(num_views)
        )
    )


def look_at(center: Tensor, target: Tensor) -> Tensor:
    """Return the rotation (3, 3) of an upright camera at `center` (3,) whose axis goes through `target` (3,)."""
    forward = torch.nn.functional.normalize(target - center, dim=0)
    up = torch.tensor((0.0, 0.0, 1.0), dtype=forward.dtype)
    right = torch.nn.functional.normalize(torch.linalg.cross(forward, up), dim=0)
    return torch.stack((right, torch.linalg.cross(forward, right), forward))


def _random_camera(name: str, azimuth: float, image_size: ImageSize, generator: torch.Generator) -> Camera:
    u = (2 * torch.rand(10, generator=generator, dtype=torch.float64) - 1).tolist()  # each -1 to 1
    angle, radius, height = azimuth + 0.25 * u[0], 5000 + 1500 * u[1], 1800 + 1200 * u[2]
    center = torch.tensor((radius * math.cos(angle), radius * math.sin(angle), height), dtype=torch.float64)
    target = torch.tensor((100 * u[3], 100 * u[4], _LOOK_AT_HEIGHT_MM), dtype=torch.float64)
    focal = min(image_size) * float(torch.linalg.vector_norm(target - center)) / _FIELD_MM
    rotation = look_at(center, target)
    px_from_cam = torch.tensor(
        (
            (focal, 0.0, image_size[1] * (0.5 + 0.02 * u[5]) - 0.5),
            (0.0, focal * (1 + 0.005 * u[6]), image_size[0] * (0.5 + 0.02 * u[7]) - 0.5),
            (0.0, 0.0, 1.0),
        ),
        dtype=torch.float64,
    )
    lens = Distortion("brown_conrady", (-0.12 + 0.1 * u[8], 0.1 + 0.08 * u[9], 0.001 * u[0], 0.001 * u[1]))
    return Camera(name, image_size, px_from_cam, rotation, -rotation @ center, lens)


def _camera(name: str, entry: _Entry) -> Camera:
    center = torch.tensor(entry.center, dtype=torch.float64)
    rotation = _rotation_from_vector(torch.tensor(entry.rotation_vector, dtype=torch.float64))
    (fx, fy), (cx, cy) = entry.focal, entry.principal
    px_from_cam = torch.tensor(((fx, 0.0, cx), (0.0, fy, cy), (0.0, 0.0, 1.0)), dtype=torch.float64)
    lens = Distortion("brown_conrady", entry.distortion)
    return Camera(name, entry.image_size, px_from_cam, rotation, -rotation @ center, lens)


def _rotation_from_vector(vector: Tensor) -> Tensor:
    x, y, z = vector.tolist()
    skew = torch.tensor(((0.0, -z, y), (z, 0.0, -x), (-y, x, 0.0)), dtype=torch.float64)
    rotation: Tensor = torch.linalg.matrix_exp(skew)
    return rotation


def _moved_and_scaled(camera: Camera, scale: float) -> Camera:
    height, width = (2 * round(side * scale / 2) for side in camera.image_size)
    if min(height, width) < _SMALLEST_PX:
        raise ConfigError(f"rig: expected pictures of {_SMALLEST_PX} pixels a side or more, got {width} x {height}")
    ratio_y, ratio_x = height / camera.image_size[0], width / camera.image_size[1]
    # Pixel centres lie at whole numbers, so that x + 0.5 is what scales: as `rescale_pixels` does it.
    resized_from_px = torch.tensor(
        ((ratio_x, 0.0, (ratio_x - 1) / 2), (0.0, ratio_y, (ratio_y - 1) / 2), (0.0, 0.0, 1.0)), dtype=torch.float64
    )
    stage = torch.tensor((*STAGE_MM, 0.0), dtype=torch.float64)
    return replace(
        camera,
        image_size=(height, width),
        px_from_cam=resized_from_px @ camera.px_from_cam,
        translation=camera.translation + camera.rotation @ stage,
    )
