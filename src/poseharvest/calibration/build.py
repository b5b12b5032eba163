"""From the numbers of a calibration file to cameras, and back: checked once, here, for every format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.arrays import ImageSize
from poseharvest.calibration.names import match_names
from poseharvest.errors import CalibrationError, FormatError
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.distortion import Distortion
from poseharvest.geometry.rig import Rig
from poseharvest.units import LengthUnit

Numbers = NDArray[np.float64]

_PRINTED_ROTATION_ERROR = 1e-3


@dataclass(frozen=True)
class ReadOptions:
    """What a calibration file may leave open.

    Attributes:
        unit: the file's unit of length; None takes the format's own (see `registry.FORMATS`).
        subject: which subject's extrinsics, in files that hold several.
        camera_type: which type of camera, in files that hold several ("hd", "vga", "kinect-color" or "all").
        image_sizes: (height, width) of the footage by its name, for files that do not state the pictures' size.
    """

    unit: LengthUnit | None = None
    subject: str | None = None
    camera_type: str | None = None
    image_sizes: Mapping[str, ImageSize] | None = None


@dataclass(frozen=True)
class CameraNumbers:
    """One perspective camera as its file states it.

    Attributes:
        name: the camera's name.
        image_size: (height, width), None where the file does not say.
        matrix: intrinsic matrix, 9 numbers.
        rotation: R of ``x_cam = R @ x_world + t``: a Rodrigues vector of 3 numbers or a matrix of 9.
        translation: t, 3 numbers in the file's unit.
        coefficients: lens distortion in OpenCV's order.
        fisheye: the coefficients are of the fisheye model.
        viewing_turn: degrees clockwise by which the pictures are turned to be looked at (`Camera.viewing_turn`).
    """

    name: str
    image_size: ImageSize | None
    matrix: Any
    rotation: Any
    translation: Any
    coefficients: Any
    fisheye: bool = False
    viewing_turn: int = 0


def build_rig(cameras: Iterable[CameraNumbers], where: str, mm_per_unit: float, options: ReadOptions) -> Rig:
    """Return the rig of the cameras, in mm.

    Raises:
        FormatError: something is missing or not a number.
        CalibrationError: a camera is geometrically impossible, or the pictures' size is unknown.
    """
    cameras = tuple(cameras)
    unsized = [camera.name for camera in cameras if camera.image_size is None]
    sizes = _sizes_from_footage(unsized, where, options.image_sizes) if unsized else {}
    try:
        return Rig(tuple(_build(c, c.image_size or sizes[c.name], mm_per_unit) for c in cameras))
    except (CalibrationError, FormatError) as error:
        raise type(error)(f"{where}: {error}") from error


def _sizes_from_footage(
    names: list[str], where: str, image_sizes: Mapping[str, ImageSize] | None
) -> dict[str, ImageSize]:
    if image_sizes is None:
        raise CalibrationError(
            f"{where}: the size of the pictures is not in the file (cameras {', '.join(names)}): "
            "expected it from the footage (image_sizes), got none"
        )
    return {name: image_sizes[footage] for name, footage in match_names(names, list(image_sizes)).items()}


def _build(camera: CameraNumbers, image_size: ImageSize, mm_per_unit: float) -> Camera:
    what = f'camera "{camera.name}"'
    matrix = numbers(camera.matrix, (3, 3), f"{what}: intrinsic matrix")
    rotation = rotation_matrix(camera.rotation, f"{what}: rotation")
    translation = numbers(camera.translation, (3,), f"{what}: translation") * mm_per_unit
    try:
        lens = lens_from_coefficients(camera.coefficients, fisheye=camera.fisheye)
    except (CalibrationError, FormatError) as error:
        raise type(error)(f"{what}: {error}") from error
    return Camera(
        name=camera.name,
        image_size=image_size,
        px_from_cam=torch.from_numpy(matrix),
        rotation=torch.from_numpy(rotation),
        translation=torch.from_numpy(translation),
        distortion=lens,
        viewing_turn=camera.viewing_turn,
    )


def numbers(value: object, shape: tuple[int, ...], what: str) -> Numbers:
    """Return `value`, nested lists or an array, as float64 of `shape`; the nesting itself may differ.

    Raises:
        FormatError: it is missing, not numbers, or not as many as `shape` holds.
    """
    wanted = " x ".join(map(str, shape))
    if value is None:
        raise FormatError(f"{what}: expected {wanted} numbers, got nothing")
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise FormatError(f"{what}: expected {wanted} numbers, got {str(value)[:60]!r}") from error
    if array.size != np.prod(shape):
        raise FormatError(f"{what}: expected {wanted} numbers, got shape {array.shape}")
    return array.reshape(shape)


def rotation_matrix(value: object, what: str) -> Numbers:
    """Return the (3, 3) rotation given as a Rodrigues vector or as a matrix.

    A matrix that was printed with few digits is replaced by the nearest rotation; one further off is returned as it
    is, for `Camera` to refuse.
    """
    if value is not None and np.size(np.asarray(value, dtype=object)) == 3:
        return np.asarray(cv2.Rodrigues(numbers(value, (3,), what))[0], dtype=np.float64)
    matrix = numbers(value, (3, 3), what)
    if not np.isfinite(matrix).all() or np.abs(matrix @ matrix.T - np.eye(3)).max() > _PRINTED_ROTATION_ERROR:
        return matrix
    left, _, right = np.linalg.svd(matrix)
    return np.asarray(left @ right, dtype=np.float64)


def lens_from_coefficients(value: object, *, fisheye: bool = False) -> Distortion:
    """Return the lens with the coefficients `value`, filled up with zeros to a length that its model has.

    Raises:
        FormatError: they are missing or not numbers.
        CalibrationError: there are more than the model has (tilted and thin prism lenses are not supported).
    """
    if value is None:
        raise FormatError("distortion: expected numbers, got nothing")
    try:
        given = np.array(value, dtype=np.float64).reshape(-1).tolist()
    except (TypeError, ValueError) as error:
        raise FormatError(f"distortion: expected numbers, got {str(value)[:60]!r}") from error
    lengths = (4,) if fisheye else (4, 5, 8)
    while len(given) > lengths[-1] and given[-1] == 0:
        given.pop()
    if not fisheye and not any(given):
        return Distortion()
    length = next((n for n in lengths if len(given) <= n), len(given))
    coefficients = tuple(given) + (0.0,) * (length - len(given))
    return Distortion("fisheye" if fisheye else "brown_conrady", coefficients)


def perspective_cameras(rig: Rig, format_title: str) -> tuple[Camera, ...]:
    """Return the rig's cameras for a writer whose format holds only perspective cameras that stand still.

    Raises:
        FormatError: one of them is another kind of camera.
    """
    for camera in rig:
        if not isinstance(camera, Camera):
            raise FormatError(
                f'{format_title} holds perspective cameras that stand still, got camera "{camera.name}" of type '
                f"{type(camera).__name__}: write it as rig.json"
            )
    return tuple(camera for camera in rig if isinstance(camera, Camera))


def brown_conrady_coefficients(camera: Camera, format_title: str, count: int = 5) -> list[float]:
    """Return k1 k2 p1 p2 k3 of the camera's lens, for a writer whose format has no others.

    Raises:
        FormatError: the lens is of another model or has more coefficients.
    """
    given = list(camera.distortion.coefficients)
    if camera.distortion.model == "fisheye" or any(given[count:]):
        raise FormatError(
            f'{format_title} holds lenses of {count} coefficients, got camera "{camera.name}" with '
            f"{camera.distortion.model} of {len(given)}"
        )
    return (given + [0.0] * count)[:count]
