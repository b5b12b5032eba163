"""Tables of the paper in the terminal."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from poseharvest.evaluation.scores import Score
    from poseharvest.reproduction.result import OurColumn, Panel, PaperColumn, ReproducedTable


def print_reproduced(made: ReproducedTable, path: Path) -> None:
    """Print a table with what its numbers mean, and where its file lies."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(made.caption)
    for panel in made.panels:
        print_panel(console, panel)
        for line in panel.protocols():
            console.print(f"  {line}")
    for note in made.notes:
        console.print(f"note: {note}")
    console.print(f"table: {path}")


def print_panel(console: Console, panel: Panel) -> None:
    """Print a block of a table: the paper's columns, then ours."""
    columns: list[PaperColumn | OurColumn] = [*panel.paper, *panel.ours]
    table = Table("", *(column.title for column in columns), title=panel.title, title_justify="left")
    for row in panel.rows:
        published = [f"{column.values[row]:g}" if row in column.values else "" for column in panel.paper]
        table.add_row(row, *published, *(_shown(column.scores.get(row)) for column in panel.ours))
    console.print(table)


def _shown(score: Score | None) -> str:
    if score is None:
        return ""
    if not math.isfinite(score.value):
        return "not judged"
    interval = "" if score.interval is None else f" ({score.interval.low:.1f} to {score.interval.high:.1f})"
    return f"{score.value:.2f}{interval}"
