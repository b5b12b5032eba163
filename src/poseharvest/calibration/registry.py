"""Which calibration formats there are, and reading any of them.

| name | written by | unit if none is given |
|---|---|---|
| rig | poseharvest (`rig.json` in a harvest) | mm, always |
| toml | Pose2Sim, Caliscope (m); Anipose (its board's unit: give it) | m |
| opencv_yaml | EasyMocap (`intri.yml`, `extri.yml`) | m |
| h36m | Human3.6M camera parameters as JSON | mm |
| panoptic | CMU Panoptic | cm |
| voxelpose | VoxelPose's Shelf and Campus | mm |
| qualisys | Qualisys Track Manager | mm |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from poseharvest.arrays import ImageSize
from poseharvest.calibration import h36m, native, opencv_yaml, panoptic, qualisys, toml, voxelpose
from poseharvest.calibration.build import ReadOptions
from poseharvest.errors import CalibrationError
from poseharvest.geometry.rig import Rig
from poseharvest.units import LengthUnit, mm_per

_SUFFIXES = frozenset({".toml", ".json", ".yml", ".yaml", ".xml", ".txt", ".qca"})
_MAX_BYTES = 50_000_000


@dataclass(frozen=True)
class CalibrationFormat:
    """A calibration format.

    Attributes:
        default_unit: the unit of length if the user gives none.
        reject: returns why a file is not of this format, None if it is.
        read: returns the rig of a file.
    """

    default_unit: str
    reject: Callable[[Path], str | None]
    read: Callable[[Path, ReadOptions], Rig]


FORMATS: Mapping[str, CalibrationFormat] = MappingProxyType({
    "rig": CalibrationFormat(native.DEFAULT_UNIT, native.reject_rig, native.read_rig),
    "toml": CalibrationFormat(toml.DEFAULT_UNIT, toml.reject_toml, toml.read_toml),
    "opencv_yaml": CalibrationFormat(
        opencv_yaml.DEFAULT_UNIT, opencv_yaml.reject_opencv_yaml, opencv_yaml.read_opencv_yaml
    ),
    "h36m": CalibrationFormat(h36m.DEFAULT_UNIT, h36m.reject_h36m, h36m.read_h36m),
    "panoptic": CalibrationFormat(panoptic.DEFAULT_UNIT, panoptic.reject_panoptic, panoptic.read_panoptic),
    "voxelpose": CalibrationFormat(voxelpose.DEFAULT_UNIT, voxelpose.reject_voxelpose, voxelpose.read_voxelpose),
    "qualisys": CalibrationFormat(qualisys.DEFAULT_UNIT, qualisys.reject_qualisys, qualisys.read_qualisys),
})


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
        CalibrationError: there is none, more than one, of no known format, with an impossible camera, or with fewer
            than two cameras.
        FormatError: the file is damaged.
    """
    path = Path(path)
    if not path.exists():
        raise CalibrationError(f"{path}: expected a calibration file or folder, found nothing there")
    if unit is not None:
        mm_per(unit)
    source = find_calibration(path) if path.is_dir() else path
    name = _checked_name(format) if format is not None else recognise(source)
    rig = FORMATS[name].read(source, ReadOptions(unit, subject, camera_type, image_sizes))
    if len(rig) < 2:
        found = ", ".join(rig.names) or "none"
        raise CalibrationError(f"{source.name}: expected at least two cameras, got {len(rig)} ({found})")
    return rig


def _checked_name(name: str) -> str:
    if name not in FORMATS:
        raise CalibrationError(f'calibration format: expected one of {", ".join(FORMATS)}, got "{name}"')
    return name


def recognise(path: Path) -> str:
    """Return the name of the file's format.

    Raises:
        CalibrationError: it is none of the known ones; the message says why for each.
    """
    names_of: dict[str, list[str]] = {}
    for name, known in FORMATS.items():
        reason = known.reject(path)
        if reason is None:
            return name
        names_of.setdefault(reason.removeprefix(f"{path.name}: "), []).append(name)
    tried = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in names_of.items())
    raise CalibrationError(f"{path.name}: not a calibration of a known format ({tried})")


def find_calibration(folder: str | Path) -> Path:
    """Return the one calibration in the folder itself or in a folder `*calib*` within it.

    `intri.yml` and `extri.yml` beside each other are one calibration, returned as `intri.yml`.

    Raises:
        CalibrationError: there is none, or more than one; the message names what was found.
    """
    folder = Path(folder)
    places = [
        folder,
        *(child for child in sorted(folder.iterdir()) if child.is_dir() and "calib" in child.name.lower()),
    ]
    candidates = [path for place in places for path in sorted(place.iterdir()) if _may_be_calibration(path)]
    found = [path for path in candidates if any(known.reject(path) is None for known in FORMATS.values())]
    if len(found) == 1:
        return found[0]
    if not found and len(candidates) == 1:
        recognise(candidates[0])  # says why not
    names = ", ".join(str(path.relative_to(folder)) for path in (found or candidates))
    if found:
        raise CalibrationError(f"{folder}: expected one calibration, found {len(found)}: {names}: say which one to use")
    looked = f"none of {names} is one" if names else "there is no file of its kind"
    raise CalibrationError(f"{folder}: expected a calibration, found none: {looked} (formats: {', '.join(FORMATS)})")


def _may_be_calibration(path: Path) -> bool:
    if path.suffix.lower() not in _SUFFIXES or not path.is_file() or path.stat().st_size > _MAX_BYTES:
        return False
    is_second_half = path.name == opencv_yaml.EXTRINSICS_FILE
    return not (is_second_half and path.with_name(opencv_yaml.INTRINSICS_FILE).is_file())
