"""What there is to say of a calibration format, in one place: reading, recognition and errors follow from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poseharvest.calibration.build import ReadOptions
from poseharvest.geometry.rig import Rig
from poseharvest.units import LengthUnit


@dataclass(frozen=True)
class CalibrationFormat:
    """A calibration format.

    Attributes:
        name: what the user writes.
        default_unit: the unit of length if the user gives none.
        reject: returns why a file is not of this format, None if it is.
        read: returns the rig of a file.
        resembles: whether a file's JSON (None if it is none) and text look like this format, for a message that says
            what is wrong in it.
        unit_of: returns the unit of one file where the format's tools differ in it.
        suffixes: of the files that are looked at where a folder is given; what a file is, its content says.
        is_binary: whether its files are no text.
        deeper: patterns of files that lie deeper in a folder that is given (`sparse/*/cameras.txt`).
        leader: returns the file that stands for all those of a calibration in several files. It is asked for every file
            that is looked at, and returns other files unchanged; None if a calibration is one file.
    """

    name: str
    default_unit: LengthUnit
    reject: Callable[[Path], str | None]
    read: Callable[[Path, ReadOptions], Rig]
    resembles: Callable[[Any, str], bool]
    unit_of: Callable[[Path], LengthUnit] | None = None
    suffixes: tuple[str, ...] = (".json",)
    is_binary: bool = False
    deeper: tuple[str, ...] = ()
    leader: Callable[[Path], Path] | None = None


def has_key(document: object, *keys: str) -> bool:
    """Return whether a JSON document is a table with one of the keys."""
    return isinstance(document, dict) and bool(document.keys() & set(keys))
