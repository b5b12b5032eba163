"""The calibration of OpenCap: `Videos/CAMERA/cameraIntrinsicsExtrinsics.pickle`. Reading only.

A table of arrays a camera: `intrinsicMat` (3 x 3), `distortion` (k1 k2 p1 p2 k3 of OpenCV), `imageSize` (height,
width), `rotation` (3 x 3) and `translation` of ``x_cam = R @ x_world + t`` in millimetres. The world is that of the
calibration board, which in OpenCap stands upright. `reading.pickled_arrays` interprets the pickle and runs no code.

A camera is called as the folder of its file. Where the files of all cameras lie in one folder under names of their own
(`cam00.pickle`), it is called as the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poseharvest.arrays import ImageSize
from poseharvest.calibration.build import CameraNumbers, ReadOptions, build_rig
from poseharvest.calibration.calibration_format import CalibrationFormat
from poseharvest.calibration.values import image_size_of, numbers
from poseharvest.errors import FormatError, HarvestError
from poseharvest.geometry.rig import Rig
from poseharvest.reading.guard import read_bytes
from poseharvest.reading.pickled_arrays import read_pickle
from poseharvest.units import LengthUnit, mm_per

DEFAULT_UNIT: LengthUnit = "mm"
FILE_NAME = "cameraIntrinsicsExtrinsics.pickle"
SUFFIXES = (".pickle", ".pkl")

_KEYS = ("intrinsicMat", "distortion", "imageSize", "rotation", "translation")
_PICKLE_START = b"\x80"  # of protocol 2 and later
_MAX_BYTES = 1_000_000


def reject_opencap(path: Path) -> str | None:
    """Return why the file is not a camera of OpenCap; None if it is one."""
    try:
        _table(path)
    except HarvestError as error:
        return str(error)
    return None


def read_opencap(path: Path, options: ReadOptions | None = None) -> Rig:
    """Return the rig of the cameras in the folders beside that of the file, or of the files beside it.

    Raises:
        FormatError: a file is damaged or a key is missing.
        CalibrationError: a camera is impossible.
    """
    options = options or ReadOptions()
    cameras = [_camera(name, file) for name, file in _siblings(path).items()]
    return build_rig(cameras, path.name, mm_per(options.unit or DEFAULT_UNIT), options)


def _siblings(path: Path) -> dict[str, Path]:
    """Return the files of all cameras by the camera's name."""
    if path.name == FILE_NAME:
        return {file.parent.name: file for file in sorted(path.absolute().parent.parent.glob(f"*/{FILE_NAME}"))}
    files = [file for file in sorted(path.parent.glob("*.p*kl*")) if file.suffix in SUFFIXES]
    return {file.stem: file for file in files if file == path or reject_opencap(file) is None}


def _table(path: Path) -> Mapping[str, Any]:
    if not read_bytes(path, _MAX_BYTES, where=path.name).startswith(_PICKLE_START):
        raise FormatError(f"{path.name}: no pickle")
    content = read_pickle(path)
    if not isinstance(content, dict) or not {"intrinsicMat", "rotation"} <= content.keys():
        raise FormatError(f"{path.name}: expected a table with {', '.join(_KEYS)}")
    return content


def _camera(name: str, path: Path) -> CameraNumbers:
    values = _table(path)
    what = f'{path.name}: camera "{name}"'
    return CameraNumbers(
        name=name,
        image_size=_image_size(values.get("imageSize"), f"{what}: imageSize"),
        matrix=values["intrinsicMat"],
        rotation=values["rotation"],
        translation=values.get("translation"),
        coefficients=values.get("distortion"),
    )


def _image_size(value: object, what: str) -> ImageSize | None:
    if value is None:
        return None
    height, width = numbers(value, (2,), what).tolist()
    return image_size_of(height, width, what)


def _leader(path: Path) -> Path:
    """Return the first camera's file for that of any camera."""
    if path.suffix not in SUFFIXES or reject_opencap(path) is not None:
        return path
    first = next(iter(_siblings(path).values()), path)
    return path.parent.parent / first.parent.name / FILE_NAME if path.name == FILE_NAME else first


FORMAT = CalibrationFormat(
    name="opencap",
    default_unit=DEFAULT_UNIT,
    reject=reject_opencap,
    read=read_opencap,
    resembles=lambda document, text: False,
    suffixes=SUFFIXES,
    is_binary=True,
    deeper=(f"*/{FILE_NAME}", f"Videos/*/{FILE_NAME}"),
    leader=_leader,
)
