"""Weights that come with the package: found beside the code, and never used unless their hash is right."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from poseharvest.detectors.published_weights import sha256_of
from poseharvest.errors import DetectorError

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
    record = _read(sidecar)
    actual = sha256_of(path)
    if actual != record["sha256"]:
        raise DetectorError(f"{path}: expected sha256 {record['sha256']}, got {actual}: install the package again")
    return ShippedWeights(path, record["sha256"], record["licence"], record["recipe"], float(record["pckh"]))


def _read(sidecar: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(sidecar.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DetectorError(f"{sidecar}: cannot be read: {error}") from error
    missing = [name for name in ("sha256", "licence", "recipe", "pckh") if name not in content]
    if missing:
        raise DetectorError(f"{sidecar}: expected the keys sha256, licence, recipe and pckh, missing {missing[0]}")
    return content
