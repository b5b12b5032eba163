"""OpenSim's motion files (.mot, .sto): a header that ends with `endheader`, a row of names, and rows of numbers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poseharvest.errors import FormatError
from poseharvest.kinematics.joint_angles import Floats
from poseharvest.reading.documents import read_text


@dataclass(frozen=True, eq=False)
class Motion:
    """Coordinates over time.

    Attributes:
        names: (C) of the coordinates.
        times_s: (F,).
        values: (F, C), degrees or metres.
    """

    names: tuple[str, ...]
    times_s: Floats
    values: Floats

    def without(self, names: Collection[str]) -> Motion:
        """Return the motion without some coordinates."""
        kept = [number for number, name in enumerate(self.names) if name not in names]
        return Motion(tuple(self.names[number] for number in kept), self.times_s, self.values[:, kept])


def read_motion(path: Path) -> Motion:
    """Return the content of a motion file.

    Raises:
        FormatError: it is none, its angles are not degrees, or it holds something else than numbers.
    """
    header, separator, body = read_text(path).partition("endheader")
    if not separator:
        raise FormatError(f"{path.name}: expected a motion file of OpenSim, with a line endheader")
    if "inDegrees=yes" not in header.replace(" ", ""):
        raise FormatError(f"{path.name}: expected angles in degrees, inDegrees=yes")
    names, *rows = [line.split() for line in body.splitlines() if line.strip()] or [[]]
    if not names or not rows:
        raise FormatError(f"{path.name}: expected a row of names and rows of numbers")
    try:
        numbers = np.array(rows, dtype=float)
    except ValueError as error:
        raise FormatError(f"{path.name}: expected rows of {len(names)} numbers: {error}") from error
    if numbers.ndim != 2 or numbers.shape[1] != len(names):
        raise FormatError(f"{path.name}: expected rows of {len(names)} numbers, got {numbers.shape[-1]}")
    return Motion(tuple(names[1:]), numbers[:, 0], numbers[:, 1:])
