"""Which calibration formats there are, which one a file is of, and reading it."""

from __future__ import annotations

from pathlib import Path

from poseharvest.calibration.build import ReadOptions
from poseharvest.calibration.calibration_format import CalibrationFormat
from poseharvest.calibration.foreign import foreign_kind
from poseharvest.calibration.other_readings import have_one_pose
from poseharvest.calibration.values import shown
from poseharvest.errors import CalibrationError, FormatError, HarvestError
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.module_records import records_of
from poseharvest.reading.documents import load_json, read_text
from poseharvest.units import LengthUnit, mm_per

MODULES = (
    "native",
    "toml_cameras",
    "opencv_yaml",
    "h36m",
    "multical",
    "panoptic",
    "voxelpose",
    "aist",
    "qualisys",
    "vicon",
    "optitrack",
    "calib_io",
    "colmap",
    "biocv",
    "opencap",
)
"""The modules of formats, each with its record as `FORMAT`. A file is of the first that does not reject it."""

FORMATS = records_of("poseharvest.calibration", MODULES, "FORMAT", CalibrationFormat)
"""Every calibration format."""


def read_file(path: Path, options: ReadOptions, *, format: str | None = None) -> Rig:
    """Return the rig of a calibration file.

    Raises:
        CalibrationError: as `read_calibration`.
        FormatError: the file is damaged.
    """
    if not path.exists():
        raise CalibrationError(f"{path}: expected a calibration file or folder, found nothing there")
    if options.unit is not None:
        mm_per(options.unit)
    name = _checked_name(format) if format is not None else recognise(path)
    try:
        rig = FORMATS[name].read(path, options)
    except HarvestError as error:
        start = f"{path.name}: "
        if format is not None or not str(error).startswith(start):
            raise
        raise type(error)(f"{start}read as {name}: {str(error).removeprefix(start)}") from error
    if len(rig) < 2:
        names = ", ".join(rig.names) or "none"
        raise CalibrationError(f"{path.name}: expected at least two cameras, got {len(rig)} ({names})")
    _check_places(rig, path.name)
    return rig


def _check_places(rig: Rig, where: str) -> None:
    """Refuse cameras that all stand and look alike: what a tool writes before it knows the extrinsics."""
    cameras = [camera for camera in rig.at(0) if isinstance(camera, Camera)]
    if len(cameras) == len(rig) and all(have_one_pose(cameras[0], camera) for camera in cameras):
        raise CalibrationError(
            f"{where}: no extrinsics: all {len(rig)} cameras stand at one place, expected where each one stands: "
            "calibrate their places too, then name that file by --calibration"
        )


def unit_of(path: Path, format: str | None = None) -> LengthUnit:
    """Return the unit of length in which a calibration file is read if the user gives none."""
    known = FORMATS[_checked_name(format) if format is not None else recognise(path)]
    return known.default_unit if known.unit_of is None else known.unit_of(path)


def _checked_name(name: str) -> str:
    if name not in FORMATS:
        raise CalibrationError(f'calibration format: expected one of {", ".join(FORMATS)}, got "{name}"')
    return name


def is_calibration(path: Path) -> bool:
    """Return whether the file is of a known format."""
    return any(known.reject(path) is None for known in FORMATS.values())


def recognise(path: Path) -> str:
    """Return the name of the file's format.

    Raises:
        CalibrationError: it is none of the known ones; the message says what it is instead, or what is wrong in it by
            the format to which it is nearest.
    """
    for name, known in FORMATS.items():
        if known.reject(path) is None:
            return name
    kind = foreign_kind(path)
    if kind is not None:
        raise CalibrationError(f"{path.name}: expected a calibration, got {kind.what}: {kind.remedy}")
    raise CalibrationError(f"{path.name}: not a calibration of a known format{_what_is_wrong(path)}")


def _what_is_wrong(path: Path) -> str:
    """Return the end of a sentence: the nearest format and what keeps the file from being one."""
    start, document, text = f"{path.name}: ", None, ""
    try:
        text = read_text(path)
        document = load_json(path) if text.lstrip().startswith(("{", "[")) and path.suffix != ".toml" else None
    except FormatError as error:
        binary = [known for known in FORMATS.values() if known.is_binary and path.suffix.lower() in known.suffixes]
        reasons = [f", nearest to {known.name}: {str(known.reject(path)).removeprefix(start)}" for known in binary]
        return "".join(reasons) or f": {str(error).removeprefix(start)}"
    for name, known in FORMATS.items():
        if known.resembles(document, text):
            return f", nearest to {name}: {str(known.reject(path)).removeprefix(start)}"
    return f": expected one of {', '.join(FORMATS)}, got {shown(text)}"
