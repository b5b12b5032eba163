"""The JSON of calib.io's Camera Calibrator, for cameras with OpenCV's lens model. Reading only.

``{"Calibration": {"cameras": [{"model": {"polymorphic_name", "ptr_wrapper": {"data": {"CameraModelCRT":
{"CameraModelBase": {"imageSize": {"width", "height"}}}, "parameters": {"f": {"val"}, "ar", "cx", "cy", "k1" ... "k6",
"p1", "p2", "s1" ... "s4", "tauX", "tauY"}}}}, "transform": {"rotation": {"rx", "ry", "rz"}, "translation": {"x", "y",
"z"}}}]}}``. `ar` is the focal length along y divided by that along x. `rotation` is a Rodrigues vector in radians;
``x_cam = R @ x_world + t``, where the world is the first camera. The unit is that of the target: metres, unless the
user says otherwise. Cameras have no names, but newer files give a `serial`: the others are `camera_0`, `camera_1`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from poseharvest.calibration.build import CameraNumbers, ReadOptions, build_rig
from poseharvest.calibration.calibration_format import CalibrationFormat, has_key
from poseharvest.calibration.values import image_size_of, shown
from poseharvest.errors import CalibrationError, FormatError
from poseharvest.geometry.rig import Rig
from poseharvest.reading.documents import load_json
from poseharvest.reading.foreign_records import ForeignRecord, checked
from poseharvest.units import LengthUnit, mm_per

DEFAULT_UNIT: LengthUnit = "m"

_MODEL = "libCalib::CameraModelOpenCV"
_LENS_KEYS = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6", "s1", "s2", "s3", "s4", "tauX", "tauY")


class _Value(ForeignRecord):
    val: float


class _Size(ForeignRecord):
    width: float
    height: float


class _Base(ForeignRecord):
    size: _Size = Field(alias="imageSize")


class _Rolling(ForeignRecord):
    base: _Base = Field(alias="CameraModelBase")


class _Data(ForeignRecord):
    rolling: _Rolling = Field(alias="CameraModelCRT")
    parameters: dict[str, _Value]


class _Wrapper(ForeignRecord):
    data: _Data


class _Model(ForeignRecord):
    wrapper: _Wrapper = Field(alias="ptr_wrapper")


class _Rotation(ForeignRecord):
    rx: float
    ry: float
    rz: float


class _Translation(ForeignRecord):
    x: float
    y: float
    z: float


class _Transform(ForeignRecord):
    rotation: _Rotation
    translation: _Translation


class _Camera(ForeignRecord):
    model: _Model
    transform: _Transform
    serial: str | int | None = None


def reject_calib_io(path: Path) -> str | None:
    """Return why the file is not a calibration of calib.io; None if it is one."""
    try:
        cameras = _cameras(load_json(path))
    except FormatError as error:
        return str(error)
    return None if cameras else 'no "Calibration" with "cameras" that have a "model"'


def read_calib_io(path: Path, options: ReadOptions | None = None) -> Rig:
    """Return the rig in the coordinates of the first camera.

    Raises:
        FormatError: the file is damaged or a key is missing.
        CalibrationError: a camera is impossible, or of another model than OpenCV's.
    """
    options = options or ReadOptions()
    cameras = _cameras(load_json(path))
    if not cameras:
        raise FormatError(f"{path.name}: not a calibration of calib.io: {reject_calib_io(path)}")
    read = [_camera(index, camera, path.name) for index, camera in enumerate(cameras)]
    return build_rig(read, path.name, mm_per(options.unit or DEFAULT_UNIT), options)


def _cameras(document: object) -> list[Any]:
    """Return the entries of the cameras; none if the document is of another kind."""
    content = document.get("Calibration", document.get("calibration")) if isinstance(document, dict) else None
    cameras = content.get("cameras") if isinstance(content, dict) else None
    if not isinstance(cameras, list) or not all(has_key(camera, "model") for camera in cameras):
        return []
    return cameras


def _camera(index: int, entry: dict[str, Any], where: str) -> CameraNumbers:
    what = f"{where}: camera {index}"
    kind = entry["model"].get("polymorphic_name", _MODEL) if isinstance(entry["model"], dict) else _MODEL
    if kind != _MODEL:
        raise CalibrationError(f"{what}: model: expected {_MODEL}, got {shown(kind)}: calibrate with OpenCV's model")
    camera = checked(_Camera, entry, what)
    data = camera.model.wrapper.data
    size, turn, place = data.rolling.base.size, camera.transform.rotation, camera.transform.translation
    values = {key: value.val for key, value in data.parameters.items()}
    missing = [key for key in ("f", "cx", "cy") if key not in values]
    if missing:
        raise FormatError(f"{what}: parameters: expected f, cx and cy, got none of {', '.join(missing)}")
    focal = values["f"]
    return CameraNumbers(
        name=str(camera.serial or f"camera_{index}"),
        image_size=image_size_of(size.height, size.width, f"{what}: imageSize"),
        matrix=[[focal, 0.0, values["cx"]], [0.0, focal * values.get("ar", 1.0), values["cy"]], [0.0, 0.0, 1.0]],
        rotation=[turn.rx, turn.ry, turn.rz],
        translation=[place.x, place.y, place.z],
        coefficients=[values.get(key, 0.0) for key in _LENS_KEYS],
    )


FORMAT = CalibrationFormat(
    name="calib_io",
    default_unit=DEFAULT_UNIT,
    reject=reject_calib_io,
    read=read_calib_io,
    resembles=lambda document, text: has_key(document, "Calibration"),
)
