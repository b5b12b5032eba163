"""Detection of poses in another convention, from the directions in which the cameras look.

If such poses are read as ``x_cam = R @ x_world + t``, the cameras do not look at a common place. In the right
convention, all of them look at one place in front of them. A convention is suggested only if the first is bad and the
second is good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import torch
from torch import Tensor

from poseharvest.geometry.camera import Camera

_MIN_AXIS_SPREAD = 1e-4  # smallest eigenvalue per camera: axes within about 1 degree of each other are parallel
_WELL_SPREAD = 0.02  # axes that differ by about 20 degrees: only then a common place in front is significant
_GOOD_MISS_SHARE = 0.2
_ONE_PLACE_MM, _ONE_TURN = 1e-6, 1e-9
_FLIP = torch.diag(torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64))


@dataclass(frozen=True, eq=False)
class CommonPoint:
    """The point nearest to the optical axes of all cameras.

    Attributes:
        point: (3,) mm.
        depths: (V,) depth of the point in each camera, mm; negative behind the camera.
        miss_shares: (V,) distance of the point from each axis, divided by its distance from the camera.
        spread: smallest eigenvalue per camera; 0 if all axes are parallel.
    """

    point: Tensor
    depths: Tensor
    miss_shares: Tensor
    spread: float

    @property
    def is_good(self) -> bool:
        """True if the point is in front of all cameras, and their directions differ."""
        in_front = bool((self.depths > 0).all())
        return in_front and self.spread > _WELL_SPREAD and float(self.miss_shares.max()) < _GOOD_MISS_SHARE


def common_point(cameras: Sequence[Camera]) -> CommonPoint | None:
    """Return the point nearest to all optical axes; None if they are parallel."""
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
    """Return whether two cameras have the same place and direction."""
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
"""Other conventions: a description with advice, and the conversion of a camera to our convention."""


def other_reading(cameras: Sequence[Camera]) -> str | None:
    """Return the convention in which all cameras look at one place; None if there is none."""
    misses: dict[str, float] = {}
    for meaning, convert in READINGS.items():
        point = common_point([convert(camera) for camera in cameras])
        if point is not None and point.is_good:
            misses[meaning] = float(point.miss_shares.max())
    return min(misses, key=lambda meaning: misses[meaning]) if misses else None
