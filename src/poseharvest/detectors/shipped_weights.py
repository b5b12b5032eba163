"""Weights that come with the package: found beside the code, and never used unless their hash is right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import FiniteFloat

from poseharvest.detectors.published_weights import sha256_of
from poseharvest.errors import DetectorError
from poseharvest.reading.documents import load_toml
from poseharvest.reading.foreign_records import ForeignRecord, checked

FOLDER: Final = Path(__file__).with_name("shipped")
GENERIC_HOURGLASS: Final = "hourglass_generic"
"""A small hourglass, trained on the studio's generic world alone."""


@dataclass(frozen=True)
class ShippedWeights:
    """A weights file of the package, with what its TOML file says of it.

    Attributes:
        path: the safetensors file.
        sha256: hash of its bytes, hexadecimal.
        licence: under which it comes.
        recipe: the command that trained it.
        pckh: PCKh@0.5 on the validation pictures, percent.
    """

    path: Path
    sha256: str
    licence: str
    recipe: str
    pckh: float


class _Record(ForeignRecord):
    """What the TOML file says."""

    sha256: str
    licence: str
    recipe: str
    pckh: FiniteFloat


def find_shipped(name: str, folder: Path = FOLDER) -> ShippedWeights:
    """Return weights of the package.

    Args:
        name: of the two files, NAME.safetensors and NAME.toml.
        folder: where they lie.

    Raises:
        DetectorError: a file is missing, which is so in an incomplete installation, or damaged.
    """
    path, sidecar = folder / f"{name}.safetensors", folder / f"{name}.toml"
    if not (path.is_file() and sidecar.is_file()):
        raise DetectorError(
            f"{path}: the weights that come with the package are missing: install it again, or name others as weights"
        )
    record = checked(
        _Record, load_toml(sidecar, where=str(sidecar), error=DetectorError), str(sidecar), error=DetectorError
    )
    actual = sha256_of(path)
    if actual != record.sha256:
        raise DetectorError(f"{path}: expected sha256 {record.sha256}, got {actual}: install the package again")
    return ShippedWeights(path, record.sha256, record.licence, record.recipe, record.pckh)
