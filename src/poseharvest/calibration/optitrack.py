"""The camera calibration of OptiTrack's Motive 3.2 and later (`.mcal`, XML in UTF-16). Reading only.

A `<Camera Serial=...>` holds `<Attributes ImagerPixelWidth ImagerPixelHeight>`,
`<IntrinsicStandardCameraModel LensCenterX LensCenterY HorizontalFocalLength VerticalFocalLength k1 k2 k3 TangentialX
TangentialY>` in pixels, the lens as in OpenCV with p1 = TangentialX and p2 = TangentialY, and
`<Extrinsic X Y Z OrientMatrix0 ... OrientMatrix8>`: the camera's centre in metres, and row by row the rotation that
turns the camera's axes into the world's. That camera looks along -z with y up, so two rows change sign.

`<Intrinsic>` is a model of Motive's own, which is not read. Cameras without the standard model are left out with a
note, as are those that were not calibrated, which stand at the world's origin.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from poseharvest.calibration.build import CameraNumbers, ReadOptions, build_rig
from poseharvest.calibration.calibration_format import CalibrationFormat
from poseharvest.calibration.values import image_size_of
from poseharvest.calibration.xml_numbers import attributes
from poseharvest.errors import CalibrationError, FormatError
from poseharvest.geometry.rig import Rig
from poseharvest.reading.documents import load_xml, read_text
from poseharvest.units import LengthUnit, mm_per

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

DEFAULT_UNIT: LengthUnit = "m"

_LENS = "IntrinsicStandardCameraModel"
_LENS_KEYS = ("k1", "k2", "TangentialX", "TangentialY", "k3")
_PLACE = "Extrinsic"
_OPENCV_FROM_MOTIVE = np.diag([1.0, -1.0, -1.0])


def reject_optitrack(path: Path) -> str | None:
    """Return why the file is not a calibration of Motive; None if it is one."""
    try:
        if not read_text(path).lstrip().startswith("<"):
            return "no XML"
        _cameras(path)
    except FormatError as error:
        return str(error)
    return None


def read_optitrack(path: Path, options: ReadOptions | None = None) -> Rig:
    """Return the rig of a calibration of Motive; the names of the cameras are their serial numbers.

    Raises:
        FormatError: the file is damaged, or a value is missing.
        CalibrationError: a camera is impossible, or none can be used.
    """
    options = options or ReadOptions()
    cameras = _cameras(path)
    usable = [camera for camera in cameras if _is_usable(camera)]
    names = ", ".join(camera.get("Serial", "") for camera in cameras if camera not in usable)
    if not usable:
        raise CalibrationError(f"{path.name}: expected calibrated cameras with <{_LENS}>, got none of them: {names}")
    if names:
        options.on_note(f"{path.name}: cameras without <{_LENS}> or without a place are left out: {names}")
    read = [_camera(camera, path.name) for camera in usable]
    return build_rig(read, path.name, mm_per(options.unit or DEFAULT_UNIT), options)


def _cameras(path: Path) -> list[Element]:
    root = load_xml(path)
    cameras = [camera for camera in root.iter("Camera") if "Serial" in camera.attrib]
    if not any(camera.find(_PLACE) is not None for camera in cameras):
        raise FormatError(f"{path.name}: expected <Camera Serial=...> with <{_PLACE}>, got none in <{root.tag}>")
    return cameras


def _is_usable(camera: Element) -> bool:
    place = camera.find(_PLACE)
    if place is None or camera.find(_LENS) is None:
        return False
    return any(place.get(key, "").strip("-+0.eE") for key in "XYZ")


def _camera(camera: Element, where: str) -> CameraNumbers:
    name = camera.get("Serial", "")
    what = f'{where}: camera "{name}"'
    keys = [f"OrientMatrix{index}" for index in range(9)]
    rotation = _OPENCV_FROM_MOTIVE @ attributes(camera, _PLACE, keys, what).reshape(3, 3).T
    fx, fy, cx, cy = attributes(
        camera, _LENS, ("HorizontalFocalLength", "VerticalFocalLength", "LensCenterX", "LensCenterY"), what
    )
    height, width = attributes(camera, "Attributes", ("ImagerPixelHeight", "ImagerPixelWidth"), what)
    return CameraNumbers(
        name=name,
        image_size=image_size_of(height, width, f"{what}: <Attributes>"),
        matrix=np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]]),
        rotation=rotation,
        translation=-rotation @ attributes(camera, _PLACE, ("X", "Y", "Z"), what),
        coefficients=attributes(camera, _LENS, _LENS_KEYS, what),
    )


FORMAT = CalibrationFormat(
    name="optitrack",
    default_unit=DEFAULT_UNIT,
    reject=reject_optitrack,
    read=read_optitrack,
    resembles=lambda document, text: f"<{_LENS}" in text or "OrientMatrix" in text,
    suffixes=(".mcal", ".xml"),
)
