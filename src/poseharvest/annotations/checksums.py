"""Checksums of the files of a harvest, in the format of `sha256sum`: `sha256sum -c SHA256SUMS` checks them too."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from poseharvest.errors import StoreError

CHECKSUMS_FILE: Final = "SHA256SUMS"
_TABLES = ("annotations/*.parquet", "frames/*.parquet", "filled/*.parquet")
_KINDS = ("harvest.json", "rig.json", *_TABLES, "previews/*/*", "film/*.mp4")
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def write_checksums(folder: Path) -> None:
    """Write the checksums of the files of a harvest that never change; its report is not among them."""
    paths = sorted(path for kind in _KINDS for path in folder.glob(kind) if path.is_file())
    lines = [f"{sha256_of(path)}  {path.relative_to(folder).as_posix()}\n" for path in paths]
    (folder / CHECKSUMS_FILE).write_text("".join(lines), encoding="utf-8", newline="\n")


def read_checksums(folder: Path) -> dict[str, str] | None:
    """Return the checksums by path within the folder; None if there are none, as in older harvests.

    Raises:
        StoreError: the file is damaged.
    """
    path = folder / CHECKSUMS_FILE
    if not path.is_file():
        return None
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except ValueError as error:
        raise StoreError(f"{path}: is damaged: {error}") from error
    matches = [_LINE.fullmatch(line) for line in lines]
    if not all(matches):
        raise StoreError(f"{path}: is damaged: expected lines of a SHA-256 and a path")
    return {match[2]: match[1] for match in matches if match is not None}


def check_file(path: Path, folder: Path, checksums: Mapping[str, str] | None, said: str = "is damaged") -> None:
    """Check a file of a harvest against its checksum.

    Args:
        path: the file.
        folder: of the harvest.
        checksums: those of the harvest; None checks nothing.
        said: what the error says of the file.

    Raises:
        StoreError: the file has changed, or has no checksum.
        OSError: it cannot be read.
    """
    if checksums is None:
        return
    name = path.relative_to(folder).as_posix()
    if name not in checksums:
        raise StoreError(f"{folder / CHECKSUMS_FILE}: is damaged: expected a line for {name}")
    if sha256_of(path) != checksums[name]:
        raise StoreError(
            f"{path}: {said}: its checksum is not that of {CHECKSUMS_FILE}; if you changed it yourself, "
            f"delete {folder / CHECKSUMS_FILE}"
        )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
