"""Reading any calibration: a file of any of the formats (`formats.FORMATS`), or the one in a folder (`search`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from poseharvest.arrays import ImageSize
from poseharvest.calibration.build import ReadOptions
from poseharvest.calibration.folder_search import find_calibration
from poseharvest.calibration.formats import FORMATS, read_file, recognise
from poseharvest.geometry.rig import Rig
from poseharvest.units import LengthUnit

__all__ = ["FORMATS", "find_calibration", "read_calibration", "recognise"]


def read_calibration(
    path: str | Path,
    *,
    format: str | None = None,
    unit: LengthUnit | None = None,
    subject: str | None = None,
    camera_type: str | None = None,
    image_sizes: Mapping[str, ImageSize] | None = None,
) -> Rig:
    """Return the rig of a calibration file, or of the one calibration in a folder, in mm.

    Args:
        path: the file or folder.
        format: a name of `FORMATS`; None recognises it by the content.
        unit: the file's unit of length; None takes the format's own.
        subject: which subject's extrinsics (Human3.6M).
        camera_type: which type of camera (CMU Panoptic; "hd" if none is given).
        image_sizes: (height, width) of the footage by its name, for formats that may lack it (EasyMocap, VoxelPose).

    Raises:
        CalibrationError: there is none, more than one, of no known format, with an impossible camera, with all cameras
            at one place, or with fewer than two.
        FormatError: the file is damaged.
    """
    path = Path(path)
    source = find_calibration(path) if path.is_dir() else path
    return read_file(source, ReadOptions(unit, subject, camera_type, image_sizes), format=format)
