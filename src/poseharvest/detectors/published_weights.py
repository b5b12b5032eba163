"""Published weights: found in a cache folder, or downloaded into it once, and never used unless their hash is right.

The cache is the folder that POSEHARVEST_CACHE names, else the usual one of the platform. Where nobody states a hash,
that of the first download is recorded beside the file, and a warning says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from poseharvest.detectors.download import fetch, take_out
from poseharvest.errors import DetectorError
from poseharvest.reading.documents import read_text
from poseharvest.reading.guard import foreign_library

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PublishedWeights:
    """A weights file that is published somewhere, pinned to its bytes.

    Attributes:
        name: folder below the cache.
        filename: name of the file in it.
        url: where it is published, pinned to a commit or by its name; a `.zip` holds the file, as the only one of its
            ending.
        sha256: hash of the file's bytes, hexadecimal; None if none is known from a public source.
        licence: under which it is published.
    """

    name: str
    filename: str
    url: str
    sha256: str | None
    licence: str


EFFICIENTPOSE_I = PublishedWeights(
    name="efficientpose_i",
    filename="EfficientPoseI.h5",
    url=(
        "https://raw.githubusercontent.com/daniegr/EfficientPose/836464d13bea0118bc02d31ad3867890edabc871"
        "/models/keras/EfficientPoseI.h5"
    ),
    sha256="003aea100c30c68103fb4c383fb8782f78adbea7a45451af85334327b79fc5bd",
    licence="Apache-2.0",
)


def cache_dir() -> Path:
    """Return the folder for downloaded files; it need not exist yet."""
    if configured := os.environ.get("POSEHARVEST_CACHE"):
        return Path(configured).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "poseharvest"


def find_weights(published: PublishedWeights) -> Path:
    """Return the cached file of published weights, downloaded first if need be.

    Raises:
        DetectorError: the cached or the downloaded file has another hash, or it cannot be downloaded; the message
            says where to put the file by hand.
    """
    target = cache_dir() / published.name / published.filename
    if target.is_file():
        _require_hash(target, published, where=str(target), remedy="; delete the file to have it downloaded again")
        return target
    _download(published, target)
    return target


def _download(published: PublishedWeights, target: Path) -> None:
    """Download to a temporary name beside `target`, check, and rename: nobody ever sees half a file."""
    _log.info("downloading %s to %s", published.url, target)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # As any new file, it can be read by those whom the umask lets: the cache may be shared.
        file = temporary.open("xb")
    except OSError as error:
        raise DetectorError(f"{target}: the cache cannot be written ({error}); set POSEHARVEST_CACHE") from error
    by_hand = f"put the {'.onnx of the archive' if _is_archive(published) else 'file'} at {target}"
    expected = f"{published.url}: expected weights to download (or {by_hand}, or name it as weights)"
    try:
        with file, foreign_library(expected, DetectorError):
            fetch(published.url, file)
        if _is_archive(published):
            with foreign_library(expected, DetectorError):
                take_out(temporary, target.suffix)
        _require_hash(temporary, published, where=published.url, record=_record_of(target))
        with foreign_library(expected, DetectorError):
            temporary.replace(target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def _is_archive(published: PublishedWeights) -> bool:
    return published.url.endswith(".zip") and not published.filename.endswith(".zip")


def _record_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _require_hash(
    path: Path, published: PublishedWeights, *, where: str, remedy: str = "", record: Path | None = None
) -> None:
    """Refuse a file of another hash than the pinned or the recorded one; record it if there is neither."""
    actual, record = sha256_of(path), record or _record_of(path)
    expected = published.sha256 or _recorded(record)
    if expected is None:
        _record(published, actual, record)
    elif actual != expected:
        raise DetectorError(f"{where}: expected sha256 {expected}, got {actual}{remedy}")


def _record(published: PublishedWeights, sha256: str, record: Path) -> None:
    what = f"{published.name}: no sha256 of it is known from a public source: that of this file is {sha256}"
    try:
        record.write_text(f"{sha256}  {published.filename}\n", encoding="utf-8")
    except OSError as error:  # a cache that others fill
        _log.warning("%s, which cannot be recorded in %s: %s", what, record, error.strerror or error)
    else:
        _log.warning("%s; it is recorded in %s and checked from now on", what, record)


def _recorded(record: Path) -> str | None:
    """Return the hash that was recorded at the first download; None if there is none."""
    if not record.is_file():
        return None
    words = read_text(record, error=DetectorError).split()
    return words[0] if words else None


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
