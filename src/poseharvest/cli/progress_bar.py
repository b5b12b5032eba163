"""How far a command is: a bar where somebody watches, a line a minute in a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from poseharvest.cli.log_file import logged_steps
from poseharvest.progress import OnProgress
from poseharvest.progress import Progress as Done


class _Speed(ProgressColumn):
    """Frames per second."""

    def render(self, task: Task) -> Text:
        """Return the speed over the last half minute."""
        return Text("" if task.speed is None else f"{task.speed:.1f} frames/s")


SECONDS_A_LINE: Final = 60.0


@contextmanager
def progress_bar(console: Console, clock: Callable[[], float] = time.monotonic) -> Iterator[OnProgress]:
    """Show a bar while the block runs; give the callback that moves it.

    In a file or a pipe there is no bar, but one line a minute. A command that fails at once then prints its error
    alone, and the log of a command that runs for hours shows its progress.
    """
    if not console.is_terminal:
        yield logged_steps(_lines(console, clock))
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Speed(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("opening", total=None)

        def show(done: Done) -> None:
            bar.update(task, description=done.stage, completed=done.done, total=done.total)

        yield logged_steps(show)


def _lines(console: Console, clock: Callable[[], float]) -> OnProgress:
    start = last_line_s = clock()

    def show(done: Done) -> None:
        nonlocal last_line_s
        now = clock()
        if now - last_line_s >= SECONDS_A_LINE:
            last_line_s = now
            line = f"{(now - start) / 60:.0f} min: {done.stage}, {done.done} of {done.total}"
            console.print(line, markup=False, highlight=False, soft_wrap=True)

    return show
