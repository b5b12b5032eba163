"""Calibrations in TOML of Pose2Sim, Anipose, Caliscope and FreeMoCap.

A table per camera, at the top, within other tables (`[cam.00]`) or in a list (`[[cameras]]`): `size` is (width,
height), `matrix` the intrinsics, `distortions` OpenCV's coefficients, `rotation` a Rodrigues vector (older Caliscope: a
3 x 3 matrix), `translation` t of ``x_cam = R @ x_world + t``, `fisheye` a flag.

- Pose2Sim: the names of the tables are those of the cameras; the unit is metres.
- Anipose: tables `[cam_0]` ... that contain the `name` of the camera. The unit is that of the calibration board, often
  millimetres. It is not in the file: give `unit`.
- FreeMoCap: tables of Anipose in millimetres, recognised by the metadata or the content of the tables. In version 2,
  the names of the tables are ids.
- Caliscope: tables `[cameras.0]` ... with `cam_id` (newer) or `port` (older). We name these cameras `cam_0` or
  `port_0`. The unit is metres. Cameras with `ignore`, or without extrinsics, are left out. `rotation_count` is the
  number of clockwise quarter turns of the pictures before person detection. Caliscope turns the points back, so the
  calibration belongs to the original footage.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from pathlib import Path

import cv2

from poseharvest.calibration.build import ReadOptions, build_rig, perspective_cameras
from poseharvest.calibration.calibration_format import CalibrationFormat
from poseharvest.calibration.camera_tables import CameraTable, camera_of_table, find_camera_tables
from poseharvest.calibration.values import flag
from poseharvest.errors import CalibrationError, FormatError
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.reading.documents import load_json, load_toml, read_text, write_text
from poseharvest.units import LengthUnit, mm_per

DEFAULT_UNIT: LengthUnit = "m"
FREEMOCAP_UNIT: LengthUnit = "mm"

_FREEMOCAP_KEYS = frozenset({
    "charuco_square_size",
    "charuco_board_object",
    "path_to_recorded_videos",
    "groundplane_calibration",
})
_SMALLEST_SQUARE = 1.0  # mm; no board has squares below a millimetre, so a smaller number is in metres

_logger = logging.getLogger(__name__)


def reject_toml(path: Path) -> str | None:
    """Return why the file is not a calibration in TOML; None if it is one."""
    try:
        tables = find_camera_tables(_document(path))
    except FormatError as error:
        return str(error)
    return None if tables else "no table with a camera matrix"


def read_toml(path: Path, options: ReadOptions | None = None) -> Rig:
    """Return the rig of a Pose2Sim, Anipose, Caliscope or FreeMoCap calibration.

    Raises:
        FormatError: the file is damaged or a key is missing.
        CalibrationError: a camera is impossible.
    """
    options = options or ReadOptions()
    document = _document(path)
    tables = find_camera_tables(document)
    if not tables:
        raise FormatError(f"{path.name}: expected a table per camera with a matrix, got none")
    used = [table for table in tables if _is_used(table, path.name, options)]
    if not used:
        raise CalibrationError(f"{path.name}: expected calibrated cameras, got {len(tables)} without (see their notes)")
    cameras = [camera_of_table(table, path.name) for table in used]
    unit = options.unit or _unit_of(document, tables)
    return build_rig(cameras, path.name, mm_per(unit), options)


def _document(path: Path) -> object:
    """Return the tables of a TOML file, or of a JSON file with the same structure."""
    text = read_text(path)
    return load_json(path) if text.lstrip().startswith("{") else load_toml(path)


def unit_of_toml(path: Path) -> LengthUnit:
    """Return the unit of the tool of the file; FreeMoCap is recognised by the content."""
    document = _document(path)
    return _unit_of(document, find_camera_tables(document))


def _unit_of(document: object, tables: Sequence[CameraTable]) -> LengthUnit:
    metadata = document.get("metadata") if isinstance(document, dict) else None
    metadata = metadata if isinstance(metadata, dict) else {}
    by_tables = all({"id", "index"} <= table.values.keys() or "world_position" in table.values for table in tables)
    if not (by_tables or _FREEMOCAP_KEYS & metadata.keys()):
        return DEFAULT_UNIT
    square = metadata.get("charuco_square_size")
    in_metres = isinstance(square, int | float) and 0 < square < _SMALLEST_SQUARE
    return "m" if in_metres else FREEMOCAP_UNIT


def _is_used(table: CameraTable, where: str, options: ReadOptions) -> bool:
    if flag(table.values.get("ignore"), f'{where}: camera "{table.name}": ignore'):
        _logger.info('%s: camera "%s" is marked to be ignored', where, table.name)
        return False
    is_caliscope = "cam_id" in table.values or "port" in table.values
    missing = [key for key in ("matrix", "rotation", "translation") if table.values.get(key) is None]
    if is_caliscope and missing:
        what = ", ".join(missing)
        options.on_note(f'{where}: camera "{table.name}" is left out: it is not calibrated (no {what})')
        return False
    return True


def write_toml(rig: Rig, path: Path, *, unit: str = DEFAULT_UNIT) -> None:
    """Write the rig as a calibration for Pose2Sim and Anipose.

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
    # Strings, numbers, lists and booleans are the same in JSON and TOML.
    return f"[{key}]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())


def _resembles_toml(document: object, text: str) -> bool:
    return document is None and "=" in text and not text.lstrip().startswith(("{", "<", "%"))


FORMAT = CalibrationFormat(
    name="toml",
    default_unit=DEFAULT_UNIT,
    reject=reject_toml,
    read=read_toml,
    resembles=_resembles_toml,
    unit_of=unit_of_toml,
    suffixes=(".toml",),
)
