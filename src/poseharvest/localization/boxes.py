"""Boxes around the person that the user supplies: a CSV file with `frame,view,x,y,width,height`.

x and y are the box's top-left corner in pixels of the picture, width and height its size. A row is a frame and view.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from poseharvest.errors import FormatError, StoreError
from poseharvest.geometry.crop import Crop
from poseharvest.localization.limits import CROP_SCALE
from poseharvest.reading.cells import plain_cell, safe_cell

_COLUMNS = ("frame", "view", "x", "y", "width", "height")


@dataclass(frozen=True)
class Boxes:
    """Windows by frame and view.

    Attributes:
        crops: (frame, view) -> square window, 1.25 times the box's longer side.
    """

    crops: Mapping[tuple[int, str], Crop]

    @property
    def views(self) -> tuple[str, ...]:
        """The views that have a box in some frame, in order of their names."""
        return tuple(sorted({view for _, view in self.crops}))

    def at(self, frame: int, view: str) -> Crop | None:
        """Return the window of a frame and view, or None if no box was given."""
        return self.crops.get((frame, view))


def read_boxes(path: str | Path) -> Boxes:
    """Return the boxes of a CSV file; columns beyond the six are ignored.

    Raises:
        FormatError: the file cannot be read, a column is missing, a row does not hold finite numbers, or a frame and
            view has two boxes; the message names the file and, where it can, the line.
    """
    path = Path(path)
    crops: dict[tuple[int, str], Crop] = {}
    for line, row in _rows(path):
        where = f"{path}: line {line}"
        frame, crop = _frame_and_crop(row, where)
        view = plain_cell(row["view"] or "")
        if (frame, view) in crops:
            raise FormatError(f'{where}: expected one box a frame and view, got another for frame {frame}, "{view}"')
        crops[frame, view] = crop
    return Boxes(crops)


def write_boxes(boxes: Boxes, path: str | Path) -> None:
    """Write boxes as `read_boxes` reads them, to a thousandth of a pixel; the boxes are squares.

    Raises:
        StoreError: the file cannot be written.
    """
    try:
        with Path(path).open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(_COLUMNS)
            for (frame, view), crop in sorted(boxes.crops.items()):
                side = crop.side / CROP_SCALE
                corner = [center - side / 2 + 0.5 for center in crop.center]
                writer.writerow([frame, safe_cell(view), *(f"{value:.3f}" for value in (*corner, side, side))])
    except OSError as error:
        raise StoreError(f"{path}: boxes cannot be written: {error.strerror}") from error


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of the file with the number of their line."""
    try:
        # Spreadsheets put a byte order mark first.
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            missing = [c for c in _COLUMNS if c not in (reader.fieldnames or ())]
            if missing:
                raise FormatError(f"{path}: expected the columns {', '.join(_COLUMNS)}, missing {', '.join(missing)}")
            return [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise FormatError(f"{path}: boxes cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"{path}: expected a CSV file in UTF-8, got: {error}") from error


def _frame_and_crop(row: Mapping[str, str], where: str) -> tuple[int, Crop]:
    try:
        frame = int(row["frame"])
        x, y, width, height = (float(row[name]) for name in _COLUMNS[2:])
    except (ValueError, TypeError) as error:  # a short row holds None
        raise FormatError(f"{where}: expected numbers, got {_format_row(row)}") from error
    if not all(map(math.isfinite, (x, y, width, height))) or frame < 0:
        raise FormatError(f"{where}: expected a frame from 0 and finite numbers, got {_format_row(row)}")
    if not (width > 0 and height > 0):
        raise FormatError(f"{where}: expected a positive width and height, got {width:g} x {height:g}")
    # A box covers whole pixels from its corner on; the corner of pixel 0 is at -0.5.
    return frame, Crop((x + width / 2 - 0.5, y + height / 2 - 0.5), CROP_SCALE * max(width, height))


def _format_row(row: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {row[name]}" for name in _COLUMNS)
