"""The calibration format of this package, `rig.json`: every kind of camera, lossless, always in millimetres.

``{"format": "poseharvest-rig", "version": 1, "unit": "mm", "cameras": [...]}``. A camera is of type "perspective",
"affine" or "moving"; the last holds one camera per frame. Sizes are [height, width], matrices are lists of rows.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import torch

from poseharvest.calibration.build import ReadOptions
from poseharvest.calibration.calibration_format import CalibrationFormat, has_key
from poseharvest.calibration.values import any_numbers, image_size_of, numbers, shown
from poseharvest.calibration.values import name as name_of
from poseharvest.errors import CalibrationError, FormatError, ShapeError
from poseharvest.geometry.camera import AffineCamera, Camera, CameraModel, MovingCamera
from poseharvest.geometry.distortion import Distortion, DistortionModel
from poseharvest.geometry.rig import Rig
from poseharvest.reading.documents import load_json, write_text
from poseharvest.units import LengthUnit

DEFAULT_UNIT: LengthUnit = "mm"
RIG_FILE = "rig.json"

_FORMAT, _VERSION = "poseharvest-rig", 1


def reject_rig(path: Path) -> str | None:
    """Return why the file is not a `rig.json`; None if it is one."""
    try:
        document = load_json(path)
    except FormatError as error:
        return str(error)
    is_rig = isinstance(document, dict) and document.get("format") == _FORMAT
    return None if is_rig else f'no "format": "{_FORMAT}"'


def read_rig(path: Path, options: ReadOptions | None = None) -> Rig:
    """Return the rig of a `rig.json`, equal to the written one.

    Raises:
        FormatError: the file is damaged or a key is missing.
        CalibrationError: a camera is impossible, or the requested unit is not mm.
    """
    if options is not None and options.unit not in {None, DEFAULT_UNIT}:
        raise CalibrationError(f"{path.name}: a rig.json is in mm, got unit {options.unit}")
    try:
        return rig_from_dict(load_json(path))
    except (CalibrationError, FormatError, ShapeError) as error:
        message = str(error)
        raise type(error)(message if message.startswith(path.name) else f"{path.name}: {message}") from error


def write_rig(rig: Rig, path: Path) -> None:
    """Write the rig; the file appears only when it is complete.

    Raises:
        FormatError: the kind of a camera is unknown, or the file cannot be written.
    """
    write_text(path, json.dumps(rig_to_dict(rig), indent=1) + "\n")


def rig_to_dict(rig: Rig) -> dict[str, Any]:
    """Return the rig as plain data for JSON."""
    return {
        "format": _FORMAT,
        "version": _VERSION,
        "unit": DEFAULT_UNIT,
        "cameras": [_camera_to_dict(camera) for camera in rig],
    }


def rig_from_dict(document: object) -> Rig:
    """Return the rig of plain data: the inverse of `rig_to_dict`.

    Raises:
        FormatError: the data do not describe a rig, or have a newer version.
        CalibrationError: a camera is impossible.
    """
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise FormatError(f'rig: expected "format": "{_FORMAT}"')
    if document.get("version") != _VERSION or document.get("unit") != DEFAULT_UNIT:
        got = f"version {document.get('version')} in {document.get('unit')}"
        raise FormatError(f"rig: expected version {_VERSION} in {DEFAULT_UNIT}, got {got}")
    cameras = document.get("cameras")
    if not isinstance(cameras, list) or not all(isinstance(camera, dict) for camera in cameras):
        raise FormatError('rig: expected a list "cameras"')
    return Rig(tuple(_camera_from_dict(camera) for camera in cameras))


def _frames(value: object, what: str) -> tuple[Camera | AffineCamera, ...]:
    if not isinstance(value, list) or not all(isinstance(frame, dict) for frame in value):
        raise FormatError(f'{what}: expected a list "frames" of cameras, got {shown(value)}')
    frames = tuple(_camera_from_dict(frame) for frame in value)
    still = tuple(frame for frame in frames if not isinstance(frame, MovingCamera))
    if len(still) < len(frames):
        raise FormatError(f"{what}: expected frames of cameras that stand still, got a moving one")
    return still


def _camera_to_dict(camera: CameraModel) -> dict[str, Any]:
    common = {"name": camera.name, "image_size": list(camera.image_size)}
    if isinstance(camera, Camera):
        return {
            "type": "perspective",
            **common,
            "px_from_cam": camera.px_from_cam.double().tolist(),
            "rotation": camera.rotation.double().tolist(),
            "translation": camera.translation.double().tolist(),
            "distortion": {
                "model": camera.distortion.model,
                "coefficients": [float(value) for value in camera.distortion.coefficients],
            },
        }
    if isinstance(camera, AffineCamera):
        return {"type": "affine", **common, "px_from_world": camera.px_from_world.double().tolist()}
    if isinstance(camera, MovingCamera):
        return {"type": "moving", "name": camera.name, "frames": [_camera_to_dict(frame) for frame in camera.frames]}
    raise FormatError(
        f'rig.json holds perspective, affine and moving cameras, got "{camera.name}" of {type(camera).__name__}'
    )


def _camera_from_dict(camera: dict[str, Any]) -> Camera | AffineCamera | MovingCamera:
    name, kind = name_of(camera.get("name"), "rig: name of a camera"), camera.get("type")
    what = f'camera "{name}"'
    if kind == "moving":
        return MovingCamera(name, _frames(camera.get("frames"), what))
    height, width = numbers(camera.get("image_size"), (2,), f"{what}: image_size").tolist()
    size = image_size_of(height, width, f"{what}: image_size")
    if kind == "affine":
        return AffineCamera(name, size, _tensor(camera, "px_from_world", (2, 4), what))
    if kind != "perspective":
        raise FormatError(f"{what}: expected type perspective, affine or moving, got {kind!r}")
    lens = camera.get("distortion")
    if not isinstance(lens, dict) or not isinstance(lens.get("coefficients"), list):
        raise FormatError(f'{what}: expected a distortion with "model" and "coefficients"')
    return Camera(
        name=name,
        image_size=size,
        px_from_cam=_tensor(camera, "px_from_cam", (3, 3), what),
        rotation=_tensor(camera, "rotation", (3, 3), what),
        translation=_tensor(camera, "translation", (3,), what),
        distortion=_lens(lens, what),
    )


def _lens(lens: dict[str, Any], what: str) -> Distortion:
    model = lens.get("model")
    if not isinstance(model, str):
        raise FormatError(f"{what}: distortion model: expected a text, got {shown(model)}")
    coefficients = any_numbers(lens["coefficients"], f"{what}: distortion")
    return Distortion(cast("DistortionModel", model), tuple(coefficients.reshape(-1).tolist()))


def _tensor(camera: dict[str, Any], key: str, shape: tuple[int, ...], what: str) -> torch.Tensor:
    return torch.from_numpy(numbers(camera.get(key), shape, f"{what}: {key}"))


FORMAT = CalibrationFormat(
    name="rig",
    default_unit=DEFAULT_UNIT,
    reject=reject_rig,
    read=read_rig,
    resembles=lambda document, text: has_key(document, "format"),
)
