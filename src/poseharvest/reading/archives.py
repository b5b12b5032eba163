"""Zip archives, in which NumPy and PyTorch store their arrays: how much they unpack into, before they are."""

from __future__ import annotations

import zipfile
from pathlib import Path

from poseharvest.errors import FormatError, HarvestError
from poseharvest.reading.budgets import MAX_ARRAY_BYTES


def check_unpacked_size(path: Path, error: type[HarvestError] = FormatError) -> None:
    """Refuse an archive whose parts are larger than the file and than the budget; other files pass.

    Raises:
        HarvestError: of type `error`.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        size = sum(part.file_size for part in archive.infolist())
    if size > max(MAX_ARRAY_BYTES, 2 * path.stat().st_size):
        raise error(f"{path}: expected no more than {MAX_ARRAY_BYTES / 1e9:.1f} GB in it, got {size / 1e9:.1f} GB")
