"""Measured points of a scene: a CSV file with where each was measured and where cameras see it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poseharvest.boards.board import Floats
from poseharvest.errors import FormatError
from poseharvest.reading.cells import plain_cell
from poseharvest.reading.documents import read_text

_COLUMNS = ("point", "x", "y", "z", "view", "u", "v")


@dataclass(frozen=True, eq=False)
class ScenePoint:
    """A measured point of the scene.

    Attributes:
        name: what it is called.
        position_mm: (3,) where it was measured, mm.
        pixels: (2,) where cameras see it, by the name of the view.
    """

    name: str
    position_mm: Floats
    pixels: Mapping[str, Floats]


def read_scene_points(path: Path) -> tuple[ScenePoint, ...]:
    """Return the points of a CSV file with the columns point, x, y, z (mm), view, u, v (pixels).

    A row is a point in a view; a point has the same x, y, z in all its rows.

    Raises:
        FormatError: a column is missing, a value is no number, or a point has two positions.
    """
    positions: dict[str, Floats] = {}
    pixels: dict[str, dict[str, Floats]] = {}
    for number, row in _rows(path):
        where = f"{path.name}: line {number}"
        try:
            values = np.array([float(row[key] or "") for key in ("x", "y", "z", "u", "v")])
        except ValueError as error:
            raise FormatError(f"{where}: expected numbers for x, y, z, u, v, got {list(row.values())}") from error
        name, view = plain_cell(row["point"] or ""), plain_cell(row["view"] or "")
        if not np.isfinite(values).all() or not np.array_equal(positions.setdefault(name, values[:3]), values[:3]):
            raise FormatError(f'{where}: expected one finite position of point "{name}"')
        if view in pixels.setdefault(name, {}):
            raise FormatError(f'{where}: point "{name}" is twice in view "{view}"')
        pixels[name][view] = values[3:]
    return tuple(ScenePoint(name, positions[name], seen) for name, seen in pixels.items())


def _rows(path: Path) -> list[tuple[int, dict[str, str | None]]]:
    """Return the rows of the file with the number of their line."""
    reader = csv.DictReader(io.StringIO(read_text(path)))
    try:
        columns = tuple(reader.fieldnames or ())
        if not set(_COLUMNS) <= set(columns):
            raise FormatError(f"{path.name}: expected the columns {','.join(_COLUMNS)}, got {','.join(columns)}")
        return [(reader.line_num, {key: row[key] for key in _COLUMNS}) for row in reader]
    except csv.Error as error:
        raise FormatError(f"{path.name}: line {reader.line_num}: expected a table as CSV: {error}") from error
