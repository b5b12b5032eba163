"""Search for camera tables in a TOML or JSON document: `[cam01]`, `[cam.01]`, `[[cameras]]`, or a list.

A table belongs to a camera if it contains a `matrix`. The tables of Caliscope (`port` or `cam_id`) need only a `size`.
Keys may be in upper or lower case. Caliscope writes the string "null" for missing values; such values are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from poseharvest.calibration.build import CameraNumbers
from poseharvest.calibration.values import flag, image_size, name, shown
from poseharvest.errors import FormatError

_MAX_DEPTH = 6
_NO_CAMERAS = frozenset({"metadata"})
_CALISCOPE = "cameras"


@dataclass(frozen=True)
class CameraTable:
    """The table of one camera in a document.

    Attributes:
        name: the camera's name.
        values: the values of the table by key in lower case, without null values.
    """

    name: str
    values: Mapping[str, Any]


def find_camera_tables(document: object) -> tuple[CameraTable, ...]:
    """Return the tables of the cameras, in the order of the document.

    Raises:
        FormatError: a table contains a key twice, or its name is not valid.
    """
    return tuple(_walk(document, ()))


def _walk(value: object, path: tuple[str, ...]) -> Iterator[CameraTable]:
    if len(path) > _MAX_DEPTH:
        return
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _walk(item, (*path, str(number))) if isinstance(item, dict) else ()
    elif isinstance(value, dict):
        values = _lower(value, path)
        if path and _is_camera(values, path):
            yield CameraTable(_name(values, path), values)
            return
        for key, item in value.items():
            if key not in _NO_CAMERAS and isinstance(item, dict | list):
                yield from _walk(item, (*path, str(key)))


def _lower(table: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    lowered = [str(key).lower() for key in table]
    twice = sorted({key for key in lowered if lowered.count(key) > 1})
    if twice and "matrix" in lowered:
        raise FormatError(f'table "{".".join(path)}": expected every key once, got twice: {", ".join(twice)}')
    return {key: item for key, item in zip(lowered, table.values(), strict=True) if item is not None and item != "null"}


def _is_camera(values: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    of_caliscope = "port" in values or "cam_id" in values or path[:-1] == (_CALISCOPE,)
    return "matrix" in values or (of_caliscope and "size" in values)


def _name(values: Mapping[str, Any], path: tuple[str, ...]) -> str:
    what = f'table "{".".join(path)}"'
    if path[:-1] == (_CALISCOPE,) and "port" in values:
        return f"port_{name(values['port'], f'{what}: port')}"
    if path[:-1] == (_CALISCOPE,) and "cam_id" in values:
        return f"cam_{name(values['cam_id'], f'{what}: cam_id')}"
    if "name" in values:
        return name(values["name"], f"{what}: name")
    return f"cam_{path[-1]}" if path[:-1] == (_CALISCOPE,) else ".".join(path)


def camera_of_table(table: CameraTable, where: str) -> CameraNumbers:
    """Return the camera numbers of a table.

    Raises:
        FormatError: the size or a flag is not valid, or the table contains two distortions.
    """
    what, values = f'{where}: camera "{table.name}"', table.values
    size = values.get("size")
    return CameraNumbers(
        name=table.name,
        image_size=None if size is None else image_size(size, f"{what}: size"),
        matrix=values.get("matrix"),
        rotation=values.get("rotation"),
        translation=values.get("translation"),
        coefficients=_coefficients(values, what),
        fisheye=flag(values.get("fisheye"), f"{what}: fisheye"),
        viewing_turn=_viewing_turn(values.get("rotation_count", 0), f"{what}: rotation_count"),
    )


def _viewing_turn(count: object, what: str) -> int:
    """Return the turn, degrees clockwise, of the quarter turns of Caliscope."""
    if isinstance(count, bool) or not isinstance(count, int):
        raise FormatError(f"{what}: expected a whole number of quarter turns, got {shown(count)}")
    return 90 * (count % 4)


def _coefficients(values: Mapping[str, Any], what: str) -> object:
    """Return the distortion under any of its keys: `distortions`, `distortion`, `dist`, `distCoef`."""
    keys = [key for key in values if key.startswith("dist")]
    if len(keys) > 1:
        raise FormatError(f"{what}: expected the distortion once, got {', '.join(keys)}")
    if keys and isinstance(values[keys[0]], dict):
        raise FormatError(f"{what}: {keys[0]}: expected numbers, got {shown(values[keys[0]])}")
    return values[keys[0]] if keys else None
