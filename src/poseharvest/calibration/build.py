"""From the numbers of a calibration file to cameras, and back: checked once, here, for every format."""

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
from poseharvest.errors import CalibrationError, FormatError
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.distortion import Distortion
from poseharvest.geometry.rig import Rig
from poseharvest.units import LengthUnit

_PRINTED_ROTATION_ERROR = 1e-3
_MAX_TURN = 2 * math.pi + 1e-6  # radians: a longer vector is one in degrees
_TILTED = 14
_NO_EXTRINSICS = "expected where each camera stands and how it is turned (its extrinsics), got intrinsics alone"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReadOptions:
    """What a calibration file may leave open.

    Attributes:
        unit: the file's unit of length; None takes the format's own (see `formats.FORMATS`).
        subject: which subject's extrinsics, in files that hold several.
        camera_type: which type of camera, in files that hold several ("hd", "vga", "kinect-color" or "all").
        image_sizes: (height, width) of the footage by its name, for files that do not state the pictures' size.
        on_note: is told what a person should know of how the file was read.
    """

    unit: LengthUnit | None = None
    subject: str | None = None
    camera_type: str | None = None
    image_sizes: Mapping[str, ImageSize] | None = None
    on_note: Callable[[str], None] = _logger.warning


@dataclass(frozen=True)
class CameraNumbers:
    """One perspective camera as its file states it.

    Attributes:
        name: the camera's name.
        image_size: (height, width), None where the file does not say.
        matrix: intrinsic matrix, 9 numbers.
        rotation: R of ``x_cam = R @ x_world + t``: a Rodrigues vector of 3 numbers or a matrix of 9.
        translation: t, 3 numbers in the file's unit.
        coefficients: lens distortion in OpenCV's order; None where the file has none.
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

    A file without any distortion is one of cameras without; the size of the pictures, where it is not stated, is the
    footage's. Both are told to `options.on_note` where they may matter.

    Raises:
        FormatError: something is missing or not a number.
        CalibrationError: a camera is geometrically impossible, has no extrinsics, or its pictures' size is unknown.
    """
    cameras = tuple(cameras)
    try:
        _check_extrinsics(cameras)
        cameras = _sized(_with_lenses(cameras, where, options), options)
        return Rig(tuple(_build(camera, mm_per_unit) for camera in cameras))
    except (CalibrationError, FormatError) as error:
        raise type(error)(f"{where}: {error}") from error


def _check_extrinsics(cameras: Sequence[CameraNumbers]) -> None:
    if cameras and all(camera.rotation is None and camera.translation is None for camera in cameras):
        raise CalibrationError(f"no extrinsics: {_NO_EXTRINSICS}")


def _with_lenses(cameras: Sequence[CameraNumbers], where: str, options: ReadOptions) -> tuple[CameraNumbers, ...]:
    """Return the cameras with no distortion where the whole file has none; one camera alone must not lack it."""
    missing = [camera.name for camera in cameras if camera.coefficients is None]
    if not missing or len(missing) < len(cameras):
        return tuple(cameras)
    options.on_note(f"{where}: holds no lens distortion: its cameras are taken to have none")
    return tuple(replace(camera, coefficients=[]) for camera in cameras)


def _sized(cameras: Sequence[CameraNumbers], options: ReadOptions) -> tuple[CameraNumbers, ...]:
    """Return the cameras with their pictures' size; those without footage, whose size nobody knows, are left out."""
    unsized = [camera.name for camera in cameras if camera.image_size is None]
    if not unsized:
        return tuple(cameras)
    if options.image_sizes is None:
        raise CalibrationError(
            f"the size of the pictures is not in the file (cameras {', '.join(unsized)}): "
            "expected it from the footage (image_sizes), got none"
        )
    sizes = options.image_sizes
    found = match_names([camera.name for camera in cameras], list(sizes), allow_unmatched=True)
    lost = [name for name in unsized if name not in found]
    if len(lost) == len(unsized):
        match_names(unsized, list(sizes))  # says which names there are
    if lost:
        options.on_note(f"cameras without footage are left out: {', '.join(lost)}")
    kept = [camera for camera in cameras if camera.name not in lost]
    return tuple(
        camera if camera.image_size is not None else replace(camera, image_size=sizes[found[camera.name]])
        for camera in kept
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

    A matrix that was printed with few digits is replaced by the nearest rotation; one further off is returned as it
    is, for `Camera` to refuse, and so is one with NaN.

    Raises:
        FormatError: it is neither.
        CalibrationError: it is a vector in degrees.
    """
    given = any_numbers(value, what, "3 x 3 numbers")
    if given.size == 3:
        return _from_vector(given, what)
    matrix = numbers(given, (3, 3), what)
    if not np.isfinite(matrix).all() or np.abs(matrix @ matrix.T - np.eye(3)).max() > _PRINTED_ROTATION_ERROR:
        return matrix
    left, _, right = np.linalg.svd(matrix)
    return np.asarray(left @ right, dtype=np.float64)


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
    """Return the lens with the coefficients `value`, filled up with zeros to a length that its model has.

    Raises:
        FormatError: they are missing or not a list of numbers.
        CalibrationError: there are more than the model has (tilted lenses are not supported).
    """
    array = any_numbers(value, "distortion")
    if array.ndim == 0:
        raise FormatError(f"distortion: expected a list of numbers, got {float(array):g}")
    given = array.reshape(-1).tolist()
    lengths = (4,) if fisheye else (4, 5, 8, 12)
    while len(given) > min(8, lengths[-1]) and given[-1] == 0:
        given.pop()
    if not fisheye and not any(given):
        return Distortion()
    if not fisheye and len(given) == _TILTED:
        raise CalibrationError(f"distortion: a tilted lens (14 coefficients) is not supported, got {given[-2:]}")
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
