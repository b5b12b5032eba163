"""A capture without footage: cameras, and the numbers of pictures that cannot be read.

With the keypoints of a detector and a calibration, no videos are needed. The picture sizes come from the calibration,
and the times from the numbers and the frame rate.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poseharvest.arrays import Image, ImageSize
from poseharvest.calibration.names import match_names
from poseharvest.calibration.rig_audit import audit_rig
from poseharvest.capture.cameras import fit_rig, locate_calibration, read_rig_for
from poseharvest.capture.capture import Capture
from poseharvest.capture.common_clock import MIN_VIEWS
from poseharvest.capture.settings import CaptureSettings
from poseharvest.capture.timing import audit_timing, make_timeline
from poseharvest.capture.view import DEFAULT_IMAGE_RATE, make_views
from poseharvest.errors import CaptureError
from poseharvest.findings import Finding
from poseharvest.geometry.camera import CameraModel
from poseharvest.geometry.refit import scaled_size, turned_size
from poseharvest.geometry.rig import Rig


@dataclass(frozen=True, eq=False)
class UnseenPictures:
    """A stand-in for missing footage of a view: every picture has a number and a time, but cannot be read.

    Attributes:
        name: the view's name.
        path: the source of the numbers, such as a folder of keypoints.
        image_size: (height, width) from the calibration, pixels.
        count: number of pictures.
        frame_rate: pictures per second.
    """

    name: str
    path: Path
    image_size: ImageSize
    count: int
    frame_rate: float

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(N,) times of the pictures, seconds."""
        return np.arange(self.count) / self.frame_rate

    @property
    def damage(self) -> str | None:
        """None: there is no file."""
        return None

    def read(self, numbers: NDArray[np.int32]) -> Generator[Image | None, None, None]:
        """Yield None for each of the `numbers`."""
        yield from (None for _ in numbers)


def open_without_footage(
    folder: Path, counts: Mapping[str, int], settings: CaptureSettings, *, source: Path
) -> Capture:
    """Return a capture of a calibration and of numbered pictures that cannot be read.

    Args:
        folder: the capture, with a calibration and perhaps `capture.toml`.
        counts: number of pictures by name of the view.
        settings: the options; calibrated cameras without pictures are left out.
        source: the origin of the counts, for messages.

    Raises:
        CaptureError: fewer than two views have pictures, or a selected view has none.
        CalibrationError: the calibration is missing or ambiguous, lacks the size of pictures, or has no camera for a
            view.
    """
    selected = _select_views(counts, settings, source)
    notes: list[str] = []
    path = locate_calibration(folder, settings, notes.append)
    calibrated = read_rig_for(path, (), settings)
    rate = settings.frame_rate or settings.image_rate or DEFAULT_IMAGE_RATE
    options = settings.model_copy(update={"views": tuple(selected), "frame_rate": rate})
    sizes = _sizes(calibrated.rig, selected, settings)
    footage = [UnseenPictures(name, source, sizes[name], count, rate) for name, count in selected.items()]
    fitted = fit_rig(calibrated.rig, footage, options)
    views = make_views(footage, fitted.rig.cameras, options)
    timeline = make_timeline(views, options)
    findings = (
        *_what_was_taken(settings, rate, source),
        *(Finding("note", "calibration", note) for note in notes),
        *calibrated.findings,
        *fitted.findings,
        *audit_rig(fitted.rig, unit=calibrated.unit),
        *audit_timing(views, timeline, options),
    )
    return Capture(folder, views, timeline, options, path, findings, calibrated.unit)


def _select_views(counts: Mapping[str, int], settings: CaptureSettings, source: Path) -> dict[str, int]:
    names = settings.views if settings.views is not None else tuple(counts)
    known = ", ".join(counts) or "none"
    unknown = [name for name in names if name not in counts]
    if unknown:
        raise CaptureError(f"{source}: expected views with keypoints ({known}), got without: {', '.join(unknown)}")
    if len(names) < MIN_VIEWS:
        raise CaptureError(f"{source}: expected keypoints of at least two views, got those of {known}")
    return {name: counts[name] for name in names}


def _sizes(calibrated: Rig, counts: Mapping[str, int], settings: CaptureSettings) -> dict[str, ImageSize]:
    """Return the picture size of every view; `fit_rig` later refuses a view without a camera."""
    matched = match_names(
        [name for name in calibrated.names if name not in settings.names.values()],
        [name for name in counts if name not in settings.names],
        allow_unmatched=True,
    )
    camera_of = {view: camera for camera, view in matched.items()} | settings.names
    known = {view: camera for view, camera in camera_of.items() if camera in calibrated.names}
    return {name: _size(calibrated.camera(known[name]), name, settings) if name in known else (1, 1) for name in counts}


def _size(camera: CameraModel, view: str, settings: CaptureSettings) -> ImageSize:
    """Return the picture size of a view, after the turn and scale of the settings."""
    resized = scaled_size(camera.image_size, settings.scale.of(view))
    return turned_size(resized, round(settings.rotate.of(view)) % 360)


def _what_was_taken(settings: CaptureSettings, rate: float, source: Path) -> list[Finding]:
    note = f"{source}: no footage: the capture is taken from keypoint files and calibration alone, without pictures"
    findings = [Finding("note", "footage", note)]
    if settings.frame_rate is None and settings.image_rate is None:
        message = (
            f"keypoint files tell no frame rate: {rate:g} frames per second are assumed; say --frame-rate, or "
            "frame_rate in capture.toml"
        )
        findings.append(Finding("note", "timing", message))
    return findings
