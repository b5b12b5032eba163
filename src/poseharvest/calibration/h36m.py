"""The cameras of Human3.6M as JSON: intrinsics per camera, extrinsics per subject and camera.

``{"intrinsics": {CAMERA: {"calibration_matrix", "distortion"}}, "extrinsics": {SUBJECT: {CAMERA: {"R", "t"}}}}`` in
millimetres, ``x_cam = R @ x_world + t``, distortion k1 k2 p1 p2 k3. The file does not contain the picture sizes. They
are published and the same in all recordings.
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
from poseharvest.calibration.calibration_format import CalibrationFormat, has_key
from poseharvest.calibration.values import mapping, shown
from poseharvest.errors import CalibrationError, FormatError
from poseharvest.geometry.rig import Rig
from poseharvest.reading.documents import load_json, write_text
from poseharvest.units import LengthUnit, mm_per

DEFAULT_UNIT: LengthUnit = "mm"
IMAGE_SIZES = MappingProxyType({
    "54138969": (1002, 1000),
    "55011271": (1000, 1000),
    "58860488": (1000, 1000),
    "60457274": (1002, 1000),
})
"""(height, width) of the cameras of the data set, pixels."""


def reject_h36m(path: Path) -> str | None:
    """Return why the file is not the JSON of the cameras of Human3.6M; None if it is."""
    try:
        document = load_json(path)
    except FormatError as error:
        return str(error)
    if not isinstance(document, dict) or not {"intrinsics", "extrinsics"} <= document.keys():
        return 'no "intrinsics" and "extrinsics"'
    intrinsics, extrinsics = document["intrinsics"], document["extrinsics"]
    if not isinstance(intrinsics, dict) or not any(
        _holds(camera, "calibration_matrix") for camera in intrinsics.values()
    ):
        return f'"intrinsics": expected cameras with a "calibration_matrix", got {shown(intrinsics)}'
    if not isinstance(extrinsics, dict) or not extrinsics:
        return f'"extrinsics": expected subjects, got {shown(extrinsics)}'
    wrong = next((subject for subject, poses in extrinsics.items() if not isinstance(poses, dict) or not poses), None)
    if wrong is not None:
        return f'"extrinsics" of "{wrong}": expected cameras with "R" and "t", got {shown(extrinsics[wrong])}'
    return None


def _holds(value: object, key: str) -> bool:
    return isinstance(value, dict) and key in value


def read_h36m(path: Path, options: ReadOptions | None = None) -> Rig:
    """Return the rig for `options.subject`, which is required for a file with several subjects.

    Raises:
        FormatError: the file is damaged, or a camera lacks intrinsics or extrinsics.
        CalibrationError: the subject is unknown or missing, or a camera is impossible.
    """
    options = options or ReadOptions()
    reason = reject_h36m(path)
    if reason is not None:
        raise FormatError(f"{path.name}: not a calibration of Human3.6M: {reason}")
    document = load_json(path)
    extrinsics = _of_subject(document["extrinsics"], options.subject, path.name)
    cameras = [_camera(name, document["intrinsics"], pose, path.name) for name, pose in extrinsics.items()]
    return build_rig(cameras, path.name, mm_per(options.unit or DEFAULT_UNIT), options)


def _of_subject(extrinsics: dict[str, Any], subject: str | None, where: str) -> dict[str, Any]:
    if subject is None and len(extrinsics) == 1:
        return dict(next(iter(extrinsics.values())))
    if subject not in extrinsics:
        got = f'"{subject}"' if subject else "none"
        raise CalibrationError(f"{where}: expected a subject, one of {', '.join(extrinsics)}, got {got}")
    return dict(extrinsics[subject])


def _camera(name: str, intrinsics: dict[str, Any], pose: object, where: str) -> CameraNumbers:
    what = f'{where}: camera "{name}"'
    if intrinsics.get(name) is None:
        raise FormatError(f"{what} has extrinsics but no intrinsics")
    lens = mapping(intrinsics[name], f"{what}: intrinsics", 'a table with a "calibration_matrix"')
    placed = mapping(pose, f"{what}: extrinsics", 'a table with "R" and "t"')
    return CameraNumbers(
        name=name,
        image_size=IMAGE_SIZES.get(name),
        matrix=lens.get("calibration_matrix"),
        rotation=placed.get("R"),
        translation=placed.get("t"),
        coefficients=lens.get("distortion"),
    )


def write_h36m(rig: Rig, path: Path, *, subject: str = "S1") -> None:
    """Write the rig as the JSON of the cameras of Human3.6M with one subject, in millimetres.

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


FORMAT = CalibrationFormat(
    name="h36m",
    default_unit=DEFAULT_UNIT,
    reject=reject_h36m,
    read=read_h36m,
    resembles=lambda document, text: has_key(document, "intrinsics", "extrinsics"),
)
