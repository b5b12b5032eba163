"""The calibration JSON of Shelf and Campus in the format of VoxelPose.

``{"0": {"R", "T", "fx", "fy", "cx", "cy", "k": [k1, k2, k3], "p": [p1, p2]}}`` (or "K" for the four intrinsics) in
millimetres. T is the camera's *centre*: ``x_cam = R @ (x_world - T)``. The names of the cameras are numbers. The
picture sizes come from the footage (`ReadOptions.image_sizes`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from poseharvest.calibration.build import (
    CameraNumbers,
    ReadOptions,
    brown_conrady_coefficients,
    build_rig,
    perspective_cameras,
    rotation_matrix,
)
from poseharvest.calibration.calibration_format import CalibrationFormat, has_key
from poseharvest.calibration.values import numbers, shown
from poseharvest.errors import FormatError
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.reading.documents import load_json, write_text
from poseharvest.units import LengthUnit, mm_per

DEFAULT_UNIT: LengthUnit = "mm"

_KEYS = ("R", "T", "k", "p")


def reject_voxelpose(path: Path) -> str | None:
    """Return why the file is not a calibration of VoxelPose for Shelf or Campus; None if it is one."""
    try:
        document = load_json(path)
    except FormatError as error:
        return str(error)
    if not isinstance(document, dict) or not document:
        return "no cameras by number"
    for name, camera in document.items():
        if not isinstance(camera, dict):
            return f'"{name}": expected a camera with {", ".join(_KEYS)}, got {shown(camera)}'
        missing = [key for key in _KEYS if key not in camera]
        if missing:
            return f'a camera without {", ".join(missing)}: "{name}"'
    return None


def read_voxelpose(path: Path, options: ReadOptions | None = None) -> Rig:
    """Return the rig; `options.image_sizes` must contain the picture sizes.

    Raises:
        FormatError: the file is damaged or a key is missing.
        CalibrationError: a camera is impossible, or the picture size is unknown.
    """
    options = options or ReadOptions()
    reason = reject_voxelpose(path)
    if reason is not None:
        raise FormatError(f"{path.name}: not a calibration of VoxelPose: {reason}")
    cameras = [_camera(name, camera, f'{path.name}: camera "{name}"') for name, camera in load_json(path).items()]
    return build_rig(cameras, path.name, mm_per(options.unit or DEFAULT_UNIT), options)


def _camera(name: str, camera: dict[str, Any], what: str) -> CameraNumbers:
    rotation = rotation_matrix(camera["R"], f"{what}: R")
    k, p = numbers(camera["k"], (3,), f"{what}: k"), numbers(camera["p"], (2,), f"{what}: p")
    return CameraNumbers(
        name=name,
        image_size=None,
        matrix=camera["K"] if "K" in camera else _matrix(camera, what),
        rotation=rotation,
        translation=-rotation @ numbers(camera["T"], (3,), f"{what}: T"),
        coefficients=[k[0], k[1], p[0], p[1], k[2]],
    )


def _matrix(camera: dict[str, Any], what: str) -> list[list[float]]:
    fx, fy, cx, cy = (float(numbers(camera.get(key), (1,), f"{what}: {key}")[0]) for key in ("fx", "fy", "cx", "cy"))
    return [[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]]


def write_voxelpose(rig: Rig, path: Path) -> None:
    """Write the rig in the format of VoxelPose, in millimetres; the format does not contain picture sizes.

    Raises:
        FormatError: a camera is affine, moves or has another lens, or the file cannot be written.
    """
    cameras = perspective_cameras(rig, "VoxelPose JSON")
    write_text(path, json.dumps({camera.name: _entry(camera) for camera in cameras}, indent=1))


def _entry(camera: Camera) -> dict[str, Any]:
    k1, k2, p1, p2, k3 = brown_conrady_coefficients(camera, "VoxelPose JSON")
    return {
        "K": camera.px_from_cam.tolist(),
        "R": camera.rotation.tolist(),
        "T": np.reshape(camera.center.double().cpu().numpy(), (3, 1)).tolist(),
        "k": [[k1], [k2], [k3]],
        "p": [[p1], [p2]],
    }


def _resembles_voxelpose(document: object, text: str) -> bool:
    return isinstance(document, dict) and any(has_key(camera, "R", "T", "K") for camera in document.values())


FORMAT = CalibrationFormat(
    name="voxelpose",
    default_unit=DEFAULT_UNIT,
    reject=reject_voxelpose,
    read=read_voxelpose,
    resembles=_resembles_voxelpose,
)
