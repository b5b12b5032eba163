"""Signals that end a command: Ctrl-C, SIGTERM and SIGHUP, from before anything slow is imported until the end.

A signal unwinds the command, so that what is unfinished is removed or kept for `--resume`, and one line says what is
safe. A second signal ends it at once: what the first would have removed is removed by the next command.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Final, NoReturn

_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP")
_NOTHING_BEGUN: Final = "nothing was begun"
_NOTHING_HALF: Final = "whatever stands under its name is whole, the rest was removed: run the command again"
_AT_ONCE: Final = "ended at once: whatever stands under its name is whole; go on with --resume where the command has it"
_RAISED_AGAIN_S: Final = 0.01


class Stopped(BaseException):
    """A signal ends the command. It is no `KeyboardInterrupt`, since libraries catch that."""


class StopSignals:
    """Hears the signals that end a command.

    Attributes:
        number: the first signal that came; None before.
        has_begun: the command's own code is imported and runs.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.has_begun = False

    def __enter__(self) -> StopSignals:
        """Take over the signals."""
        self.hear()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """If a signal came, say what is safe and end the process, with all threads that still work ahead."""
        if self.number is not None and error is not None:
            self._end_process(error)

    def hear(self) -> None:
        """Take over the signals, apart from those that whoever started the process wants ignored (`nohup`)."""
        sys.excepthook = self._end_or_show  # a signal that comes before the `with` block is entered
        sys.unraisablehook = self._raise_again
        for name in _NAMES:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._stop)

    def end(self, status: int) -> None:
        """Let a signal from now on end the process with its own exit status: the command is over."""
        for name in _NAMES:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) == self._stop:
                signal.signal(number, lambda *_: os._exit(status))

    def status(self) -> int:
        """Return the exit status of a command that a signal has ended: 128 and the signal's number."""
        return 128 + (self.number or 0)

    def say(self, notes: tuple[str, ...] = ()) -> None:
        """Write the line that says what is safe.

        Args:
            notes: what the command's parts said of it.
        """
        self._say("; ".join(notes) or (_NOTHING_HALF if self.has_begun else _NOTHING_BEGUN))

    def _end_process(self, error: BaseException) -> NoReturn:
        """Say what is safe and end the process."""
        notes: list[str] = []
        cause: BaseException | None = error
        while cause is not None:  # what was raised while the command was unwound hides the first exception
            notes += getattr(cause, "__notes__", ())
            cause = cause.__context__
        self.say(tuple(notes))
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(self.status())

    def _end_or_show(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Say what is safe and end the process if a signal raised the exception, else show it as Python does."""
        if issubclass(kind, Stopped):
            self._end_process(error)
        sys.__excepthook__(kind, error, trace)

    def _say(self, text: str) -> None:
        name = signal.Signals(self.number or signal.SIGINT).name
        with suppress(OSError):  # the terminal may be gone
            os.write(2, f"stopped by {name}: {' '.join(text.split())}\n".encode(errors="backslashreplace"))

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if self.number is not None:
            self._say(_AT_ONCE)
            os._exit(self.status())
        self.number = number
        raise Stopped

    def _raise_again(self, unraisable: Any) -> None:
        """Raise the exception again, a moment later, if it came while an object was removed and was lost."""
        if not issubclass(unraisable.exc_type, Stopped):
            sys.__unraisablehook__(unraisable)
        elif hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, self._alarm)
            signal.setitimer(signal.ITIMER_REAL, _RAISED_AGAIN_S)

    def _alarm(self, _number: int, _frame: FrameType | None) -> None:
        raise Stopped
