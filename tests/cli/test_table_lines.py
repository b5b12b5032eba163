"""Tables of the paper as they are printed: no number is cut, however narrow the terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from poseharvest.cli.table_lines import print_panel
from poseharvest.evaluation.scores import Score
from poseharvest.tables.result import OurColumn, Panel, PaperColumn

ROWS = ("Sitting", "SittingDown", "Average")
LABELS = ("Generic", "HM", "HM+sel", "PS", "PS+sel")


def panel() -> Panel:
    paper = [PaperColumn(f"paper, {name}", {row: 100.25 + 11 * k for row in ROWS}) for k, name in enumerate(LABELS)]
    ours = [
        OurColumn(f"here, {name}", {row: Score(317.42 + k, "MPJPE", None) for row in ROWS})
        for k, name in enumerate(LABELS)
    ]
    return Panel("mean over runs", ROWS, tuple(paper), tuple(ours))


@pytest.mark.parametrize("width", [40, 80, 160])
def test_no_number_is_cut(width):
    console = Console(file=io.StringIO(), width=width)
    print_panel(console, panel())
    printed = console.file.getvalue()
    for k in range(len(LABELS)):
        assert printed.count(f"{100.25 + 11 * k:g}") == printed.count(f"{317.42 + k:.2f}") == len(ROWS)
    assert all(row in printed for row in ROWS)
    assert "…" not in printed
    assert printed.count("Generic") == printed.count("HM+sel") == 2, "titles are broken between words"
