"""Comma-separated values, for spreadsheets and R. The header names every unit; an empty cell is a missing number.

Long: a row per frame, person and joint with the covariance and every view. Wide: a row per frame and person with the
position, the determinant, sigma and the selection of every joint. Covariances and determinants are the posterior's;
sigma is recalibrated where the harvest is, and `scale` times the covariance is the recalibrated one. Beside them stand
the smooth positions; a frame without a record, in a short gap of a person, has these alone. The world's axes are kept.
Booleans are `true` or `false`. With a decimal comma, as spreadsheets of many countries expect it, cells are separated
by semicolons.
"""

from __future__ import annotations

import csv
import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import torch

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import SelectedFrame
from poseharvest.annotations.schema import COVARIANCE_ENTRIES, SMOOTH_COLUMNS
from poseharvest.annotations.smooth_poses import SmoothPose
from poseharvest.export.export_options import Blank, check_blank, check_choice, check_frames, is_within, shown_joints
from poseharvest.export.exporter import Exporter
from poseharvest.findings import Finding
from poseharvest.reading.cells import safe_cell
from poseharvest.units import LengthUnit, mm_per

Layout: TypeAlias = Literal["long", "wide"]
Decimal: TypeAlias = Literal[".", ","]
Cell: TypeAlias = str | int | float

_DELIMITERS: dict[str, str] = {".": ",", ",": ";"}


@dataclass(frozen=True)
class CsvOptions:
    """How to write CSV.

    Attributes:
        layout: "long", a row per joint, or "wide", a row per pose.
        unit: of positions; covariances are in its square, determinants in its sixth power.
        blank: joints whose 3D cells are empty.
        decimal: the decimal sign, "." or ","; with "," the cells are separated by ";".
        bom: begin with a byte order mark, by which Excel knows that names are in UTF-8.
        start: the capture's first frame to write, from 0.
        stop: the frame before which to stop; None is the end of the capture.
    """

    layout: Layout = "long"
    unit: LengthUnit = "mm"
    blank: Blank = "unsupported"
    decimal: Decimal = "."
    bom: bool = False
    start: int = 0
    stop: int | None = None

    def __post_init__(self) -> None:
        check_choice("layout", self.layout, get_args(Layout))
        mm_per(self.unit)
        check_blank(self.blank)
        check_choice("decimal", self.decimal, get_args(Decimal))
        check_frames(self.start, self.stop)


def write_csv(harvest: Harvest, path: Path, options: CsvOptions) -> tuple[Finding, ...]:
    """Write the harvest as one CSV file.

    Returns:
        That no row lies in the frames asked for.
    """
    joints, views = harvest.skeleton.joints, harvest.view_names
    is_long = options.layout == "long"
    num_poses = 0
    with path.open("w", newline="", encoding="utf-8-sig" if options.bom else "utf-8") as stream:
        writer = csv.writer(stream, delimiter=_DELIMITERS[options.decimal], lineterminator="\n")
        header = _long_header(views, options.unit) if is_long else _wide_header(joints, options.unit)
        writer.writerow([safe_cell(name) for name in header])
        for row in _in_order(harvest):
            if is_within(_place(row)[0], options.start, options.stop):
                num_poses += 1
                rows = _long_rows(row, harvest, options) if is_long else [_wide_row(row, options)]
                writer.writerows([_cell(value, options.decimal) for value in cells] for cells in rows)
    empty = Finding(
        "warning", "frames", "no pose lies in these frames: the table has no rows; change --start or --stop"
    )
    return () if num_poses else (empty,)


def _long_header(views: Sequence[str], unit: str) -> list[str]:
    header = ["frame", "time_s", "person", "joint", *(f"{axis}_{unit}" for axis in "xyz")]
    header += [f"{name}_{unit}2" for name in COVARIANCE_ENTRIES]
    header += [f"det_{unit}6", "scale", f"sigma_{unit}", "supported", "selected"]
    header += [*(f"{name}_{unit}" for name in SMOOTH_COLUMNS), "filled"]
    for view in views:
        header += [f"{view}_{field}" for field in ("u_px", "v_px", "score", "inside")]
    return header


def _long_rows(row: SelectedFrame | SmoothPose, harvest: Harvest, options: CsvOptions) -> Iterator[list[Cell]]:
    joints, smooth = harvest.skeleton.joints, _smooth_cells(row, options)
    if isinstance(row, SmoothPose):
        num_empty, no_views = len(COVARIANCE_ENTRIES) + 6, [""] * (4 * len(harvest.view_names))
        for joint, of_joint in zip(joints, smooth, strict=True):
            nothing = [""] * num_empty
            yield [row.frame, row.time_s, row.person, joint, *nothing, "false", "false", *of_joint, *no_views]
        return
    record, scale = row.annotations, 1 / mm_per(options.unit)
    i, j = zip(*COVARIANCE_ENTRIES.values(), strict=True)
    single = torch.stack((record.det * scale**6, row.scale, row.sigma_mm * scale), 1)
    numbers = torch.cat((record.mean * scale, record.cov[:, i, j] * scale**2, single), 1)
    views = torch.cat((record.pixels, record.score[..., None]), -1).transpose(0, 1).tolist()  # (J, V, 3)
    inside, is_shown = record.inside.T.tolist(), shown_joints(row, options.blank).tolist()
    for k, joint in enumerate(joints):
        cells: list[Cell] = [record.frame, record.time_s, record.person, joint]
        cells += numbers[k].tolist() if is_shown[k] else [""] * numbers.shape[1]
        cells += [_flag(record.supported[k]), _flag(row.selected[k]), *smooth[k]]
        for numbers_of_view, is_inside in zip(views[k], inside[k], strict=True):
            cells += [*(value if math.isfinite(value) else "" for value in numbers_of_view), _flag(is_inside)]
        yield cells


def _wide_header(joints: Sequence[str], unit: str) -> list[str]:
    fields = (f"x_{unit}", f"y_{unit}", f"z_{unit}", f"det_{unit}6", f"sigma_{unit}", "selected")
    smooth = (*(f"{name}_{unit}" for name in SMOOTH_COLUMNS), "filled")
    return ["frame", "time_s", "person", *(f"{joint}_{field}" for joint in joints for field in (*fields, *smooth))]


def _wide_row(row: SelectedFrame | SmoothPose, options: CsvOptions) -> list[Cell]:
    smooth = _smooth_cells(row, options)
    if isinstance(row, SmoothPose):
        nothing: list[Cell] = [""] * 5
        return [row.frame, row.time_s, row.person, *(x for cells in smooth for x in (*nothing, "false", *cells))]
    record, scale = row.annotations, 1 / mm_per(options.unit)
    single = torch.stack((record.det * scale**6, row.sigma_mm * scale), 1)
    numbers = torch.cat((record.mean * scale, single), 1).tolist()
    cells: list[Cell] = [record.frame, record.time_s, record.person]
    shown = shown_joints(row, options.blank).tolist()
    for values, is_shown, is_selected, more in zip(numbers, shown, row.selected, smooth, strict=True):
        cells += [*(values if is_shown else [""] * len(values)), _flag(is_selected), *more]
    return cells


def _smooth_cells(row: SelectedFrame | SmoothPose, options: CsvOptions) -> list[list[Cell]]:
    """Return the smooth position, its sigma and whether it is filled, for every joint."""
    pose = row if isinstance(row, SmoothPose) else row.smooth
    shown = pose.has_position
    if options.blank == "unselected":
        shown = shown & row.selected if isinstance(row, SelectedFrame) else torch.zeros_like(shown)
    numbers = (torch.cat((pose.mean, pose.sigma_mm[:, None]), 1) / mm_per(options.unit)).tolist()
    return [
        [*(values if is_shown else [""] * len(values)), _flag(is_filled)]
        for values, is_shown, is_filled in zip(numbers, shown.tolist(), pose.filled.tolist(), strict=True)
    ]


def _in_order(harvest: Harvest) -> Iterator[SelectedFrame | SmoothPose]:
    """Yield records, and the smooth poses of frames without one, in order of frame and person."""
    return heapq.merge(harvest.iter_selected(), harvest.filled_poses(), key=_place)


def _place(row: SelectedFrame | SmoothPose) -> tuple[int, int]:
    one = row.annotations if isinstance(row, SelectedFrame) else row
    return one.frame, one.person


def _cell(value: Cell, decimal: Decimal) -> Cell:
    """Return what is written: a number with its decimal sign, nothing for a missing one."""
    if not isinstance(value, float):
        return safe_cell(value) if isinstance(value, str) else value
    return "" if math.isnan(value) else repr(value).replace(".", decimal)


def _flag(value: object) -> str:
    return "true" if value else "false"


EXPORTER = Exporter(
    name="csv",
    description="a table for spreadsheets and R, long or wide",
    options=CsvOptions,
    write=write_csv,
)
