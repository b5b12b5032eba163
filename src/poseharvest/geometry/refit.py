"""The camera of pictures that were turned by quarter turns or resized after the calibration.

The camera keeps its place. A turn of the picture is a turn about the line of sight, so the rotation matrix is turned
too. The tangential part of the lens distortion has a direction and is turned as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from poseharvest.arrays import ImageSize
from poseharvest.errors import CalibrationError
from poseharvest.geometry.camera import AffineCamera, Camera, CameraModel, MovingCamera, StaticCamera
from poseharvest.geometry.crop import rescale_pixels
from poseharvest.geometry.distortion import Distortion

QUARTER_TURNS = (0, 90, 180, 270)
"""The possible turns of a picture, degrees clockwise."""

_LENS_VECTORS = ((3, 2), (8, 10), (9, 11))
"""Index pairs (x, y) of the Brown-Conrady coefficients of the tangential part and of the thin prism."""

_COSINE_SINE = {0: (1.0, 0.0), 90: (0.0, 1.0), 180: (-1.0, 0.0), 270: (0.0, -1.0)}


def turned_size(size: ImageSize, degrees: int) -> ImageSize:
    """Return the (height, width) of a picture after it is turned by 0, 90, 180 or 270 degrees."""
    return (size[1], size[0]) if degrees in {90, 270} else size


def scaled_size(size: ImageSize, factor: float) -> ImageSize:
    """Return the (height, width) of a picture after it is resized: the nearest whole pixels, at least one."""
    return (max(1, round(size[0] * factor)), max(1, round(size[1] * factor)))


def turned_camera(camera: CameraModel, degrees: int) -> CameraModel:
    """Return the camera of the same pictures turned clockwise by 0, 90, 180 or 270 degrees.

    Raises:
        CalibrationError: another angle, or a kind of camera that the package does not know.
    """
    if degrees not in _COSINE_SINE:
        raise CalibrationError(f'camera "{camera.name}": expected a turn of 0, 90, 180 or 270 degrees, got {degrees}')
    return camera if degrees == 0 else _each_frame(camera, lambda one: _turned(one, degrees))


def scaled_camera(camera: CameraModel, factor: float) -> CameraModel:
    """Return the camera of the same pictures resized by a factor, 0.5 for half as wide and high.

    Pixel centres keep their place in the picture: at a factor of 0.5, pixel 0 becomes pixel -0.25.

    Raises:
        CalibrationError: the factor is not positive, or it is a kind of camera that the package does not know.
    """
    if not factor > 0:
        raise CalibrationError(f'camera "{camera.name}": expected a positive scale, got {factor}')
    return camera if factor == 1 else _each_frame(camera, lambda one: _scaled(one, factor))


def _each_frame(camera: CameraModel, change: Callable[[StaticCamera], StaticCamera]) -> CameraModel:
    if isinstance(camera, MovingCamera):
        return MovingCamera(camera.name, tuple(change(frame) for frame in camera.frames))
    return change(camera.at(0))


def _turned(camera: StaticCamera, degrees: int) -> StaticCamera:
    cosine, sine = _COSINE_SINE[degrees]
    turn = torch.tensor([[cosine, -sine], [sine, cosine]], dtype=torch.float64)
    height, width = camera.image_size
    # The position of the original pixel (0, 0) in the turned picture.
    zero = {90: (height - 1, 0), 180: (width - 1, height - 1), 270: (0, width - 1)}[degrees]
    moved, size = torch.tensor(zero, dtype=torch.float64), turned_size(camera.image_size, degrees)
    if isinstance(camera, AffineCamera):
        px_from_world = turn @ camera.px_from_world.double()
        px_from_world[:, 3] += moved
        return replace(camera, image_size=size, px_from_world=px_from_world)
    if not isinstance(camera, Camera):
        raise _unknown(camera)
    whole = torch.eye(3, dtype=torch.float64)
    whole[:2, :2] = turn
    px_from_cam = whole @ camera.px_from_cam.double() @ whole.T
    px_from_cam[:2, 2] += moved
    return replace(
        camera,
        image_size=size,
        px_from_cam=px_from_cam,
        rotation=whole @ camera.rotation.double(),
        translation=whole @ camera.translation.double(),
        distortion=_turned_lens(camera.distortion, turn),
    )


def _turned_lens(lens: Distortion, turn: Tensor) -> Distortion:
    """Return the lens turned: the radial part stays, and (p2, p1), (s1, s3) and (s2, s4) turn as vectors."""
    if lens.model != "brown_conrady":
        return lens
    turned = list(lens.coefficients)
    for x, y in _LENS_VECTORS:
        if y < len(turned) or x < len(turned):
            vector = torch.tensor([turned[x], turned[y]], dtype=torch.float64)
            turned[x], turned[y] = (turn @ vector).tolist()
    return replace(lens, coefficients=tuple(turned))


def _scaled(camera: StaticCamera, factor: float) -> StaticCamera:
    size = scaled_size(camera.image_size, factor)
    # The factor is exact although the size is rounded: an odd edge loses half a pixel, the rest keeps its scale.
    zero = rescale_pixels(torch.zeros(2, dtype=torch.float64), (1, 1), (factor, factor))
    if isinstance(camera, AffineCamera):
        px_from_world = camera.px_from_world.double() * factor
        px_from_world[:, 3] += zero
        return replace(camera, image_size=size, px_from_world=px_from_world)
    if not isinstance(camera, Camera):
        raise _unknown(camera)
    px_from_cam = camera.px_from_cam.double().clone()
    px_from_cam[:2] *= factor
    px_from_cam[:2, 2] += zero
    return replace(camera, image_size=size, px_from_cam=px_from_cam)


def _unknown(camera: StaticCamera) -> CalibrationError:
    return CalibrationError(f'camera "{camera.name}": expected a known kind of camera, got {type(camera).__name__}')
