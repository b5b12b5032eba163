"""Conversion between the numbers of a calibration file and cameras, with the checks for every format."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch

from poseharvest.arrays import ImageSize
from poseharvest.calibration.names import match_names
from poseharvest.calibration.values import Numbers, any_numbers, numbers
from poseharvest.calibration.values import name as name_of
from poseharvest.errors import CalibrationError, FormatError
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.distortion import Distortion
from poseharvest.geometry.rig import Rig
from poseharvest.units import LengthUnit

_PRINTED_ROTATION_ERROR = 1e-3
_MAX_TURN = 2 * math.pi + 1e-6  # radians: a longer vector is in degrees
_TILTED = 14
_NO_EXTRINSICS = "expected where each camera stands and how it is turned (its extrinsics), got intrinsics alone"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReadOptions:
    """Information that a calibration file may lack.

    Attributes:
        unit: the unit of length of the file; None uses that of the format (see `formats.FORMATS`).
        subject: the subject whose extrinsics are read, in files with several subjects.
        camera_type: the type of camera, in files with several types ("hd", "vga", "kinect-color" or "all").
        image_sizes: (height, width) of the footage by name of the view, for files without picture sizes.
        on_note: called with notes for the user on the reading of the file.
    """

    unit: LengthUnit | None = None
    subject: str | None = None
    camera_type: str | None = None
    image_sizes: Mapping[str, ImageSize] | None = None
    on_note: Callable[[str], None] = _logger.warning


@dataclass(frozen=True)
class CameraNumbers:
    """The numbers of one perspective camera in a file.

    Attributes:
        name: the camera's name.
        image_size: (height, width), pixels; None if the file lacks it.
        matrix: intrinsic matrix, 9 numbers.
        rotation: R of ``x_cam = R @ x_world + t``: a Rodrigues vector of 3 numbers or a matrix of 9.
        translation: t, 3 numbers in the unit of the file.
        coefficients: lens distortion in OpenCV's order; None if the file has none.
        fisheye: True if the coefficients belong to the fisheye model.
        viewing_turn: turn of the pictures for viewing, degrees clockwise (`Camera.viewing_turn`).
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

    If a file contains no distortion, its cameras have none. If it lacks the picture sizes, they come from the footage.
    `options.on_note` receives a note if this may matter.

    Raises:
        FormatError: something is missing or not a number.
        CalibrationError: a camera is geometrically impossible, has no extrinsics, or has no known picture size.
    """
    cameras = tuple(cameras)
    try:
        for camera in cameras:
            name_of(camera.name, "name of a camera")
        _check_extrinsics(cameras)
        cameras = _sized(_with_lenses(cameras, where, options), options)
        return Rig(tuple(_build(camera, mm_per_unit) for camera in cameras))
    except (CalibrationError, FormatError) as error:
        raise type(error)(f"{where}: {error}") from error


def _check_extrinsics(cameras: Sequence[CameraNumbers]) -> None:
    if cameras and all(camera.rotation is None and camera.translation is None for camera in cameras):
        raise CalibrationError(f"no extrinsics: {_NO_EXTRINSICS}")


def _with_lenses(cameras: Sequence[CameraNumbers], where: str, options: ReadOptions) -> tuple[CameraNumbers, ...]:
    """Return the cameras with zero distortion if the whole file has none; a single camera must not lack it."""
    missing = [camera.name for camera in cameras if camera.coefficients is None]
    if not missing or len(missing) < len(cameras):
        return tuple(cameras)
    options.on_note(f"{where}: holds no lens distortion: its cameras are taken to have none")
    return tuple(replace(camera, coefficients=[]) for camera in cameras)


def _sized(cameras: Sequence[CameraNumbers], options: ReadOptions) -> tuple[CameraNumbers, ...]:
    """Return the cameras with picture sizes; cameras of unknown size (without footage) are left out."""
    unsized = [camera.name for camera in cameras if camera.image_size is None]
    if not unsized:
        return tuple(cameras)
    if options.image_sizes is None:
        raise CalibrationError(
            f"the size of the pictures is not in the file (cameras {', '.join(unsized)}): "
            "expected it from the footage (image_sizes), got none"
        )
    sizes = options.image_sizes
    matches = match_names([camera.name for camera in cameras], list(sizes), allow_unmatched=True)
    unmatched = [name for name in unsized if name not in matches]
    if len(unmatched) == len(unsized):
        match_names(unsized, list(sizes))  # raises an error that lists the names
    if unmatched:
        options.on_note(f"cameras without footage are left out: {', '.join(unmatched)}")
    matched = [camera for camera in cameras if camera.name not in unmatched]
    return tuple(
        camera if camera.image_size is not None else replace(camera, image_size=sizes[matches[camera.name]])
        for camera in matched
    )


def _build(camera: CameraNumbers, mm_per_unit: float) -> Camera:
    what = f'camera "{camera.name}"'
    matrix = numbers(camera.matrix, (3, 3), f"{what}: intrinsic matrix")
    rotation = rotation_matrix(camera.rotation, f"{what}: rotation")
    translation = numbers(camera.translation, (3,), f"{what}: translation") * mm_per_unit
    try:
        lens = lens_from_coefficients(camera.coefficients, fisheye=camera.fisheye)
    except (CalibrationError, FormatError) as error:
        raise type(error)(f"{what}: {error}") from error
    if camera.image_size is None:
        raise CalibrationError(f"{what}: the size of its pictures is not known")
    return Camera(
        name=camera.name,
        image_size=camera.image_size,
        px_from_cam=torch.from_numpy(matrix),
        rotation=torch.from_numpy(rotation),
        translation=torch.from_numpy(translation),
        distortion=lens,
        viewing_turn=camera.viewing_turn,
    )


def rotation_matrix(value: object, what: str) -> Numbers:
    """Return the (3, 3) rotation given as a Rodrigues vector or as a matrix.

    A matrix with rounding errors is replaced by the nearest rotation. A matrix with larger errors or NaN is returned
    unchanged; `Camera` refuses it.

    Raises:
        FormatError: the value is neither.
        CalibrationError: the value is a vector in degrees.
    """
    values = any_numbers(value, what, "3 x 3 numbers")
    if values.size == 3:
        return _from_vector(values, what)
    matrix = numbers(values, (3, 3), what)
    if not np.isfinite(matrix).all() or np.abs(matrix @ matrix.T - np.eye(3)).max() > _PRINTED_ROTATION_ERROR:
        return matrix
    u, _, vh = np.linalg.svd(matrix)
    return np.asarray(u @ vh, dtype=np.float64)


def rotation_of_quaternion(xyzw: object, what: str) -> Numbers:
    """Return the (3, 3) rotation of a quaternion, its scalar last; its length does not matter.

    Raises:
        FormatError: it is not four numbers of a length above zero.
    """
    from scipy.spatial.transform import Rotation

    values = numbers(xyzw, (4,), what)
    length = float(np.linalg.norm(values))
    if not 0 < length < math.inf:
        raise FormatError(f"{what}: expected a quaternion, got {values.tolist()}")
    return np.asarray(Rotation.from_quat(values / length).as_matrix(), dtype=np.float64)


def _from_vector(vector: Numbers, what: str) -> Numbers:
    length = float(np.linalg.norm(vector))
    if math.isfinite(length) and length > _MAX_TURN:
        raise CalibrationError(
            f"{what}: expected a rotation vector in radians, at most 2 pi long, got one of {length:.4g}: "
            "is it in degrees?"
        )
    if not math.isfinite(length):
        return np.full((3, 3), np.nan)
    return np.asarray(cv2.Rodrigues(vector.reshape(3))[0], dtype=np.float64)


def lens_from_coefficients(value: object, *, fisheye: bool = False) -> Distortion:
    """Return the lens with the coefficients `value`, padded with zeros to a valid length of its model.

    Raises:
        FormatError: the coefficients are missing or not a list of numbers.
        CalibrationError: there are too many for the model (tilted lenses are not supported).
    """
    array = any_numbers(value, "distortion")
    if array.ndim == 0:
        raise FormatError(f"distortion: expected a list of numbers, got {float(array):g}")
    values = array.reshape(-1).tolist()
    lengths = (4,) if fisheye else (4, 5, 8, 12)
    while len(values) > min(8, lengths[-1]) and values[-1] == 0:
        values.pop()
    if not fisheye and not any(values):
        return Distortion()
    if not fisheye and len(values) == _TILTED:
        raise CalibrationError(f"distortion: a tilted lens (14 coefficients) is not supported, got {values[-2:]}")
    length = next((n for n in lengths if len(values) <= n), len(values))
    coefficients = tuple(values) + (0.0,) * (length - len(values))
    return Distortion("fisheye" if fisheye else "brown_conrady", coefficients)


def perspective_cameras(rig: Rig, format_title: str) -> tuple[Camera, ...]:
    """Return the cameras of the rig, for the writer of a format with static perspective cameras only.

    Raises:
        FormatError: a camera is of another kind.
    """
    for camera in rig:
        if not isinstance(camera, Camera):
            raise FormatError(
                f'{format_title} holds perspective cameras that stand still, got camera "{camera.name}" of type '
                f"{type(camera).__name__}: write it as rig.json"
            )
    return tuple(camera for camera in rig if isinstance(camera, Camera))


def brown_conrady_coefficients(camera: Camera, format_title: str, count: int = 5) -> list[float]:
    """Return the `count` coefficients k1 k2 p1 p2 k3 of a lens, for the writer of a format with these only.

    Raises:
        FormatError: the lens has another model or more coefficients.
    """
    coefficients = list(camera.distortion.coefficients)
    if camera.distortion.model == "fisheye" or any(coefficients[count:]):
        raise FormatError(
            f'{format_title} holds lenses of {count} coefficients, got camera "{camera.name}" with '
            f"{camera.distortion.model} of {len(coefficients)}"
        )
    return (coefficients + [0.0] * count)[:count]
