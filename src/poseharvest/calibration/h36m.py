"""Human3.6M's cameras as JSON: intrinsics per camera, extrinsics per subject and camera.

``{"intrinsics": {CAMERA: {"calibration_matrix", "distortion"}}, "extrinsics": {SUBJECT: {CAMERA: {"R", "t"}}}}`` in
millimetres, ``x_cam = R @ x_world + t``, distortion k1 k2 p1 p2 k3. The file does not hold the pictures' size; that of
the four cameras is published and fixed.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

from poseharvest.calibration.build import (
    CameraNumbers,
    ReadOptions,
    brown_conrady_coefficients,
    build_rig,
    perspective_cameras,
)
from poseharvest.calibration.documents import load_json, write_text
from poseharvest.errors import CalibrationError, FormatError
from poseharvest.geometry.rig import Rig
from poseharvest.units import mm_per

DEFAULT_UNIT = "mm"
IMAGE_SIZES = MappingProxyType({
    "54138969": (1002, 1000),
    "55011271": (1000, 1000),
    "58860488": (1000, 1000),
    "60457274": (1002, 1000),
})
"""(height, width) of the data set's cameras."""


def reject_h36m(path: Path) -> str | None:
    """Return why the file is not the JSON of Human3.6M's cameras, None if it is."""
    try:
        document = load_json(path)
    except FormatError as error:
        return str(error)
    if not isinstance(document, dict) or not {"intrinsics", "extrinsics"} <= document.keys():
        return 'no "intrinsics" and "extrinsics"'
    return None


def sniff_h36m(path: Path) -> bool:
    """Return whether the file is the JSON of Human3.6M's cameras."""
    return reject_h36m(path) is None


def read_h36m(path: Path, options: ReadOptions | None = None) -> Rig:
    """Return the rig as it stood for `options.subject`, which a file with several subjects needs.

    Raises:
        FormatError: the file is damaged or a camera lacks a half.
        CalibrationError: the subject is not there or not given, or a camera is impossible.
    """
    options = options or ReadOptions()
    reason = reject_h36m(path)
    if reason is not None:
        raise FormatError(f"{path.name}: not a calibration of Human3.6M: {reason}")
    document = load_json(path)
    extrinsics = _of_subject(document["extrinsics"], options.subject, path.name)
    cameras = [_camera(name, document["intrinsics"].get(name), pose, path.name) for name, pose in extrinsics.items()]
    return build_rig(cameras, path.name, mm_per(options.unit or DEFAULT_UNIT), options)


def _of_subject(extrinsics: dict[str, Any], subject: str | None, where: str) -> dict[str, Any]:
    if subject is None and len(extrinsics) == 1:
        return dict(next(iter(extrinsics.values())))
    if subject not in extrinsics:
        found = f'"{subject}"' if subject else "none"
        raise CalibrationError(f"{where}: expected a subject, one of {', '.join(extrinsics)}, got {found}")
    return dict(extrinsics[subject])


def _camera(name: str, intrinsics: dict[str, Any] | None, pose: dict[str, Any], where: str) -> CameraNumbers:
    if intrinsics is None:
        raise FormatError(f'{where}: camera "{name}" has extrinsics but no intrinsics')
    return CameraNumbers(
        name=name,
        image_size=IMAGE_SIZES.get(name),
        matrix=intrinsics.get("calibration_matrix"),
        rotation=pose.get("R"),
        translation=pose.get("t"),
        coefficients=intrinsics.get("distortion"),
    )


def write_h36m(rig: Rig, path: Path, *, subject: str = "S1") -> None:
    """Write the rig as the JSON of Human3.6M's cameras with one subject, in millimetres.

    Raises:
        FormatError: a camera is affine, moves or has another lens, or the file cannot be written.
    """
    cameras = perspective_cameras(rig, "Human3.6M JSON")
    document = {
        "intrinsics": {
            c.name: {
                "calibration_matrix": c.px_from_cam.tolist(),
                "distortion": brown_conrady_coefficients(c, "Human3.6M JSON"),
            }
            for c in cameras
        },
        "extrinsics": {
            subject: {
                c.name: {"R": c.rotation.tolist(), "t": c.translation.double().unsqueeze(1).tolist()} for c in cameras
            }
        },
    }
    write_text(path, json.dumps(document, indent=1))
