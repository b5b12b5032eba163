"""The cameras of AIST++ as JSON: a list of Anipose tables, in centimetres. Reading only.

``[{"name": "c01", "size": [width, height], "matrix", "rotation": a Rodrigues vector, "translation", "distortions"}]``
with ``x_cam = R @ x_world + t``.
"""

from __future__ import annotations

from pathlib import Path

from poseharvest.calibration.build import ReadOptions, build_rig
from poseharvest.calibration.calibration_format import CalibrationFormat
from poseharvest.calibration.camera_tables import camera_of_table, find_camera_tables
from poseharvest.calibration.values import shown
from poseharvest.errors import FormatError
from poseharvest.geometry.rig import Rig
from poseharvest.reading.documents import load_json
from poseharvest.units import LengthUnit, mm_per

DEFAULT_UNIT: LengthUnit = "cm"


def reject_aist(path: Path) -> str | None:
    """Return why the file is not a list of cameras of AIST++; None if it is one."""
    try:
        document = load_json(path)
        if not isinstance(document, list) or not document:
            return "no list of cameras"
        num_cameras = len(find_camera_tables(document))
    except FormatError as error:
        return str(error)
    if num_cameras < len(document):
        return f'a list of cameras, one without a "matrix": {shown(document)}'
    return None


def read_aist(path: Path, options: ReadOptions | None = None) -> Rig:
    """Return the rig of a list of cameras of AIST++.

    Raises:
        FormatError: the file is damaged or a key is missing.
        CalibrationError: a camera is impossible.
    """
    options = options or ReadOptions()
    reason = reject_aist(path)
    if reason is not None:
        raise FormatError(f"{path.name}: not a calibration of AIST++: {reason}")
    cameras = [camera_of_table(table, path.name) for table in find_camera_tables(load_json(path))]
    return build_rig(cameras, path.name, mm_per(options.unit or DEFAULT_UNIT), options)


FORMAT = CalibrationFormat(
    name="aist",
    default_unit=DEFAULT_UNIT,
    reject=reject_aist,
    read=read_aist,
    resembles=lambda document, text: isinstance(document, list),
)
