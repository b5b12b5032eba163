"""A calibration from people on the disk: the same folder as that of a board."""

from __future__ import annotations

from pathlib import Path

from poseharvest.calibration.toml_cameras import write_toml
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.people_calibration.people_footage import PeopleRequest, calibrate_people
from poseharvest.people_calibration.people_record import people_record_text
from poseharvest.people_calibration.solve_people import PeopleCalibration
from poseharvest.progress import OnProgress
from poseharvest.report.people_calibration_page import render_people_calibration
from poseharvest.rig_calibration.calibration_record import (
    CAMERAS_FILE,
    PAGE_FILE,
    RECORD_FILE,
    is_calibration_folder,
)
from poseharvest.storage.staging import StagedFolder


def write_people_calibration(  # noqa: PLR0913 - the independent options of a calibration
    footage: str | Path,
    out: str | Path,
    detector: HeatmapDetector,
    *,
    request: PeopleRequest | None = None,
    keep_faulty: bool = False,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
) -> PeopleCalibration:
    """Calibrate cameras from the people whom they filmed, write the result as a folder, and return it.

    The folder's name is claimed before the work starts. `calibration.toml` is written only if no finding is an error.

    Args:
        footage: the folder with videos or pictures of all cameras.
        out: the folder to make.
        detector: the 2D network, or keypoint files.
        request: the options.
        keep_faulty: write the cameras in spite of errors.
        overwrite: replace an earlier calibration of this name.
        on_progress: called while pictures are looked at.

    Raises:
        StoreError: the folder exists, or it cannot be written.
        CaptureError: footage is missing or damaged.
        CalibrationError: no two cameras see enough of one person, or the given numbers do not fit.
    """
    staged = StagedFolder(Path(out), replaceable=is_calibration_folder if overwrite else None)
    try:
        folder = Path(footage)
        result = calibrate_people(folder, detector, request or PeopleRequest(), on_progress)
        (staged.path / RECORD_FILE).write_text(people_record_text(result), encoding="utf-8")
        page = render_people_calibration(result, folder.resolve().name)
        (staged.path / PAGE_FILE).write_text(page, encoding="utf-8")
        if result.is_fit or keep_faulty:
            write_toml(result.rig, staged.path / CAMERAS_FILE)
        staged.commit()
    finally:
        staged.discard()  # does nothing after the commit
    return result
