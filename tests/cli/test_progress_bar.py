from __future__ import annotations

import io
from itertools import count

from rich.console import Console

from poseharvest.cli.progress_bar import progress_bar
from poseharvest.progress import Progress


def printed(seconds: list[float]) -> list[str]:
    """What stands in a file after one call at each of these times; the block begins at 0."""
    console = Console(file=io.StringIO(), width=40)
    times = iter([0.0, *seconds])
    with progress_bar(console, clock=lambda: next(times)) as on_progress:
        for number, _ in zip(count(1), seconds, strict=False):
            on_progress(Progress(number, len(seconds), "harvesting [walk] of a capture with a long name"))
    return console.file.getvalue().splitlines()


def test_in_a_file_a_short_command_says_nothing():
    assert printed([1.0, 30.0, 59.9]) == []


def test_in_a_file_a_long_command_says_a_line_a_minute_how_far_it_is():
    stage = "harvesting [walk] of a capture with a long name"
    assert printed([30.0, 61.0, 62.0, 130.0]) == [f"1 min: {stage}, 2 of 4", f"2 min: {stage}, 4 of 4"]


def test_where_somebody_watches_there_is_a_bar():
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    with progress_bar(console) as on_progress:
        on_progress(Progress(3, 4, "harvesting"))
    assert "harvesting" in console.file.getvalue()
    assert "3/4" in console.file.getvalue()
