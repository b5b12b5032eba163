"""The calibration JSON of CMU Panoptic: 480 VGA, 31 HD and 10 Kinect cameras of one dome, in centimetres.

``{"cameras": [{"name", "type", "resolution": [width, height], "K", "distCoef", "R", "t"}]}`` with ``x_cam = R @ x_world
+ t`` and distortion k1 k2 p1 p2 k3. By default the HD cameras are read. The file `hd_00_05.mp4` belongs to camera
`00_05`.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from poseharvest.calibration.build import (
    CameraNumbers,
    ReadOptions,
    brown_conrady_coefficients,
    build_rig,
    perspective_cameras,
)
from poseharvest.calibration.calibration_format import CalibrationFormat, has_key
from poseharvest.calibration.values import image_size, shown
from poseharvest.calibration.values import name as name_of
from poseharvest.errors import CalibrationError, FormatError
from poseharvest.geometry.rig import Rig
from poseharvest.reading.documents import load_json, write_text
from poseharvest.units import LengthUnit, mm_per

DEFAULT_UNIT: LengthUnit = "cm"
DEFAULT_TYPE = "hd"

_KEYS = frozenset({"name", "type", "K"})


def reject_panoptic(path: Path) -> str | None:
    """Return why the file is not a calibration of CMU Panoptic; None if it is one."""
    try:
        document = load_json(path)
    except FormatError as error:
        return str(error)
    cameras = document.get("cameras") if isinstance(document, dict) else None
    if not isinstance(cameras, list) or not cameras:
        return 'no list "cameras"'
    lacking = [camera for camera in cameras if not isinstance(camera, dict) or not camera.keys() >= _KEYS]
    return f'a camera without "name", "type" and "K": {shown(lacking[0])}' if lacking else None


def read_panoptic(path: Path, options: ReadOptions | None = None) -> Rig:
    """Return the cameras of `options.camera_type`: "hd" (default), "vga", "kinect-color" or "all".

    Raises:
        FormatError: the file is damaged or a key is missing.
        CalibrationError: there is no camera of that type, or a camera is impossible.
    """
    options = options or ReadOptions()
    reason = reject_panoptic(path)
    if reason is not None:
        raise FormatError(f"{path.name}: not a calibration of CMU Panoptic: {reason}")
    cameras = load_json(path)["cameras"]
    wanted = options.camera_type or DEFAULT_TYPE
    selected = [camera for camera in cameras if wanted in {"all", str(camera["type"])}]
    if not selected:
        types = ", ".join(f"{kind} ({count})" for kind, count in Counter(str(c["type"]) for c in cameras).items())
        raise CalibrationError(f'{path.name}: expected a camera type of {types} or "all", got "{wanted}"')
    rig_cameras = [_camera(camera, path.name) for camera in selected]
    return build_rig(rig_cameras, path.name, mm_per(options.unit or DEFAULT_UNIT), options)


def _camera(camera: dict[str, Any], where: str) -> CameraNumbers:
    name = name_of(camera["name"], f"{where}: name of a camera")
    return CameraNumbers(
        name=name,
        image_size=image_size(camera.get("resolution"), f'{where}: camera "{name}": resolution'),
        matrix=camera["K"],
        rotation=camera.get("R"),
        translation=camera.get("t"),
        coefficients=camera.get("distCoef"),
    )


def write_panoptic(rig: Rig, path: Path, *, camera_type: str = DEFAULT_TYPE) -> None:
    """Write the rig as a calibration of CMU Panoptic, with one type for all cameras, in centimetres.

    Raises:
        FormatError: a camera is affine, moves or has another lens, or the file cannot be written.
    """
    cameras = [
        {
            "name": c.name,
            "type": camera_type,
            "resolution": [c.image_size[1], c.image_size[0]],
            "K": c.px_from_cam.tolist(),
            "distCoef": brown_conrady_coefficients(c, "CMU Panoptic JSON"),
            "R": c.rotation.tolist(),
            "t": (c.translation.double().unsqueeze(1) / mm_per(DEFAULT_UNIT)).tolist(),
        }
        for c in perspective_cameras(rig, "CMU Panoptic JSON")
    ]
    write_text(path, json.dumps({"calibDataSource": "poseharvest", "cameras": cameras}, indent=1))


FORMAT = CalibrationFormat(
    name="panoptic",
    default_unit=DEFAULT_UNIT,
    reject=reject_panoptic,
    read=read_panoptic,
    resembles=lambda document, text: has_key(document, "cameras"),
)
