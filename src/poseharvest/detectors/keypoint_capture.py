"""The capture that a detector is to look at: its footage, or the calibration and the keypoint files alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from poseharvest.capture.capture import Capture
from poseharvest.capture.discover import check_is_folder
from poseharvest.capture.settings import CaptureSettings, override_settings, read_settings
from poseharvest.capture.without_footage import open_without_footage
from poseharvest.detectors.keypoints import KeypointDetector
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.errors import NoFootageError


def open_capture(
    path: str | Path, detector: HeatmapDetector | None, settings: CaptureSettings | None = None
) -> Capture:
    """Return the capture in a folder; where it has no footage, that of the detector's keypoint files.

    Args:
        path: the folder, with a calibration and perhaps `capture.toml`.
        detector: who is to look at it; None for one that needs footage in any case.
        settings: instead of `capture.toml`.

    Raises:
        CaptureError: there is no footage and the detector reads no keypoint files, or the footage cannot be used.
        CalibrationError: the calibration is missing, ambiguous, or does not fit.
        ConfigError: `capture.toml` is wrong.
        DetectorError: there are no keypoint files.
    """
    folder = Path(path)
    options = settings or read_settings(folder)
    try:
        return Capture.open(folder, settings=options)
    except NoFootageError:
        if not isinstance(detector, KeypointDetector):
            raise
    return open_without_footage(folder, detector.num_pictures(), options, source=detector.root)


def capture_settings(path: str | Path, overrides: Mapping[str, object | None]) -> CaptureSettings:
    """Return what `capture.toml` in a folder says, with what was said elsewhere in its place.

    Args:
        path: the folder.
        overrides: keys of `capture.toml`; None changes nothing.

    Raises:
        CaptureError: there is no folder.
        ConfigError: one of the keys is wrong.
    """
    check_is_folder(Path(path))
    return override_settings(read_settings(Path(path)), overrides)
