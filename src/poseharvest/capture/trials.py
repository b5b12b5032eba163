"""Trials: several captures of one project, by the folders of each or by the folder around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from poseharvest.calibration.folder_search import find_calibration
from poseharvest.capture.discover import check_is_folder, find_footage, natural_key
from poseharvest.capture.settings import SETTINGS_NAME
from poseharvest.errors import CalibrationError, CaptureError, ConfigError, NoCalibrationError, NoFootageError

_LEAST_VIEWS = 2


@dataclass(frozen=True)
class Trial:
    """One capture of several.

    Attributes:
        name: of the trial, and of its harvest.
        path: the folder of the capture.
        calibration: of the folder around it, where it has none of its own.
    """

    name: str
    path: Path
    calibration: Path | None = None


def find_trials(folders: Sequence[Path]) -> tuple[Trial, ...] | None:
    """Return the trials in some folders in order; None if they are one folder that is a capture itself.

    A folder that is no capture but contains captures stands for all of them, in the natural order of their names. It
    may hold a calibration for those that have none, as in Pose2Sim's projects.

    Args:
        folders: captures, or folders of captures; one or more.

    Raises:
        CaptureError: one of the folders is not there.
        CalibrationError: the folder around the trials has several calibrations, or one that cannot be used.
        ConfigError: two trials have one name.
    """
    for folder in folders:
        check_is_folder(folder)
    within = [_trials_in(folder) for folder in folders]
    if len(folders) == 1 and not within[0]:
        return None
    found = [
        trial
        for folder, trials in zip(folders, within, strict=True)
        for trial in trials or [Trial(folder.resolve().name, folder)]
    ]
    by_name: dict[str, Trial] = {}
    for trial in found:
        if trial.name in by_name:
            both = f"{by_name[trial.name].path} and {trial.path}"
            raise ConfigError(f'trials: expected one trial of each name, got two of "{trial.name}": {both}')
        by_name[trial.name] = trial
    return tuple(found)


def _trials_in(folder: Path) -> list[Trial]:
    """Return the captures within a folder; none if it is a capture itself."""
    if _is_capture(folder):
        return []
    inner = sorted((path for path in folder.iterdir() if _may_be_trial(path)), key=lambda path: natural_key(path.name))
    trials = [path for path in inner if _is_capture(path)]
    if not any(_lacks_calibration(path) for path in trials):
        return [Trial(path.name, path) for path in trials]
    shared = None if _lacks_calibration(folder) else find_calibration(folder)
    return [Trial(path.name, path, shared if _lacks_calibration(path) else None) for path in trials]


def _may_be_trial(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith((".", "__")) and "calib" not in path.name.lower()


def _is_capture(folder: Path) -> bool:
    """Return whether a folder has footage of its own, or says in `capture.toml` that it is a capture."""
    if (folder / SETTINGS_NAME).is_file():
        return True
    try:
        return len(find_footage(folder)) >= _LEAST_VIEWS
    except NoFootageError:
        return False
    except CaptureError:
        # Footage that cannot be told, or folders with several videos each, which are captures themselves.
        return not any(_has_views(path) for path in folder.iterdir() if _may_be_trial(path))


def _has_views(folder: Path) -> bool:
    try:
        return len(find_footage(folder)) >= _LEAST_VIEWS
    except CaptureError:
        return False


def _lacks_calibration(folder: Path) -> bool:
    """Return whether there is no calibration at all; one that cannot be used is not replaced by another."""
    try:
        find_calibration(folder)
    except NoCalibrationError:
        return True
    except CalibrationError:
        return False
    return False
