"""Boxes around the person that somebody already has: a CSV file with `frame,view,x,y,width,height`.

x and y are the box's top-left corner in pixels of the picture, width and height its size; one row a frame and view.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from poseharvest.errors import FormatError
from poseharvest.geometry.crop import Crop
from poseharvest.localization.scan import CROP_SCALE

_COLUMNS = ("frame", "view", "x", "y", "width", "height")


@dataclass(frozen=True)
class Boxes:
    """Windows by frame and view.

    Attributes:
        crops: (frame, view) -> square window, 1.25 times the box's longer side.
    """

    crops: Mapping[tuple[int, str], Crop]

    def at(self, frame: int, view: str) -> Crop | None:
        """Return the window of a frame and view, or None if no box was given."""
        return self.crops.get((frame, view))


def read_boxes(path: str | Path) -> Boxes:
    """Return the boxes of a CSV file.

    Raises:
        FormatError: a column is missing or a row does not hold numbers; the message names file and line.
    """
    path = Path(path)
    crops: dict[tuple[int, str], Crop] = {}
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            missing = [c for c in _COLUMNS if c not in (reader.fieldnames or ())]
            if missing:
                raise FormatError(f"{path}: expected the columns {', '.join(_COLUMNS)}, missing {', '.join(missing)}")
            for row in reader:
                crops[int(row["frame"]), row["view"]] = _crop(path, reader.line_num, row)
    except OSError as error:
        raise FormatError(f"{path}: boxes cannot be read: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise FormatError(f"{path}: line {reader.line_num}: expected numbers, got {dict(row)}") from error
    return Boxes(crops)


def _crop(path: Path, line: int, row: Mapping[str, str]) -> Crop:
    x, y, width, height = (float(row[name]) for name in _COLUMNS[2:])
    if not (width > 0 and height > 0):
        raise FormatError(f"{path}: line {line}: expected a positive width and height, got {width} x {height}")
    # A box covers whole pixels from its corner on; the corner of pixel 0 is at -0.5.
    return Crop((x + width / 2 - 0.5, y + height / 2 - 0.5), CROP_SCALE * max(width, height))
