"""The calibrated camera of every view: read, matched by name, and checked against the size of the pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from poseharvest.arrays import ImageSize
from poseharvest.calibration.image_size import fit_camera
from poseharvest.calibration.names import match_names
from poseharvest.calibration.registry import find_calibration, read_calibration
from poseharvest.capture.footage import Footage
from poseharvest.capture.settings import CaptureSettings
from poseharvest.errors import CalibrationError, ConfigError
from poseharvest.findings import Finding
from poseharvest.geometry.camera import AffineCamera, Camera, CameraModel, MovingCamera
from poseharvest.geometry.refit import scaled_size, turned_size
from poseharvest.geometry.rig import Rig


@dataclass(frozen=True, eq=False)
class FittedRig:
    """The cameras of the footage.

    Attributes:
        rig: one camera a view in the footage's order, under its name and with its image size.
        findings: sizes that differ a little from the calibrated ones.
    """

    rig: Rig
    findings: tuple[Finding, ...]


def locate_calibration(folder: Path, settings: CaptureSettings) -> Path:
    """Return the calibration that the settings name, or else the only one in the folder.

    Raises:
        CalibrationError: there is none, or more than one.
    """
    named = settings.calibration
    if named is None:
        return find_calibration(folder)
    return find_calibration(named) if named.is_dir() else named


def read_rig_for(path: Path, footage: Sequence[Footage], settings: CaptureSettings) -> Rig:
    """Return the rig of a calibration file; formats that lack the pictures' size take it from the footage.

    Raises:
        CalibrationError: the file is missing, or its cameras are impossible.
        FormatError: it is damaged.
    """
    return read_calibration(
        path,
        format=settings.calibration_format,
        unit=settings.unit,
        subject=settings.subject,
        camera_type=settings.camera_type,
        image_sizes={one.name: _calibrated_size(one, settings) for one in footage},
    )


def _calibrated_size(footage: Footage, settings: CaptureSettings) -> ImageSize:
    """The size of the pictures before they were resized and turned."""
    upright = turned_size(footage.image_size, -round(settings.rotate.of(footage.name)) % 360)
    return scaled_size(upright, 1 / settings.scale.of(footage.name))


def fit_rig(calibrated: Rig, footage: Sequence[Footage], settings: CaptureSettings) -> FittedRig:
    """Return the camera of every view.

    Where the settings choose views, cameras without footage are left out; otherwise they are an error.

    Raises:
        CalibrationError: a view has no camera, a camera no view, or the pictures' size is not the calibrated one,
            turned and scaled as the settings say.
        ConfigError: the settings turn or scale a view that is not there.
    """
    _check_views(settings, [one.name for one in footage])
    camera_of = _match(calibrated.names, [one.name for one in footage], settings)
    cameras: list[CameraModel] = []
    findings: list[Finding] = []
    for one in footage:
        fitted = fit_camera(
            _renamed(calibrated.camera(camera_of[one.name]), one.name),
            one.image_size,
            rotate=round(settings.rotate.of(one.name)),
            scale=settings.scale.of(one.name),
        )
        cameras.append(fitted.camera)
        findings += fitted.findings
    return FittedRig(Rig(tuple(cameras)), tuple(findings))


def _check_views(settings: CaptureSettings, footage: Sequence[str]) -> None:
    for key, said in (("rotate", settings.rotate), ("scale", settings.scale)):
        unknown = [view for view in said.views if view not in footage]
        if unknown and settings.views is None:
            raise ConfigError(f"{key}: expected views of {', '.join(footage)}, got {', '.join(unknown)}")


def _match(calibrated: Sequence[str], footage: Sequence[str], settings: CaptureSettings) -> dict[str, str]:
    """The calibrated camera of every view: as the settings say, the others by their names."""
    given = {view: camera for view, camera in settings.names.items() if view in footage or settings.views is None}
    _check_given(given, calibrated, footage)
    matched = match_names(
        [name for name in calibrated if name not in given.values()],
        [name for name in footage if name not in given],
        allow_unmatched=settings.views is not None,
    )
    camera_of = {view: camera for camera, view in matched.items()} | given
    missing = [name for name in footage if name not in camera_of]
    if missing:
        raise CalibrationError(
            f"expected a calibrated camera for every view, got none for {', '.join(missing)}: "
            f"calibrated are {', '.join(calibrated)}, footage is {', '.join(footage)}"
        )
    return camera_of


def _check_given(given: Mapping[str, str], calibrated: Sequence[str], footage: Sequence[str]) -> None:
    for what, names, known in (("views", list(given), footage), ("cameras", list(given.values()), calibrated)):
        unknown = [name for name in names if name not in known]
        if unknown:
            raise CalibrationError(f"names: expected {what} of {', '.join(known)}, got {', '.join(unknown)}")
    if len(set(given.values())) < len(given):
        raise CalibrationError(f"names: expected another camera for every view, got {', '.join(given.values())}")


def _renamed(camera: CameraModel, name: str) -> CameraModel:
    if isinstance(camera, Camera | AffineCamera | MovingCamera):
        return replace(camera, name=name)
    raise CalibrationError(f'camera "{camera.name}": expected a known kind of camera, got {type(camera).__name__}')
