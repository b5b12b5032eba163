"""The named errors of poseharvest.

Every error a user can cause is a `HarvestError`. Its message says what is wrong, what was expected, what was
found and where, on one line: `calib.json: camera "C2": rotation must be orthonormal, got det -1.00`.
"""

from __future__ import annotations

from types import TracebackType

_MAX_CHARACTERS = 2000


class HarvestError(Exception):
    """Root of all errors that poseharvest raises on wrong input.

    The message is made fit for a terminal, since names and values of foreign files stand in it: it is one line, other
    control characters are shown by their numbers, and it ends after 2000 characters.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(_one_line(message))


def _one_line(message: str) -> str:
    if not message.isprintable():
        message = " ".join(message.split())
        message = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in message)
    return message if len(message) <= _MAX_CHARACTERS else f"{message[: _MAX_CHARACTERS - 4]} ..."


class ShapeError(HarvestError):
    """A tensor has the wrong shape, type or non-finite values."""


class CalibrationError(HarvestError):
    """A calibration is missing, ambiguous, inconsistent or geometrically impossible."""


class NoCalibrationError(CalibrationError):
    """A folder holds no calibration at all."""


class FormatError(HarvestError):
    """A file is not in the format that it claims, or is damaged."""


class ConfigError(HarvestError):
    """An option or a configuration file is wrong."""


class CaptureError(HarvestError):
    """A capture's footage is missing, damaged or does not fit its calibration."""


class NoFootageError(CaptureError):
    """There are no videos or pictures in a capture's folder."""


class NobodyFoundError(CaptureError):
    """No two views of a capture agree on a person, or no picture shows one."""


class SkeletonError(HarvestError):
    """Two skeletons, or a skeleton and a detector, do not fit together."""


class DetectorError(HarvestError):
    """A detector or its weights cannot be used."""


class StoreError(HarvestError):
    """A harvest folder cannot be read or written."""


class ClusterError(HarvestError):
    """A cluster of machines cannot be reached, or its workers fail."""


class DatasetError(HarvestError):
    """A data set on disk lacks what its layout promises, or what was asked of it."""


class TrainingError(HarvestError):
    """A network cannot be trained as asked, or its training went wrong."""


class StoppedError(TrainingError):
    """A signal ended a training after its checkpoint was written.

    Args:
        message: what is safe, and how to go on.
        signal_number: the signal.
    """

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.signal_number = signal_number


def in_one_line(error: HarvestError) -> str:
    """Return the message of an error with its notes, on one line."""
    return " ".join("; ".join([str(error), *getattr(error, "__notes__", ())]).split())


class NoteOnError:
    """Adds a note to whatever ends a block early, for the line that the command prints.

    Args:
        note: what is safe, and how to go on.
        signals_only: leave errors as they are, which say so themselves.
    """

    def __init__(self, note: str, *, signals_only: bool = False) -> None:
        self._note, self._signals_only = note, signals_only

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Add the note."""
        if error is not None and not (self._signals_only and isinstance(error, Exception)):
            error.add_note(self._note)
