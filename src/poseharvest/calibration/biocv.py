"""The calibration of the bioCV data set: a text file `NAME.calib` a camera, in one folder. Reading only.

Lines of numbers: width; height; the three rows of the intrinsic matrix; four rows of the matrix of
``x_cam = R @ x_world + t``, in millimetres; k1 k2 p1 p2 k3 of OpenCV. Empty lines may stand between them. `NAME` is
that of the camera's video, its ending included (`00.mp4.calib`).
"""

from __future__ import annotations

import re
from pathlib import Path, PurePath

from poseharvest.calibration.build import CameraNumbers, ReadOptions, build_rig
from poseharvest.calibration.calibration_format import CalibrationFormat
from poseharvest.calibration.values import image_size, numbers
from poseharvest.errors import FormatError
from poseharvest.geometry.rig import Rig
from poseharvest.reading.documents import read_text
from poseharvest.units import LengthUnit, mm_per

DEFAULT_UNIT: LengthUnit = "mm"
SUFFIX = ".calib"

_NUM_LINES = 10
_TWO_SIZES = re.compile(r"\s*\d{2,5}\s*\n\s*\d{2,5}\s*(\n|$)")
_VIDEOS = frozenset({".mp4", ".avi", ".mov", ".mkv"})


def reject_biocv(path: Path) -> str | None:
    """Return why the file is not one of bioCV; None if it is one."""
    try:
        lines = _lines(path)
    except FormatError as error:
        return str(error)
    counts = [len(line) for line in lines]
    if len(lines) != _NUM_LINES or counts[:9] != [1, 1, 3, 3, 3, 4, 4, 4, 4] or counts[9] < 4:
        return f"expected {_NUM_LINES} lines of numbers (size, intrinsics, extrinsics, lens), got {len(lines)} lines"
    return None


def read_biocv(path: Path, options: ReadOptions | None = None) -> Rig:
    """Return the rig of all files `*.calib` in the folder of one of them.

    Raises:
        FormatError: a file is damaged.
        CalibrationError: a camera is impossible.
    """
    options = options or ReadOptions()
    cameras = [_camera(one) for one in _siblings(path)]
    return build_rig(cameras, path.parent.name, mm_per(options.unit or DEFAULT_UNIT), options)


def _siblings(path: Path) -> list[Path]:
    """Return the files of all cameras; the one that is named alone if it has another ending."""
    found = sorted(one for one in path.parent.glob(f"*{SUFFIX}") if not one.name.startswith("."))
    return found if path in found else [path]


def _lines(path: Path) -> list[list[str]]:
    return [line.split() for line in read_text(path).splitlines() if line.strip()]


def _camera(path: Path) -> CameraNumbers:
    reason = reject_biocv(path)
    if reason is not None:
        start = f"{path.name}: "
        raise FormatError(f"{start}not a calibration of bioCV: {reason.removeprefix(start)}")
    lines = _lines(path)
    pose = numbers(lines[5:9], (4, 4), f"{path.name}: extrinsics")
    name = PurePath(path.name.removesuffix(SUFFIX))
    return CameraNumbers(
        name=name.stem if name.suffix.lower() in _VIDEOS else name.name,
        image_size=image_size([lines[0][0], lines[1][0]], f"{path.name}: width and height"),
        matrix=numbers(lines[2:5], (3, 3), f"{path.name}: intrinsics"),
        rotation=pose[:3, :3],
        translation=pose[:3, 3],
        coefficients=lines[9],
    )


def _leader(path: Path) -> Path:
    """Return the first `*.calib` of the folder for any of them."""
    return _siblings(path)[0] if path.suffix == SUFFIX else path


FORMAT = CalibrationFormat(
    name="biocv",
    default_unit=DEFAULT_UNIT,
    reject=reject_biocv,
    read=read_biocv,
    resembles=lambda document, text: _TWO_SIZES.match(text) is not None,
    suffixes=(SUFFIX,),
    leader=_leader,
)
