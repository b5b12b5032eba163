"""The calibrated camera of every view: read, matched by name, and checked against the size of the pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from poseharvest.arrays import ImageSize
from poseharvest.calibration.build import ReadOptions
from poseharvest.calibration.folder_search import find_calibration
from poseharvest.calibration.formats import read_file, unit_of
from poseharvest.calibration.image_size import fit_camera
from poseharvest.calibration.names import match_names, share_a_part
from poseharvest.capture.settings import CaptureSettings
from poseharvest.capture.view_footage import Footage
from poseharvest.errors import CalibrationError, ConfigError
from poseharvest.findings import Finding
from poseharvest.geometry.camera import AffineCamera, Camera, CameraModel, MovingCamera
from poseharvest.geometry.refit import scaled_size, turned_size
from poseharvest.geometry.rig import Rig
from poseharvest.units import LengthUnit

_MAX_LISTED = 12


@dataclass(frozen=True, eq=False)
class FittedRig:
    """The cameras of the footage.

    Attributes:
        rig: one camera per view, with the order, names and image sizes of the footage.
        findings: notes on names, and on picture sizes that differ a little from the calibrated ones.
    """

    rig: Rig
    findings: tuple[Finding, ...]


@dataclass(frozen=True, eq=False)
class CalibratedRig:
    """The content of a calibration file.

    Attributes:
        rig: its cameras, with the names of the file.
        unit: the unit of length of the file; None if a rig was given instead of a file.
        findings: notes on the reading of the file.
    """

    rig: Rig
    unit: LengthUnit | None = None
    findings: tuple[Finding, ...] = ()


def locate_calibration(folder: Path, settings: CaptureSettings, on_note: Callable[[str], None] | None = None) -> Path:
    """Return the calibration that the settings name, or else the only one in the folder.

    Args:
        folder: of the capture.
        settings: of the capture.
        on_note: called with notes on files that hold the same cameras or are not used.

    Raises:
        CalibrationError: there is no calibration, or more than one.
    """
    named = folder if settings.calibration is None else settings.calibration
    return find_calibration(named, on_note) if named.is_dir() else named


def read_rig_for(path: Path, footage: Sequence[Footage], settings: CaptureSettings) -> CalibratedRig:
    """Return the rig of a calibration file. Where the format lacks the picture size, the footage gives it.

    Raises:
        CalibrationError: the file is missing, or its cameras are impossible.
        FormatError: it is damaged.
    """
    notes: list[str] = []
    options = ReadOptions(
        unit=settings.unit,
        subject=settings.subject,
        camera_type=settings.camera_type,
        image_sizes={settings.names.get(one.name, one.name): _calibrated_size(one, settings) for one in footage},
        on_note=notes.append,
    )
    rig = read_file(path, options, format=settings.calibration_format)
    unit = settings.unit or unit_of(path, settings.calibration_format)
    return CalibratedRig(rig, unit, tuple(Finding("warning", "calibration", note) for note in notes))


def _calibrated_size(footage: Footage, settings: CaptureSettings) -> ImageSize:
    """Return the (height, width) of the pictures before they were resized and turned."""
    upright = turned_size(footage.image_size, -round(settings.rotate.of(footage.name)) % 360)
    return scaled_size(upright, 1 / settings.scale.of(footage.name))


def fit_rig(calibrated: Rig, footage: Sequence[Footage], settings: CaptureSettings) -> FittedRig:
    """Return the camera of every view. Cameras without footage are left out, and a note names them.

    Raises:
        CalibrationError: a view has no camera, or its picture size is not the calibrated size after the turn and scale
            of the settings.
        ConfigError: the settings turn or scale a view that does not exist.
    """
    _check_views(settings, [one.name for one in footage])
    camera_of = _match(calibrated.names, [one.name for one in footage], settings)
    cameras: list[CameraModel] = []
    findings = _notes_on_names(camera_of, calibrated.names, settings)
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
    for key, per_view in (("rotate", settings.rotate), ("scale", settings.scale)):
        unknown = [view for view in per_view.views if view not in footage]
        if unknown and settings.views is None:
            raise ConfigError(f"{key}: expected views of {', '.join(footage)}, got {', '.join(unknown)}")


def _match(calibrated: Sequence[str], footage: Sequence[str], settings: CaptureSettings) -> dict[str, str]:
    """Return the name of the calibrated camera by view: from the settings, or else by similar names."""
    assigned = {view: camera for view, camera in settings.names.items() if view in footage or settings.views is None}
    _check_assigned(assigned, calibrated, footage)
    matched = match_names(
        [name for name in calibrated if name not in assigned.values()],
        [name for name in footage if name not in assigned],
    )
    return {view: camera for camera, view in matched.items()} | assigned


def _notes_on_names(
    camera_of: Mapping[str, str], calibrated: Sequence[str], settings: CaptureSettings
) -> list[Finding]:
    """Return findings on cameras without footage, and on a last pair that was matched without a common word."""
    findings = []
    idle = [name for name in calibrated if name not in camera_of.values()]
    if idle and settings.views is None:
        more = f" and {len(idle) - _MAX_LISTED} more" if len(idle) > _MAX_LISTED else ""
        message = f"calibrated cameras without footage are left out: {', '.join(idle[:_MAX_LISTED])}{more}"
        findings.append(Finding("note", "calibration", message))
    for view, camera in camera_of.items():
        if view not in settings.names and not share_a_part(view, camera):
            message = (
                f'footage "{view}" is matched with calibrated camera "{camera}" because no others remained: '
                f'if this is wrong, name the camera in capture.toml, under [names]: {view} = "camera"'
            )
            findings.append(Finding("warning", "calibration", message))
    return findings


def _check_assigned(assigned: Mapping[str, str], calibrated: Sequence[str], footage: Sequence[str]) -> None:
    for what, names, known in (("views", list(assigned), footage), ("cameras", list(assigned.values()), calibrated)):
        unknown = [name for name in names if name not in known]
        if unknown:
            got = f"expected {what} of {', '.join(known)}, got {', '.join(unknown)}"
            raise CalibrationError(f'names: {got} ([names] in capture.toml: view = "camera")')
    if len(set(assigned.values())) < len(assigned):
        got = f"expected another camera for every view, got {', '.join(assigned.values())}"
        raise CalibrationError(f"names: {got} ([names] in capture.toml)")


def _renamed(camera: CameraModel, name: str) -> CameraModel:
    if isinstance(camera, Camera | AffineCamera | MovingCamera):
        return replace(camera, name=name)
    raise CalibrationError(f'camera "{camera.name}": expected a known kind of camera, got {type(camera).__name__}')
