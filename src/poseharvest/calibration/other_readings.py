"""Cameras whose poses were written in another convention: the same numbers, read as some tools mean them.

Read as ``x_cam = R @ x_world + t``, such cameras stand and look where they like. Read in the right way, all of them
look at one place in front of them. Only where the first is bad and the second is good is a convention named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import torch
from torch import Tensor

from poseharvest.geometry.camera import Camera

_MIN_AXIS_SPREAD = 1e-4  # smallest eigenvalue per camera: axes within about 1 degree of each other are parallel
_WELL_SPREAD = 0.02  # axes that differ by some 20 degrees: only then is it telling that they meet in front
_GOOD_MISS_SHARE = 0.2
_ONE_PLACE_MM, _ONE_TURN = 1e-6, 1e-9
_FLIP = torch.diag(torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64))


@dataclass(frozen=True, eq=False)
class CommonPoint:
    """The point nearest to the optical axes of all cameras.

    Attributes:
        point: (3,) mm.
        depths: (V,) how far in front of each camera it lies, mm; negative behind it.
        miss_shares: (V,) its distance from each axis as a share of its distance from the camera.
        spread: smallest eigenvalue per camera; 0 if all axes are parallel.
    """

    point: Tensor
    depths: Tensor
    miss_shares: Tensor
    spread: float

    @property
    def is_good(self) -> bool:
        """All cameras look at it from in front, and from directions that differ."""
        in_front = bool((self.depths > 0).all())
        return in_front and self.spread > _WELL_SPREAD and float(self.miss_shares.max()) < _GOOD_MISS_SHARE


def common_point(cameras: Sequence[Camera]) -> CommonPoint | None:
    """Return the point nearest to all optical axes, None if they are parallel."""
    centers = torch.stack([camera.center.double() for camera in cameras])
    axes = torch.stack([camera.rotation[2].double() for camera in cameras])
    across = torch.eye(3, dtype=torch.float64) - axes.unsqueeze(-1) * axes.unsqueeze(-2)
    normal = across.sum(0)
    spread = float(torch.linalg.eigvalsh(normal)[0]) / len(cameras)
    if spread < _MIN_AXIS_SPREAD:
        return None
    point = torch.linalg.solve(normal, (across @ centers.unsqueeze(-1)).sum(0)).squeeze(-1)
    misses = torch.linalg.vector_norm((across @ (point - centers).unsqueeze(-1)).squeeze(-1), dim=-1)
    distances = torch.linalg.vector_norm(point - centers, dim=-1).clamp_min(1e-9)
    return CommonPoint(point, ((point - centers) * axes).sum(-1), misses / distances, spread)


def have_one_pose(first: Camera, second: Camera) -> bool:
    """Return whether two cameras stand at one place and look in one direction."""
    apart = float((first.center.double() - second.center.double()).norm())
    turned = float((first.rotation.double() - second.rotation.double()).abs().max())
    return apart < _ONE_PLACE_MM and turned < _ONE_TURN


def _posed(camera: Camera, rotation: Tensor, translation: Tensor) -> Camera:
    return replace(camera, rotation=rotation.contiguous(), translation=translation.contiguous())


def _from_center(camera: Camera) -> Camera:
    rotation = camera.rotation.double()
    return _posed(camera, rotation, -rotation @ camera.translation.double())


def _from_inverse(camera: Camera) -> Camera:
    rotation = camera.rotation.double().T
    return _posed(camera, rotation, -rotation @ camera.translation.double())


def _from_opengl(camera: Camera) -> Camera:
    return _posed(camera, _FLIP @ camera.rotation.double(), _FLIP @ camera.translation.double())


def _from_turned_rotation(camera: Camera) -> Camera:
    return _posed(camera, camera.rotation.double().T, camera.translation.double())


READINGS: Mapping[str, Callable[[Camera], Camera]] = MappingProxyType({
    "its translations are the cameras' centres (write t = -R C)": _from_center,
    "its poses are those of the cameras in the world, the inverse (write R' = R^T and t' = -R^T t)": _from_inverse,
    "its cameras look along -z with y up, as in OpenGL (change the signs of rows 2 and 3 of R and t)": _from_opengl,
    "its poses are those of the cameras in the world, the inverse, with y up, as in OpenGL and Blender (invert them, "
    "then change the sign of rows two and three)": lambda camera: _from_opengl(_from_inverse(camera)),
    "its translations are the cameras' centres and its cameras look along -z with y up": lambda camera: _from_opengl(
        _from_center(camera)
    ),
    "its rotations are inverted (write R^T)": _from_turned_rotation,
})
"""What a file may mean instead, with what to write, and the camera in our convention that was meant."""


def other_reading(cameras: Sequence[Camera]) -> str | None:
    """Return what the poses mean if that makes all cameras look at one place; None if nothing explains them."""
    found: dict[str, float] = {}
    for meaning, read in READINGS.items():
        meant = common_point([read(camera) for camera in cameras])
        if meant is not None and meant.is_good:
            found[meaning] = float(meant.miss_shares.max())
    return min(found, key=lambda meaning: found[meaning]) if found else None
