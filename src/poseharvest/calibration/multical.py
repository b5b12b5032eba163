"""The `calibration.json` of Multical: cameras, with poses relative to one of them. Reading only.

``{"cameras": {CAMERA: {"model", "image_size": [width, height], "K", "dist"}}, "camera_poses": {CAMERA: {"R", "T"}}}``
in the unit of the board, which is metres in the examples of Multical. A pose ``CAMERA_to_MASTER`` maps coordinates of
the master into those of CAMERA, ``x_camera = R @ x_master + T``. The pose of the master is the identity.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from poseharvest.calibration.build import CameraNumbers, ReadOptions, build_rig
from poseharvest.calibration.calibration_format import CalibrationFormat, has_key
from poseharvest.calibration.values import image_size, mapping, shown
from poseharvest.errors import FormatError
from poseharvest.geometry.rig import Rig
from poseharvest.reading.documents import load_json
from poseharvest.units import LengthUnit, mm_per

DEFAULT_UNIT: LengthUnit = "m"

_MODELS = ("standard", "rational", "thin_prism", "fisheye")


def reject_multical(path: Path) -> str | None:
    """Return why the file is not a calibration of Multical; None if it is one."""
    try:
        document = load_json(path)
    except FormatError as error:
        return str(error)
    if not isinstance(document, dict) or not {"cameras", "camera_poses"} <= document.keys():
        return 'no "cameras" and "camera_poses"'
    for key in ("cameras", "camera_poses"):
        if not isinstance(document[key], dict) or not document[key]:
            return f'"{key}": expected a table of cameras, got {shown(document[key])}'
    return None


def read_multical(path: Path, options: ReadOptions | None = None) -> Rig:
    """Return the rig in the coordinates of its master camera; cameras without a pose are left out with a note.

    Raises:
        FormatError: the file is damaged or a key is missing.
        CalibrationError: a camera is impossible.
    """
    options = options or ReadOptions()
    reason = reject_multical(path)
    if reason is not None:
        raise FormatError(f"{path.name}: not a calibration of Multical: {reason}")
    document = load_json(path)
    poses = _poses(document["camera_poses"], list(document["cameras"]), path.name)
    unposed = [name for name in document["cameras"] if name not in poses]
    if unposed:
        options.on_note(f"{path.name}: cameras without a pose are left out: {', '.join(unposed)}")
    cameras = [_camera(name, document["cameras"][name], pose, path.name) for name, pose in poses.items()]
    return build_rig(cameras, path.name, mm_per(options.unit or DEFAULT_UNIT), options)


def _poses(poses: dict[str, Any], names: list[str], where: str) -> dict[str, Any]:
    """Return the poses by name of the camera.

    Raises:
        FormatError: a pose belongs to no camera, is the second pose of a camera, or is relative to a second master.
    """
    masters = {key for key in poses if key in names}
    pose_of_camera: dict[str, Any] = {}
    for key, pose in poses.items():
        owners = [name for name in names if key == name or any(key == f"{name}_to_{other}" for other in names)]
        of_another = key not in names and len(masters) == 1 and not key.endswith(f"_to_{next(iter(masters))}")
        if len(owners) != 1 or owners[0] in pose_of_camera or of_another:
            raise FormatError(
                f'{where}: camera_poses: expected one pose per camera, relative to one camera, got "{key}"'
            )
        pose_of_camera[owners[0]] = pose
    return pose_of_camera


def _camera(name: str, camera: object, pose: object, where: str) -> CameraNumbers:
    what = f'{where}: camera "{name}"'
    lens = mapping(camera, what, 'a table with "K" and "dist"')
    placed = mapping(pose, f"{what}: pose", 'a table with "R" and "T"')
    model = lens.get("model", _MODELS[0])
    if model not in _MODELS:
        raise FormatError(f"{what}: model: expected one of {', '.join(_MODELS)}, got {shown(model)}")
    return CameraNumbers(
        name=name,
        image_size=image_size(lens.get("image_size"), f"{what}: image_size"),
        matrix=lens.get("K"),
        rotation=placed.get("R"),
        translation=placed.get("T"),
        coefficients=lens.get("dist"),
        fisheye=model == "fisheye",
    )


FORMAT = CalibrationFormat(
    name="multical",
    default_unit=DEFAULT_UNIT,
    reject=reject_multical,
    read=read_multical,
    resembles=lambda document, text: has_key(document, "camera_poses"),
)
