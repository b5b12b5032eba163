"""The camera calibration of Qualisys Track Manager (`.qca.txt`, XML). Reading only.

Intrinsics and sensor positions are in 1/64 pixel. In `transform`, x, y, z is the centre of the camera in millimetres.
Its matrix maps the world to a camera with y up and z backwards, so rows two and three change sign. The lens
coefficients are those of OpenCV, without a factor of 64. A picture covers `fov_video`, both ends included. Cameras that
are not `active` are left out. `viewrotation` is a clockwise turn of the displayed, and possibly of the exported,
pictures. In some files the numbers belong to the sensor, in others to the turned picture; the size of the footage
decides (`image_size.fit_camera`).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from poseharvest.calibration.build import CameraNumbers, ReadOptions, build_rig
from poseharvest.calibration.calibration_format import CalibrationFormat
from poseharvest.calibration.values import image_size_of
from poseharvest.calibration.xml_numbers import attributes
from poseharvest.errors import FormatError
from poseharvest.geometry.refit import QUARTER_TURNS
from poseharvest.geometry.rig import Rig
from poseharvest.reading.documents import load_xml
from poseharvest.units import LengthUnit, mm_per

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

DEFAULT_UNIT: LengthUnit = "mm"

_SUBPIXELS = 64.0
_OPENCV_FROM_QUALISYS = np.diag([1.0, -1.0, -1.0])


def reject_qualisys(path: Path) -> str | None:
    """Return why the file is not a calibration of Qualisys; None if it is one."""
    try:
        _cameras(path)
    except FormatError as error:
        return str(error)
    return None


def read_qualisys(path: Path, options: ReadOptions | None = None) -> Rig:
    """Return the rig of a Qualisys calibration; the names of the cameras are their serial numbers.

    Raises:
        FormatError: the file is damaged, or a value is missing.
        CalibrationError: a camera is impossible.
    """
    options = options or ReadOptions()
    cameras = [_camera(camera, path.name) for camera in _cameras(path)]
    return build_rig(cameras, path.name, mm_per(options.unit or DEFAULT_UNIT), options)


def _cameras(path: Path) -> list[Element]:
    root = load_xml(path)
    cameras = [camera for camera in root.iter("camera") if camera.get("active", "1") == "1"]
    if root.tag != "calibration" or not cameras:
        raise FormatError(f"{path.name}: expected <calibration> with active <camera> elements, got <{root.tag}>")
    return cameras


def _camera(camera: Element, where: str) -> CameraNumbers:
    name = camera.get("serial", "")
    what = f'{where}: camera "{name}"'
    keys = [f"r{row}{column}" for row in "123" for column in "123"]
    rotation = _OPENCV_FROM_QUALISYS @ attributes(camera, "transform", keys, what).reshape(3, 3)
    lens = attributes(camera, "intrinsic", _LENS_KEYS, what)
    left, right, top, bottom = attributes(camera, "fov_video", ("left", "right", "top", "bottom"), what)
    return CameraNumbers(
        name=name,
        image_size=image_size_of(bottom - top + 1, right - left + 1, f"{what}: <fov_video>"),
        matrix=_matrix(camera, what) - np.array([[0.0, 0.0, left], [0.0, 0.0, top], [0.0, 0.0, 0.0]]),
        rotation=rotation,
        translation=-rotation @ attributes(camera, "transform", ("x", "y", "z"), what),
        coefficients=lens,
        viewing_turn=_viewing_turn(camera.get("viewrotation", "0"), what),
    )


def _viewing_turn(text: str, what: str) -> int:
    try:
        degrees = float(text) % 360
    except ValueError:
        degrees = math.nan
    if degrees not in QUARTER_TURNS:
        raise FormatError(f"{what}: expected a viewrotation of 0, 90, 180 or 270, got {text}")
    return round(degrees)


_LENS_KEYS = (
    "radialDistortion1",
    "radialDistortion2",
    "tangentalDistortion1",
    "tangentalDistortion2",
    "radialDistortion3",
)


def _matrix(camera: Element, what: str) -> np.ndarray:
    keys = ("focalLengthU", "skew", "centerPointU", "focalLengthV", "centerPointV")
    fx, skew, cx, fy, cy = attributes(camera, "intrinsic", keys, what) / _SUBPIXELS
    return np.array([[fx, skew, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])


FORMAT = CalibrationFormat(
    name="qualisys",
    default_unit=DEFAULT_UNIT,
    reject=reject_qualisys,
    read=read_qualisys,
    resembles=lambda document, text: "<calibration>" in text or "<calibration " in text,
    suffixes=(".txt", ".qca", ".xml"),
)
