"""Calibrations as OpenCV FileStorage YAML: `intri.yml` and `extri.yml` of EasyMocap.

Per camera NAME, in `intri.yml`: `K_NAME` (3 x 3), `dist_NAME` (or `D_NAME`), and in newer files `H_NAME`, `W_NAME`; in
`extri.yml`: `R_NAME` (a Rodrigues vector), `Rot_NAME` (3 x 3, preferred if both exist), `T_NAME` in metres, with
``x_cam = R @ x_world + t``. `names` lists the cameras. Files without H and W do not contain the picture sizes; these
come from the footage (`ReadOptions.image_sizes`). A single file with both parts is also supported.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np

from poseharvest.arrays import ImageSize
from poseharvest.calibration.build import (
    CameraNumbers,
    ReadOptions,
    brown_conrady_coefficients,
    build_rig,
    perspective_cameras,
)
from poseharvest.calibration.calibration_format import CalibrationFormat
from poseharvest.calibration.file_storage import parse_file_storage
from poseharvest.calibration.values import Numbers, image_size_of, numbers
from poseharvest.errors import FormatError
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.reading.documents import read_text, write_text
from poseharvest.units import LengthUnit, mm_per

DEFAULT_UNIT: LengthUnit = "m"
INTRINSICS_FILE, EXTRINSICS_FILE = "intri.yml", "extri.yml"

_COMPANIONS = MappingProxyType({INTRINSICS_FILE: EXTRINSICS_FILE, EXTRINSICS_FILE: INTRINSICS_FILE})
_PREFIXES = ("K_", "R_", "Rot_")


def reject_opencv_yaml(path: Path) -> str | None:
    """Return why the file is not an OpenCV calibration; None if it is one."""
    try:
        text = read_text(path)
        if not text.startswith("%YAML"):
            return "does not begin with %YAML"
        keys = parse_file_storage(text, path.name)
    except FormatError as error:
        return str(error)
    return None if any(key.startswith(_PREFIXES) for key in keys) else "no K_, R_ or Rot_ entries"


def read_opencv_yaml(path: Path, options: ReadOptions | None = None) -> Rig:
    """Return the rig of an EasyMocap calibration.

    Args:
        path: the folder with `intri.yml` and `extri.yml`, either of the two, or one file with everything.
        options: information that the file may lack.

    Raises:
        FormatError: a part is missing or damaged, or lacks a camera.
        CalibrationError: a camera is impossible, or the picture size is unknown.
    """
    options = options or ReadOptions()
    path = path / INTRINSICS_FILE if path.is_dir() else path
    entries: dict[str, Any] = {}
    for part in (path, path.with_name(_COMPANIONS.get(path.name, path.name))):
        if not part.is_file():
            raise FormatError(f"{part.name}: expected it beside {path.name} in {part.parent}, found no such file")
        entries |= parse_file_storage(read_text(part), part.name)
    cameras = [_camera(name, entries, path.name) for name in _names(entries, path.name)]
    return build_rig(cameras, path.name, mm_per(options.unit or DEFAULT_UNIT), options)


def _names(entries: dict[str, Any], where: str) -> list[str]:
    listed = entries.get("names")
    if isinstance(listed, list) and listed and all(isinstance(name, str) for name in listed):
        return listed
    # Names without quotes are read as numbers without leading zeros, so the keys are used instead.
    names = [key.removeprefix("K_") for key in entries if key.startswith("K_")]
    if not names:
        raise FormatError(
            f"{where}: expected names or entries K_NAME, got {', '.join(sorted(entries)[:6]) or 'nothing'}"
        )
    return names


def _camera(name: str, entries: dict[str, Any], where: str) -> CameraNumbers:
    distortion: Numbers | None = entries.get(f"dist_{name}")
    return CameraNumbers(
        name=name,
        image_size=_image_size(
            entries.get(f"H_{name}"), entries.get(f"W_{name}"), f'{where}: camera "{name}": H and W'
        ),
        matrix=entries.get(f"K_{name}"),
        rotation=entries.get(f"Rot_{name}", entries.get(f"R_{name}")),
        translation=entries.get(f"T_{name}"),
        coefficients=entries.get(f"D_{name}") if distortion is None else distortion,
    )


def _image_size(height: object, width: object, what: str) -> ImageSize | None:
    """Return (height, width); None if the file has neither."""
    if height is None and width is None:
        return None
    rows, columns = (float(numbers(edge, (1,), what)[0]) for edge in (height, width))
    return image_size_of(rows, columns, what)


def write_opencv_yaml(rig: Rig, folder: Path, *, unit: str = DEFAULT_UNIT) -> None:
    """Write the rig as `intri.yml` and `extri.yml` into the folder, which must exist.

    Raises:
        FormatError: a camera is affine, moving or has a fisheye lens, a name is not valid as a key, or writing fails.
    """
    cameras = perspective_cameras(rig, "OpenCV YAML")
    write_text(folder / INTRINSICS_FILE, _dump(rig.names, [e for c in cameras for e in _intrinsics(c)]))
    write_text(folder / EXTRINSICS_FILE, _dump(rig.names, [e for c in cameras for e in _extrinsics(c, mm_per(unit))]))


def _intrinsics(camera: Camera) -> list[tuple[str, Any]]:
    coefficients = brown_conrady_coefficients(
        camera, "OpenCV YAML", 8 if len(camera.distortion.coefficients) > 5 else 5
    )
    return [
        (f"K_{camera.name}", camera.px_from_cam.double().cpu().numpy()),
        (f"dist_{camera.name}", cv2.transpose(_column(coefficients))),
        (f"H_{camera.name}", camera.image_size[0]),
        (f"W_{camera.name}", camera.image_size[1]),
    ]


def _extrinsics(camera: Camera, mm_per_unit: float) -> list[tuple[str, Any]]:
    rotation = camera.rotation.double().cpu().numpy()
    return [
        (f"R_{camera.name}", cv2.Rodrigues(rotation)[0]),
        (f"Rot_{camera.name}", rotation),
        (f"T_{camera.name}", _column((camera.translation.double() / mm_per_unit).tolist())),
    ]


def _column(values: list[float]) -> Numbers:
    return np.array(values, dtype=np.float64).reshape(-1, 1)


def _dump(names: tuple[str, ...], entries: list[tuple[str, Any]]) -> str:
    try:
        storage = cv2.FileStorage("", cv2.FILE_STORAGE_WRITE | cv2.FILE_STORAGE_MEMORY | cv2.FILE_STORAGE_FORMAT_YAML)
        storage.write("names", list(names))
        for key, value in entries:
            storage.write(key, value)
        return str(storage.releaseAndGetString())
    except cv2.error as error:
        listed = ", ".join(names)
        raise FormatError(f"OpenCV YAML cannot hold a camera of these names ({listed}): {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    """Return the error message of OpenCV without the place in its source code."""
    return " ".join(str(error).split("error:", 1)[-1].split())


def _leader(path: Path) -> Path:
    """Return `intri.yml` for the `extri.yml` beside it."""
    intrinsics = path.with_name(INTRINSICS_FILE)
    return intrinsics if path.name == EXTRINSICS_FILE and intrinsics.is_file() else path


FORMAT = CalibrationFormat(
    name="opencv_yaml",
    default_unit=DEFAULT_UNIT,
    reject=reject_opencv_yaml,
    read=read_opencv_yaml,
    resembles=lambda document, text: text.startswith("%YAML") or "!!opencv-matrix" in text,
    suffixes=(".yml", ".yaml", ".xml"),
    leader=_leader,
)
