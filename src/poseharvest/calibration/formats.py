"""Which calibration formats there are, which one a file is of, and reading it.

| name | written by | unit if none is given |
|---|---|---|
| rig | poseharvest (`rig.json` in a harvest) | mm, always |
| toml | Pose2Sim, Caliscope (m); Anipose (its board's unit: give it); FreeMoCap (mm) | m, FreeMoCap's mm |
| opencv_yaml | EasyMocap (`intri.yml`, `extri.yml`) | m |
| h36m | Human3.6M camera parameters as JSON | mm |
| aist | AIST++ | cm |
| multical | Multical (its board's unit) | m |
| panoptic | CMU Panoptic | cm |
| voxelpose | VoxelPose's Shelf and Campus | mm |
| qualisys | Qualisys Track Manager | mm |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from poseharvest.calibration import (
    aist,
    h36m,
    multical,
    native,
    opencv_yaml,
    panoptic,
    qualisys,
    toml_cameras,
    voxelpose,
)
from poseharvest.calibration.build import ReadOptions
from poseharvest.calibration.documents import load_json, read_text
from poseharvest.calibration.foreign import foreign_kind
from poseharvest.calibration.other_readings import have_one_pose
from poseharvest.calibration.values import shown
from poseharvest.errors import CalibrationError, FormatError, HarvestError
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.units import LengthUnit, mm_per


@dataclass(frozen=True)
class CalibrationFormat:
    """A calibration format.

    Attributes:
        default_unit: the unit of length if the user gives none.
        reject: returns why a file is not of this format, None if it is.
        read: returns the rig of a file.
        resembles: whether a file's JSON (None if it is none) and text look like this format, for a message that says
            what is wrong in it.
        unit_of: returns the unit of one file where the format's tools differ in it.
    """

    default_unit: LengthUnit
    reject: Callable[[Path], str | None]
    read: Callable[[Path, ReadOptions], Rig]
    resembles: Callable[[Any, str], bool]
    unit_of: Callable[[Path], LengthUnit] | None = None


def _has(document: object, *keys: str) -> bool:
    return isinstance(document, dict) and bool(document.keys() & set(keys))


def _has_posed_cameras(document: object) -> bool:
    return isinstance(document, dict) and any(_has(camera, "R", "T", "K") for camera in document.values())


FORMATS: Mapping[str, CalibrationFormat] = MappingProxyType({
    "rig": CalibrationFormat(
        native.DEFAULT_UNIT, native.reject_rig, native.read_rig, lambda document, text: _has(document, "format")
    ),
    "toml": CalibrationFormat(
        toml_cameras.DEFAULT_UNIT,
        toml_cameras.reject_toml,
        toml_cameras.read_toml,
        lambda document, text: document is None and "=" in text and not text.lstrip().startswith(("{", "<", "%")),
        toml_cameras.unit_of_toml,
    ),
    "opencv_yaml": CalibrationFormat(
        opencv_yaml.DEFAULT_UNIT,
        opencv_yaml.reject_opencv_yaml,
        opencv_yaml.read_opencv_yaml,
        lambda document, text: text.startswith("%YAML") or "!!opencv-matrix" in text,
    ),
    "h36m": CalibrationFormat(
        h36m.DEFAULT_UNIT,
        h36m.reject_h36m,
        h36m.read_h36m,
        lambda document, text: _has(document, "intrinsics", "extrinsics"),
    ),
    "multical": CalibrationFormat(
        multical.DEFAULT_UNIT,
        multical.reject_multical,
        multical.read_multical,
        lambda document, text: _has(document, "camera_poses"),
    ),
    "panoptic": CalibrationFormat(
        panoptic.DEFAULT_UNIT,
        panoptic.reject_panoptic,
        panoptic.read_panoptic,
        lambda document, text: _has(document, "cameras"),
    ),
    "voxelpose": CalibrationFormat(
        voxelpose.DEFAULT_UNIT,
        voxelpose.reject_voxelpose,
        voxelpose.read_voxelpose,
        lambda document, text: _has_posed_cameras(document),
    ),
    "aist": CalibrationFormat(
        aist.DEFAULT_UNIT, aist.reject_aist, aist.read_aist, lambda document, text: isinstance(document, list)
    ),
    "qualisys": CalibrationFormat(
        qualisys.DEFAULT_UNIT,
        qualisys.reject_qualisys,
        qualisys.read_qualisys,
        lambda document, text: "<calibration" in text,
    ),
})


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
        found = ", ".join(rig.names) or "none"
        raise CalibrationError(f"{path.name}: expected at least two cameras, got {len(rig)} ({found})")
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
        return f": {str(error).removeprefix(start)}"
    for name, known in FORMATS.items():
        if known.resembles(document, text):
            return f", nearest to {name}: {str(known.reject(path)).removeprefix(start)}"
    return f": expected one of {', '.join(FORMATS)}, got {shown(text)}"
