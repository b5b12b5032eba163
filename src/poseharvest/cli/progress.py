"""A progress bar with frames per second and the time left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from poseharvest.harvesting.harvest import OnProgress
from poseharvest.harvesting.harvest import Progress as Done


class _Speed(ProgressColumn):
    """Frames per second."""

    def render(self, task: Task) -> Text:
        """Return the speed over the last half minute."""
        return Text("" if task.speed is None else f"{task.speed:.1f} frames/s")


@contextmanager
def progress_bar(console: Console) -> Iterator[OnProgress]:
    """Show a bar while the block runs; give the callback that moves it.

    Where nobody watches, in a file or a pipe, there is no bar: an error stays the only line.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Speed(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("opening", total=None)

        def show(done: Done) -> None:
            bar.update(task, description=done.stage, completed=done.done, total=done.total)

        yield show
