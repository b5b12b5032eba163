"""A calibration on the disk: its cameras, its record and its page in one folder that appears when it is complete."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from poseharvest.boards.board import Board
from poseharvest.calibration.build import ReadOptions
from poseharvest.calibration.formats import read_file
from poseharvest.calibration.toml_cameras import write_toml
from poseharvest.capture.uncalibrated import UncalibratedFootage
from poseharvest.progress import OnProgress
from poseharvest.report.calibration_page import render_calibration
from poseharvest.rig_calibration.calibration_record import (
    CAMERAS_FILE,
    PAGE_FILE,
    RECORD_FILE,
    is_calibration_folder,
    record_text,
)
from poseharvest.rig_calibration.options import CalibrationOptions
from poseharvest.rig_calibration.solve import RigCalibration, WorldRequest, calibrate_footage
from poseharvest.storage.staging import StagedFolder


def write_calibration(  # noqa: PLR0913 - the independent options of a calibration
    footage: str | Path,
    out: str | Path,
    board: Board,
    *,
    views: Sequence[str] | None = None,
    intrinsics: Path | None = None,
    options: CalibrationOptions | None = None,
    floor_frames: Sequence[int] = (),
    floor_footage: str | Path | None = None,
    scene_points: Path | None = None,
    every: int | None = None,
    keep_faulty: bool = False,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
) -> RigCalibration:
    """Calibrate cameras from footage of a board, write the result as a folder, and return it.

    The folder's name is claimed before the work starts. `calibration.toml` is written only if no finding is an error.

    Args:
        footage: the folder with videos or pictures of all cameras.
        out: the folder to make.
        board: the board that was filmed.
        views: names of the views to use; None uses all.
        intrinsics: a calibration file whose lenses are kept; None estimates them.
        options: of the calibration.
        floor_frames: numbers of frames in which the board lies on the floor.
        floor_footage: a folder with pictures of the board on the floor alone, of the same views.
        scene_points: a CSV file of measured points.
        every: look at every so many frames; None looks at 300 at most.
        keep_faulty: write the cameras in spite of errors.
        overwrite: replace an earlier calibration of this name.
        on_progress: is called after every frame that was looked at.

    Raises:
        StoreError: the folder exists, or it cannot be written.
        CaptureError: footage is missing or damaged.
        CalibrationError: there is nothing to calibrate from, or the given intrinsics do not fit.
    """
    on_floor = None if floor_footage is None else UncalibratedFootage.open(floor_footage, views=views)
    world = WorldRequest(tuple(floor_frames), scene_points, on_floor)
    staged = StagedFolder(Path(out), replaceable=is_calibration_folder if overwrite else None)
    try:
        opened = UncalibratedFootage.open(footage, views=views)
        result = calibrate_footage(
            opened,
            board,
            options=options,
            every=every,
            intrinsics=None if intrinsics is None else read_file(intrinsics, ReadOptions()),
            world=world,
            on_progress=on_progress,
        )
        (staged.path / RECORD_FILE).write_text(record_text(result), encoding="utf-8")
        page = render_calibration(result, opened.folder.resolve().name)
        (staged.path / PAGE_FILE).write_text(page, encoding="utf-8")
        if result.is_fit or keep_faulty:
            write_toml(result.rig, staged.path / CAMERAS_FILE)
        staged.commit()
    finally:
        staged.discard()  # does nothing after the commit
    return result
