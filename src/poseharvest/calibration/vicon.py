"""The camera calibration of Vicon (`.xcp`, XML): Nexus, Shogun, Tracker, Blade. Reading only.

A `<Camera>` has `DEVICEID`, `SENSOR_SIZE` (width, height) and `PIXEL_ASPECT_RATIO`, and within, a `<KeyFrame>` of
numbers apart by spaces: `FOCAL_LENGTH` and `PRINCIPAL_POINT` in pixels; `ORIENTATION`, a quaternion with its scalar
last, which turns the world into the camera; `POSITION`, the camera's centre in millimetres. The camera is OpenCV's: x
right, y down, z forward. The focal length is that along x; along y it is divided by the aspect ratio.

`VICON_RADIAL2` of video cameras is a word, a centre and the radial coefficients k1, k2, k3 of OpenCV. As all readers
that we know, we take the principal point for that centre. `VICON_RADIAL` of marker cameras is another model, which maps
pixels the other way: unless its coefficients are zero, such a camera is left out with a note, as are cameras without a
key frame, which were not calibrated.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from poseharvest.calibration.build import CameraNumbers, ReadOptions, build_rig, rotation_of_quaternion
from poseharvest.calibration.calibration_format import CalibrationFormat
from poseharvest.calibration.values import Numbers, image_size, numbers, shown
from poseharvest.errors import CalibrationError, FormatError
from poseharvest.geometry.rig import Rig
from poseharvest.reading.documents import load_xml, read_text
from poseharvest.units import LengthUnit, mm_per

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

DEFAULT_UNIT: LengthUnit = "mm"


def reject_vicon(path: Path) -> str | None:
    """Return why the file is not a calibration of Vicon; None if it is one."""
    try:
        if not read_text(path).lstrip().startswith("<"):
            return "no XML"
        _cameras(path)
    except FormatError as error:
        return str(error)
    return None


def read_vicon(path: Path, options: ReadOptions | None = None) -> Rig:
    """Return the rig of a Vicon calibration; the names of the cameras are their device ids.

    Raises:
        FormatError: the file is damaged, or a value is missing.
        CalibrationError: a camera is impossible, or none can be used.
    """
    options = options or ReadOptions()
    left_out: dict[str, str] = {}
    cameras: list[CameraNumbers] = []
    for camera in _cameras(path):
        name = camera.get("DEVICEID", "")
        frame = camera.find(".//KeyFrame")
        reason = _unusable(frame)
        if frame is None or reason is not None:
            left_out[name] = reason or ""
        else:
            cameras.append(_camera(name, camera, frame, f'{path.name}: camera "{name}"'))
    listed = ", ".join(f"{name} ({reason})" for name, reason in left_out.items())
    if not cameras:
        raise CalibrationError(f"{path.name}: expected calibrated video cameras, got none: {listed}")
    if left_out:
        options.on_note(f"{path.name}: cameras are left out: {listed}")
    return build_rig(cameras, path.name, mm_per(options.unit or DEFAULT_UNIT), options)


def _cameras(path: Path) -> list[Element]:
    root = load_xml(path)
    cameras = [camera for camera in root.iter("Camera") if "DEVICEID" in camera.attrib]
    if root.tag != "Cameras" or not cameras:
        raise FormatError(f"{path.name}: expected <Cameras> with <Camera DEVICEID=...>, got <{root.tag}>")
    return cameras


def _unusable(frame: Element | None) -> str | None:
    """Return why a camera is left out; None if it is used."""
    if frame is None:
        return "not calibrated"
    if frame.get("VICON_RADIAL2") is None and any(_zero_free(frame.get("VICON_RADIAL", ""))):
        return "a marker camera"
    return None


def _zero_free(text: str) -> list[str]:
    """Return the words of a text that are no zero."""
    return [word for word in text.split() if word.strip("-+0.eE")]


def _camera(name: str, camera: Element, frame: Element, what: str) -> CameraNumbers:
    focal = _numbers(frame, "FOCAL_LENGTH", what, 1)[0]
    x, y = _numbers(frame, "PRINCIPAL_POINT", what, 2)
    aspect = float(numbers(camera.get("PIXEL_ASPECT_RATIO", "1"), (1,), f"{what}: PIXEL_ASPECT_RATIO")[0])
    if not aspect > 0:
        raise FormatError(f"{what}: PIXEL_ASPECT_RATIO: expected a positive number, got {aspect:g}")
    rotation = rotation_of_quaternion(_numbers(frame, "ORIENTATION", what, 4), f"{what}: ORIENTATION")
    return CameraNumbers(
        name=name,
        image_size=image_size(camera.get("SENSOR_SIZE", "").split(), f"{what}: SENSOR_SIZE"),
        matrix=np.array([[focal, 0.0, x], [0.0, focal / aspect, y], [0.0, 0.0, 1.0]]),
        rotation=rotation,
        translation=-rotation @ _numbers(frame, "POSITION", what, 3),
        coefficients=_coefficients(frame.get("VICON_RADIAL2"), what),
    )


def _numbers(frame: Element, key: str, what: str, count: int) -> Numbers:
    text = frame.get(key)
    if text is None:
        raise FormatError(f"{what}: <KeyFrame> lacks {key}")
    return numbers(text.split(), (count,), f"{what}: {key}")


def _coefficients(text: str | None, what: str) -> list[float] | None:
    """Return k1, k2, p1, p2, k3; None if there is no lens."""
    if text is None:
        return None
    words = text.split()
    if len(words) != 6 or not words[0].isidentifier():
        raise FormatError(f"{what}: VICON_RADIAL2: expected a name and five numbers, got {shown(text)}")
    k1, k2, k3 = numbers(words[1:], (5,), f"{what}: VICON_RADIAL2")[2:].tolist()
    return [k1, k2, 0.0, 0.0, k3]


FORMAT = CalibrationFormat(
    name="vicon",
    default_unit=DEFAULT_UNIT,
    reject=reject_vicon,
    read=read_vicon,
    resembles=lambda document, text: "<KeyFrame" in text or "VICON_RADIAL" in text,
    suffixes=(".xcp", ".xml"),
)
