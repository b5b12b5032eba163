"""Calibrations in TOML as Pose2Sim, Anipose and Caliscope write them.

A table per camera: `size` is (width, height), `matrix` the intrinsics, `distortions` OpenCV's coefficients, `rotation`
a Rodrigues vector (older Caliscope: a 3 x 3 matrix), `translation` t of ``x_cam = R @ x_world + t``, `fisheye` a flag.

- Pose2Sim: the tables are named after the cameras; metres.
- Anipose: tables `[cam_0]` ... with the camera's `name` inside. The unit is that of the user's calibration board,
  often millimetres, and is not in the file: give `unit`.
- Caliscope: tables `[cameras.0]` ... with `cam_id` (newer) or `port` (older), which we call `cam_0` or `port_0`;
  metres. Cameras marked `ignore`, or without extrinsics, are left out. `rotation_count` says by how
  many quarter turns, clockwise, Caliscope turns the pictures before it looks for people; its points are turned back, so
  the calibration holds for the footage as filmed.
"""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import cv2

from poseharvest.arrays import ImageSize
from poseharvest.calibration.build import CameraNumbers, ReadOptions, build_rig, numbers, perspective_cameras
from poseharvest.calibration.documents import load_toml, write_text
from poseharvest.errors import FormatError
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.units import mm_per

DEFAULT_UNIT = "m"

_logger = logging.getLogger(__name__)


def reject_toml(path: Path) -> str | None:
    """Return why the file is no calibration in TOML, None if it is one."""
    try:
        tables = _camera_tables(load_toml(path))
    except FormatError as error:
        return str(error)
    return None if tables else "no table with a camera matrix"


def sniff_toml(path: Path) -> bool:
    """Return whether the file is a calibration in TOML."""
    return reject_toml(path) is None


def read_toml(path: Path, options: ReadOptions | None = None) -> Rig:
    """Return the rig of a Pose2Sim, Anipose or Caliscope calibration.

    Raises:
        FormatError: the file is damaged or a key is missing.
        CalibrationError: a camera is impossible.
    """
    options = options or ReadOptions()
    tables = _camera_tables(load_toml(path))
    if not tables:
        raise FormatError(f"{path.name}: expected a table per camera with a matrix, got none")
    cameras = [_camera(name, table, path.name) for name, table in tables.items() if _is_used(name, table, path.name)]
    return build_rig(cameras, path.name, mm_per(options.unit or DEFAULT_UNIT), options)


def _camera_tables(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the cameras' tables by the cameras' names."""
    caliscope = document.get("cameras")
    if isinstance(caliscope, dict):
        tables = {key: table for key, table in caliscope.items() if isinstance(table, dict) and "size" in table}
        return {_caliscope_name(key, table): table for key, table in tables.items()}
    tables = {key: table for key, table in document.items() if isinstance(table, dict) and "matrix" in table}
    return {str(table.get("name", key)): table for key, table in tables.items()}


def _caliscope_name(key: str, table: dict[str, Any]) -> str:
    return f"port_{table['port']}" if "port" in table else f"cam_{table.get('cam_id', key)}"


def _is_used(name: str, table: dict[str, Any], where: str) -> bool:
    if table.get("ignore", False):
        _logger.info('%s: camera "%s" is marked to be ignored', where, name)
        return False
    is_caliscope = "cam_id" in table or "port" in table
    # Caliscope writes the string "null" for what it has not found yet.
    missing = [key for key in ("matrix", "rotation", "translation") if table.get(key, "null") == "null"]
    if is_caliscope and missing:
        _logger.warning('%s: camera "%s" is left out: it is not calibrated (no %s)', where, name, ", ".join(missing))
        return False
    return True


def _camera(name: str, table: dict[str, Any], where: str) -> CameraNumbers:
    return CameraNumbers(
        name=name,
        image_size=_image_size(table.get("size"), f'{where}: camera "{name}": size'),
        matrix=table.get("matrix"),
        rotation=table.get("rotation"),
        translation=table.get("translation"),
        coefficients=table.get("distortions"),
        fisheye=bool(table.get("fisheye", False)),
        viewing_turn=_viewing_turn(table.get("rotation_count", 0), f'{where}: camera "{name}": rotation_count'),
    )


def _viewing_turn(count: object, what: str) -> int:
    if isinstance(count, bool) or not isinstance(count, int):
        raise FormatError(f"{what}: expected a whole number of quarter turns, got {count!r}")
    return 90 * (count % 4)


def _image_size(value: object, what: str) -> ImageSize | None:
    if value is None:
        return None
    width, height = numbers(value, (2,), what).tolist()
    if width != round(width) or height != round(height):
        raise FormatError(f"{what}: expected whole pixels, got {width} x {height}")
    return (round(height), round(width))


def write_toml(rig: Rig, path: Path, *, unit: str = DEFAULT_UNIT) -> None:
    """Write the rig as a calibration that Pose2Sim and Anipose read.

    Raises:
        FormatError: a camera is affine or moves, or the file cannot be written.
    """
    tables = [_table(camera, mm_per(unit)) for camera in perspective_cameras(rig, "Pose2Sim TOML")]
    write_text(path, "\n".join([*tables, "[metadata]\nadjusted = false\nerror = 0.0\n"]))


def _table(camera: Camera, mm_per_unit: float) -> str:
    vector = cv2.Rodrigues(camera.rotation.double().cpu().numpy())[0].reshape(-1).tolist()
    is_fisheye = camera.distortion.model == "fisheye"
    key = camera.name if re.fullmatch(r"[A-Za-z0-9_-]+", camera.name) else json.dumps(camera.name)
    values = {
        "name": camera.name,
        "size": [float(camera.image_size[1]), float(camera.image_size[0])],
        "matrix": camera.px_from_cam.tolist(),
        "distortions": list(camera.distortion.coefficients) or [0.0] * 4,
        "rotation": vector,
        "translation": (camera.translation.double() / mm_per_unit).tolist(),
        "fisheye": is_fisheye,
    }
    # JSON's strings, numbers, lists and booleans are TOML's.
    return f"[{key}]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
