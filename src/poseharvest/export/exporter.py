"""What there is to say of an export format, in one place: the command's options, help and errors follow from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poseharvest.annotations.reader import Harvest
from poseharvest.findings import Finding


@dataclass(frozen=True)
class Exporter:
    """A format.

    Attributes:
        name: what the user writes.
        description: one line for people.
        options: a frozen dataclass that checks itself; every field has a default and a line under `Attributes:`, of
            which the command makes an option with its help.
        write: writes a harvest to a path, by options; returns what a person should know of the file.
        is_folder: it writes a folder, not a file.
    """

    name: str
    description: str
    options: type[Any]
    write: Callable[[Harvest, Path, Any], tuple[Finding, ...]]
    is_folder: bool = False
