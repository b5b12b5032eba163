"""A rig: the cameras of a capture, in a fixed order, with unique names; and what several cameras see of a point.

The size of a pixel in the world is given across the line of sight of one camera, and in depth for several.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poseharvest.errors import CalibrationError, ShapeError
from poseharvest.geometry.camera import MIN_DEPTH_MM, Camera, CameraModel, Projection, StaticCamera

LENSES: Final = {"none": 0, "brown_conrady": 1, "fisheye": 2}
"""Number of each kind of lens in `projection_loops`."""


@dataclass(frozen=True, eq=False)
class Rig:
    """The cameras of a capture.

    Attributes:
        cameras: in view order; names are unique.
    """

    cameras: tuple[CameraModel, ...]

    def __post_init__(self) -> None:
        repeated = sorted({name for name in self.names if self.names.count(name) > 1})
        if repeated:
            raise CalibrationError(f"rig: camera names must be unique, got twice: {', '.join(repeated)}")

    def __len__(self) -> int:
        return len(self.cameras)

    def __iter__(self) -> Iterator[CameraModel]:
        return iter(self.cameras)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the views, in order."""
        return tuple(camera.name for camera in self.cameras)

    def camera(self, name: str) -> CameraModel:
        """Return the camera called `name`.

        Raises:
            CalibrationError: there is no such camera; the message lists the known names.
        """
        for camera in self.cameras:
            if camera.name == name:
                return camera
        raise CalibrationError(f'rig: expected one of {", ".join(self.names)}, got "{name}"')

    def subset(self, names: Sequence[str]) -> Rig:
        """Return the rig of the named cameras, in the order given."""
        return Rig(tuple(self.camera(name) for name in names))

    def at(self, frame: int) -> tuple[StaticCamera, ...]:
        """Return the camera of every view in `frame`, from 0."""
        return tuple(camera.at(frame) for camera in self.cameras)


def project_all(cameras: Sequence[StaticCamera], points: Tensor) -> Projection:
    """Return the projection of world points (..., 3), mm, into V cameras: pixels (V, ..., 2), valid (V, ...)."""
    return project_each(cameras, points.unsqueeze(0))


def project_each(cameras: Sequence[StaticCamera], points: Tensor) -> Projection:
    """Return the projection of points (V, ..., 3), mm, of V cameras, each into its own: (V, ..., 2), (V, ...).

    Points (1, ..., 3) are those of all cameras.

    Raises:
        ShapeError: there are more or fewer sets of points than cameras.
    """
    if len(points) not in {1, len(cameras)}:
        raise ShapeError(f"points: expected those of {len(cameras)} cameras, got those of {len(points)}")
    is_plain = points.dtype == torch.float64 and points.device.type == "cpu" and not points.requires_grad
    if is_plain and cameras and all(isinstance(camera, Camera) for camera in cameras):
        return _project_in_loops(cameras, points)
    own = points if len(points) == len(cameras) else points.expand(len(cameras), *points.shape[1:])
    parts = [camera.project(one) for camera, one in zip(cameras, own, strict=True)]
    return Projection(torch.stack([p.pixels for p in parts]), torch.stack([p.valid for p in parts]))


@dataclass(frozen=True, eq=False)
class CameraTable:
    """V perspective cameras as numbers for `projection_loops.project_points`.

    Attributes:
        rows: (V, 31) float64.
        lenses: (V,) kind of each lens.
    """

    rows: NDArray[np.float64]
    lenses: NDArray[np.int64]


def camera_table(cameras: Sequence[StaticCamera]) -> CameraTable:
    """Return V perspective cameras as numbers.

    Raises:
        CalibrationError: one of them is of another kind.
    """
    return _camera_table(tuple(cameras))


@lru_cache(maxsize=64)
def _camera_table(cameras: tuple[StaticCamera, ...]) -> CameraTable:
    for camera in cameras:
        if not isinstance(camera, Camera):
            raise CalibrationError(f'camera "{camera.name}": expected a perspective one, got {type(camera).__name__}')
    perspective = cast("tuple[Camera, ...]", cameras)
    rows = np.stack([camera.row for camera in perspective])
    return CameraTable(rows, np.array([LENSES[camera.distortion.model] for camera in perspective]))


def _project_in_loops(cameras: Sequence[StaticCamera], points: Tensor) -> Projection:
    from poseharvest.geometry.projection_loops import project_points

    shape = (len(cameras), *points.shape[1:-1])
    flat = points.reshape(len(points), -1, 3).contiguous().numpy()
    pixels, valid = np.empty((len(cameras), flat.shape[1], 2)), np.empty((len(cameras), flat.shape[1]), np.bool_)
    table = camera_table(cameras)
    project_points(table.rows, table.lenses, MIN_DEPTH_MM, flat, pixels, valid)
    return Projection(torch.from_numpy(pixels).reshape(*shape, 2), torch.from_numpy(valid).reshape(shape))


def inside_image(pixels: Tensor, image_size: tuple[int, int] | tuple[Tensor, Tensor]) -> Tensor:
    """Return (...) bool: True where the pixels (..., 2) lie in the picture, outer pixels included entirely.

    Args:
        pixels: x, y.
        image_size: height and width, for all pixels or (...) for each.
    """
    height, width = image_size
    x, y = pixels.unbind(-1)
    return (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)


@dataclass(frozen=True)
class PixelError:
    """The uncertainty of a triangulated point when every view has an error of one pixel.

    Attributes:
        worst_mm: standard deviation along the least certain direction, usually depth, mm.
        best_mm: standard deviation along the most certain direction, mm.
        widest_angle_deg: largest angle between the lines of sight of two views at the point, degrees.
        views: number of views that see the point.
    """

    worst_mm: float
    best_mm: float
    widest_angle_deg: float
    views: int


def pixels_per_mm(camera: StaticCamera, point: Tensor) -> float:
    """Return what `all_pixels_per_mm` does, of one camera."""
    return float(all_pixels_per_mm([camera], point)[0])


def all_pixels_per_mm(cameras: Sequence[StaticCamera], point: Tensor) -> Tensor:
    """Return (V,) the pixels per millimetre across each camera's line of sight, at the world point (3,), mm.

    It is the root mean square over the two directions of the picture. NaN where the projection is not valid.
    """
    steps, is_valid = _pixels_of_steps(cameras, point)
    return torch.where(is_valid, (steps.square().sum((1, 2)) / 2).sqrt(), torch.nan)


def pixel_error(cameras: Sequence[StaticCamera], point: Tensor) -> PixelError | None:
    """Return the uncertainty at the world point (3,), mm, for an error of one pixel in every view.

    The errors of the views are independent, with a standard deviation of one pixel in x and in y. The covariance of the
    point is then the inverse of the sum of J^T J, where J is the Jacobian of a view's projection.

    Returns:
        the error; None if fewer than two views see the point or their lines of sight coincide.
    """
    steps, is_valid = _pixels_of_steps(cameras, point)
    if int(is_valid.sum()) < 2:
        return None
    jacobians = steps[is_valid].double()  # (V, 3, 2): one row per axis of the world
    information = torch.linalg.eigvalsh((jacobians @ jacobians.mT).sum(0))
    if not bool(information[0] > torch.finfo(torch.float64).eps * information[-1]):
        return None
    sights = torch.linalg.cross(jacobians[..., 0], jacobians[..., 1], dim=-1)
    sights = torch.nn.functional.normalize(sights, dim=-1)
    cosines = (sights @ sights.T).abs().clamp(max=1)
    worst, best = (float(information[i].rsqrt()) for i in (0, -1))
    return PixelError(worst, best, float(torch.rad2deg(torch.acos(cosines.min()))), len(jacobians))


def _pixels_of_steps(cameras: Sequence[StaticCamera], point: Tensor) -> tuple[Tensor, Tensor]:
    """Return (V, 3, 2) pixel displacements for steps of 1 mm along the world axes, and (V,) bool whether valid."""
    ahead = torch.eye(3, dtype=point.dtype)
    projection = project_all(cameras, torch.cat((point + ahead, point - ahead)))
    return (projection.pixels[:, :3] - projection.pixels[:, 3:]) / 2, projection.valid.all(1)
