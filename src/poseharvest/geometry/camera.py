"""Cameras: perspective with lens distortion, affine, and cameras that move from frame to frame.

Conventions (docs/conventions.md): right-handed; camera x right, y down, z forward; ``x_cam = R @ x_world + t``; the
world is in millimetres; pixel (0, 0) is the *centre* of the top-left pixel; sizes are (height, width), points (x, y).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poseharvest.arrays import ImageSize
from poseharvest.checks import check_shape
from poseharvest.errors import CalibrationError
from poseharvest.geometry.distortion import Distortion

_ROTATION_TOLERANCE = 1e-3
MIN_DEPTH_MM = 1.0
"""Smallest depth at which a perspective camera sees a point, mm."""


@dataclass(frozen=True)
class Projection:
    """The positions of points in a picture.

    Attributes:
        pixels: (..., 2) x, y. Finite everywhere, meaningless where not `valid`.
        valid: (...) bool: in front of the camera and inside the range of its distortion model. A valid point may
            still lie outside the picture.
    """

    pixels: Tensor
    valid: Tensor


class CameraModel(Protocol):
    """The interface of a camera, which may move from frame to frame."""

    @property
    def name(self) -> str:
        """The view's name."""
        ...

    @property
    def image_size(self) -> ImageSize:
        """(height, width) of its pictures."""
        ...

    def at(self, frame: int) -> StaticCamera:
        """Return the camera of one `frame`, from 0."""
        ...


class StaticCamera(CameraModel, Protocol):
    """A camera at one moment."""

    def project(self, points: Tensor) -> Projection:
        """Return the pixels of the world points (..., 3), mm, in the distorted picture."""
        ...

    def pixel_rays(self, pixels: Tensor) -> Rays:
        """Return the world rays through the pixels (..., 2) of the distorted picture."""
        ...


@dataclass(frozen=True)
class Rays:
    """Half lines in the world.

    Attributes:
        origin: (..., 3) mm.
        direction: (..., 3) unit vectors.
        valid: (...) bool, False where the distortion model has no ray for the pixel.
    """

    origin: Tensor
    direction: Tensor
    valid: Tensor


@dataclass(frozen=True, eq=False)
class Camera:
    """A perspective camera with lens distortion.

    Attributes:
        name: the view's name.
        image_size: (height, width) of its pictures, pixels.
        px_from_cam: (3, 3) intrinsic matrix, last row (0, 0, 1).
        rotation: (3, 3) R of ``x_cam = R @ x_world + t``.
        translation: (3,) t, millimetres.
        distortion: the lens.
        viewing_turn: turn of the pictures for viewing, in degrees clockwise (0, 90, 180 or 270), as the calibration
            file states it. Projection gives pixels of the pictures before this turn.

    Raises:
        CalibrationError: a matrix holds NaN, is not a rotation, or is not an intrinsic matrix.
    """

    name: str
    image_size: ImageSize
    px_from_cam: Tensor
    rotation: Tensor
    translation: Tensor
    distortion: Distortion = field(default_factory=Distortion)
    viewing_turn: int = 0

    def __post_init__(self) -> None:
        check_shape(f'camera "{self.name}": px_from_cam', self.px_from_cam, "3 3")
        check_shape(f'camera "{self.name}": rotation', self.rotation, "3 3")
        check_shape(f'camera "{self.name}": translation', self.translation, "3")
        for part in ("px_from_cam", "rotation", "translation"):
            if not bool(torch.isfinite(getattr(self, part)).all()):
                raise CalibrationError(f'camera "{self.name}": {part} must be finite, got NaN or infinity')
        self._check_intrinsics()
        self._check_rotation()

    def _check_intrinsics(self) -> None:
        last = self.px_from_cam[2].tolist()
        if last != [0.0, 0.0, 1.0]:
            raise CalibrationError(f'camera "{self.name}": the last row of K must be (0, 0, 1), got {tuple(last)}')
        focal = (float(self.px_from_cam[0, 0]), float(self.px_from_cam[1, 1]))
        if min(focal) <= 0:
            raise CalibrationError(f'camera "{self.name}": focal lengths must be positive, got {focal}')
        if min(self.image_size) <= 0:
            raise CalibrationError(f'camera "{self.name}": image size must be positive, got {self.image_size}')

    def _check_rotation(self) -> None:
        r = self.rotation.double()
        off = float((r @ r.T - torch.eye(3, dtype=r.dtype, device=r.device)).abs().max())
        det = float(torch.linalg.det(r))
        if off > _ROTATION_TOLERANCE or abs(det - 1) > _ROTATION_TOLERANCE:
            raise CalibrationError(
                f'camera "{self.name}": rotation must be orthonormal with determinant 1, '
                f"got |R R^T - I| = {off:.2g} and det {det:.3f}"
            )

    @cached_property
    def center(self) -> Tensor:
        """(3,) position of the optical centre in the world, mm."""
        return -self.rotation.T @ self.translation

    @cached_property
    def row(self) -> NDArray[np.float64]:
        """(31,) float64 the camera as numbers: see `projection_loops.project_points`."""
        lens = (*self.distortion.coefficients, *[0.0] * 12)[:12]
        parts = (self.rotation, self.translation, self.px_from_cam[:2])
        numbers = [number for part in parts for number in part.flatten().tolist()]
        return np.array([*numbers, *lens, self.distortion.max_radius])

    def at(self, frame: int) -> Camera:
        """Return itself: this camera does not move."""
        return self

    def project(self, points: Tensor) -> Projection:
        """Return where the world points (..., 3), mm, appear in the distorted picture.

        Points behind the camera, or at a depth below 1 mm, are marked as not valid. They are never divided by a number
        near zero.
        """
        # Coordinate by coordinate: a matrix product with few columns takes ten times as long as one with few rows.
        rotation, k = self.rotation.to(points), self.px_from_cam.to(points)
        cam = torch.addmm(self.translation.to(points)[:, None], rotation, points.reshape(-1, 3).T)
        cam = cam.reshape(3, *points.shape[:-1])
        in_front = cam[2] > MIN_DEPTH_MM
        distorted = self.distortion.distort((cam[:2] / cam[2].clamp_min(MIN_DEPTH_MM)).movedim(0, -1))
        pixels = torch.addmm(k[:2, 2:], k[:2, :2], distorted.points.movedim(-1, 0).reshape(2, -1))
        return Projection(pixels.T.reshape(*points.shape[:-1], 2), in_front & distorted.valid)

    def pixel_rays(self, pixels: Tensor) -> Rays:
        """Return the rays from the optical centre through the pixels (..., 2) of the distorted picture."""
        k = self.px_from_cam.to(pixels)
        undistorted = self.distortion.undistort((pixels - k[:2, 2]) @ torch.linalg.inv(k[:2, :2]).T)
        direction_cam = torch.cat((undistorted.points, torch.ones_like(pixels[..., :1])), -1)
        direction = torch.nn.functional.normalize(direction_cam, dim=-1) @ self.rotation.to(pixels)
        return Rays(self.center.to(pixels).expand_as(direction), direction, undistorted.valid)


@dataclass(frozen=True, eq=False)
class AffineCamera:
    """An affine camera, as in KTH Multiview Football II: it is far away, so depth does not change the scale.

    Attributes:
        name: the view's name.
        image_size: (height, width) of its pictures, pixels.
        px_from_world: (2, 4) maps (x, y, z, 1) in mm to pixels.
    """

    name: str
    image_size: ImageSize
    px_from_world: Tensor

    def __post_init__(self) -> None:
        check_shape(f'camera "{self.name}": px_from_world', self.px_from_world, "2 4")
        if not bool(torch.isfinite(self.px_from_world).all()):
            raise CalibrationError(f'camera "{self.name}": px_from_world must be finite, got NaN or infinity')
        if int(torch.linalg.matrix_rank(self.px_from_world[:, :3].double())) < 2:
            raise CalibrationError(f'camera "{self.name}": px_from_world must have rank 2: it maps space onto a line')

    def at(self, frame: int) -> AffineCamera:
        """Return itself: this camera does not move."""
        return self

    def project(self, points: Tensor) -> Projection:
        """Return where the world points (..., 3), mm, appear. Every point is in front of an affine camera."""
        m = self.px_from_world.to(points)
        return Projection(points @ m[:, :3].T + m[:, 3], torch.ones_like(points[..., 0], dtype=torch.bool))

    def pixel_rays(self, pixels: Tensor) -> Rays:
        """Return the parallel lines of sight of the pixels (..., 2)."""
        m = self.px_from_world.to(pixels)
        linear = m[:, :3]
        origin = (pixels - m[:, 3]) @ torch.linalg.pinv(linear).T
        direction = torch.linalg.cross(linear[0], linear[1])
        direction = torch.nn.functional.normalize(direction, dim=0).expand_as(origin)
        return Rays(origin, direction, torch.ones_like(pixels[..., 0], dtype=torch.bool))


@dataclass(frozen=True, eq=False)
class MovingCamera:
    """A camera whose parameters change from frame to frame.

    Attributes:
        name: the view's name.
        frames: one static camera per frame, all with the same image size.
    """

    name: str
    frames: tuple[StaticCamera, ...]

    def __post_init__(self) -> None:
        if not self.frames:
            raise CalibrationError(f'camera "{self.name}": a moving camera needs at least one frame')
        sizes = {camera.image_size for camera in self.frames}
        if len(sizes) > 1:
            raise CalibrationError(f'camera "{self.name}": all frames must have one image size, got {sorted(sizes)}')

    @property
    def image_size(self) -> ImageSize:
        """(height, width) of its pictures."""
        return self.frames[0].image_size

    def at(self, frame: int) -> StaticCamera:
        """Return the camera of `frame`.

        Raises:
            CalibrationError: the calibration has no camera for this frame.
        """
        if not 0 <= frame < len(self.frames):
            raise CalibrationError(
                f'camera "{self.name}": expected a frame of 0 to {len(self.frames) - 1}, got {frame}: '
                "the calibration of this moving camera ends before its footage"
            )
        return self.frames[frame]
