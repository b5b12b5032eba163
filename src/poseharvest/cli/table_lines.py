"""Tables of the paper in the terminal."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from poseharvest.evaluation.scores import Score
    from poseharvest.tables.result import OurColumn, Panel, PaperColumn, ReproducedTable

_WIDTH_OF_FILES = 160  # where a file is written and not a terminal


def print_reproduced(table: ReproducedTable, path: Path) -> None:
    """Print a table with what its numbers mean, and where its file lies."""
    console = console_for_tables()
    console.print(table.caption)
    for panel in table.panels:
        print_panel(console, panel)
        for line in panel.protocols():
            console.print(f"  {line}")
    for note in table.notes:
        console.print(f"note: {note}")
    console.print(f"table: {path}")


def console_for_tables() -> Console:
    """Return the console, wide where it is a file."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH_OF_FILES)
    return console


def print_panel(console: Console, panel: Panel) -> None:
    """Print a block of a table: the paper's columns, then ours. Titles may be broken between words, cells are not."""
    columns: list[PaperColumn | OurColumn] = [*panel.paper, *panel.ours]
    rows = [_cells(panel, row) for row in panel.rows]
    table = Table(title=panel.title, title_justify="left")
    for title, cells in zip(["", *(column.title for column in columns)], zip(*rows, strict=True), strict=True):
        table.add_column(title, min_width=max(map(len, [*cells, *title.split()])), overflow="fold")
    for cells in rows:
        table.add_row(*cells)
    console.print(table, crop=False)


def _cells(panel: Panel, row: str) -> tuple[str, ...]:
    published = [f"{column.values[row]:g}" if row in column.values else "" for column in panel.paper]
    return row, *published, *(_shown(column.scores.get(row)) for column in panel.ours)


def _shown(score: Score | None) -> str:
    if score is None:
        return ""
    if not math.isfinite(score.value):
        return "not judged"
    interval = "" if score.interval is None else f" ({score.interval.low:.1f} to {score.interval.high:.1f})"
    return f"{score.value:.2f}{interval}"
