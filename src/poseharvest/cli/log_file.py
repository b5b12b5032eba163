"""The log of a command: `poseharvest.log` in the folder that it makes, with its arguments, its steps and its end."""

from __future__ import annotations

import logging
import re
import shlex
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import typer

from poseharvest import __version__
from poseharvest.progress import OnProgress, Progress

LOG_NAME: Final = "poseharvest.log"
LOGGED: Final = frozenset({"harvest", "personalize", "train2d", "train3d", "predict", "reproduce", "demo"})
"""Commands whose `--out` is a folder."""

_MOST_LINES = 5000
_NUMBER = re.compile(r"\d+")
_ROOT = "poseharvest"
_steps = logging.getLogger(f"{_ROOT}.steps")


class CommandLog(logging.Handler):
    """Keeps the lines of one command in memory, and writes them into its folder when the command has ended.

    A folder appears as a whole or not at all, so that nothing can be written into it before.

    Attributes:
        outcome: how the command ended.
        is_done: it has done what it was asked for.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)
        self._folder: Path | None = None
        self._was_there = False
        self._start = time.monotonic()
        self.outcome = "interrupted"
        self.is_done = False

    def __enter__(self) -> CommandLog:
        logging.getLogger(_ROOT).addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._write()
        logging.getLogger(_ROOT).removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self._lines.append(self.format(record))

    def begin(self, command: str, arguments: Sequence[str], out: object) -> None:
        """Take note of what is run, and of the folder that it makes."""
        if command not in LOGGED or not isinstance(out, str | Path) or ":" in Path(out).parts[0]:
            return
        self._folder = Path(out)
        self._was_there = self._folder.exists()
        _steps.info("poseharvest %s %s (version %s)", command, shlex.join(arguments), __version__)

    def _write(self) -> None:
        """Write the lines into the folder, after those of earlier runs. One that the command did not make is left."""
        if self._folder is None or not self._folder.is_dir() or (self._was_there and not self.is_done):
            return
        line = f"{self.outcome}, after {time.monotonic() - self._start:.0f} s"
        self.handle(logging.makeLogRecord({"msg": line, "levelno": logging.INFO, "levelname": "INFO"}))
        try:
            with (self._folder / LOG_NAME).open("a", encoding="utf-8", errors="backslashreplace") as stream:
                stream.writelines(f"{line}\n" for line in self._lines)
        except OSError as error:
            typer.echo(f"{self._folder}: the log cannot be written: {error.strerror}", err=True)


def logged_steps(on_progress: OnProgress) -> OnProgress:
    """Return a listener that logs each new step before it passes it on; numbers within a step make no new one."""
    last = ""

    def report(progress: Progress) -> None:
        nonlocal last
        step = _NUMBER.sub("", progress.stage)
        if step != last:
            last = step
            _steps.info("%s (%d of %d)", progress.stage, progress.done, progress.total)
        on_progress(progress)

    return report
