"""Published weights: found in a cache folder, or downloaded into it once, and never used unless their hash is right.

The cache is the folder that POSEHARVEST_CACHE names, else the usual one of the platform.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from poseharvest.errors import DetectorError
from poseharvest.reading.guard import foreign_library

_log = logging.getLogger(__name__)

_CHUNK = 1 << 16
_TIMEOUT_S = 30.0
_MOST_S = 1800.0
_MOST_BYTES = 2 * 10**9


@dataclass(frozen=True)
class PublishedWeights:
    """A weights file that is published somewhere, pinned to its bytes.

    Attributes:
        name: folder below the cache.
        filename: name of the file in it.
        url: where it is published, pinned to a commit.
        sha256: hash of its bytes, hexadecimal.
        licence: under which it is published.
    """

    name: str
    filename: str
    url: str
    sha256: str
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
    expected = f"{published.url}: expected weights to download (or put the file at {target}, or name it as weights)"
    try:
        with file, foreign_library(expected, DetectorError):
            _fetch(published.url, file)
        _require_hash(temporary, published, where=published.url)
        with foreign_library(expected, DetectorError):
            temporary.replace(target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def _fetch(url: str, file: IO[bytes]) -> None:
    """Copy what lies at an address.

    Raises:
        ValueError: it does not end, or comes too slowly.
        OSError: it cannot be reached; the HTTP library has many other errors for a broken answer.
    """
    end, room = time.monotonic() + _MOST_S, _MOST_BYTES
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
        while chunk := answer.read1(_CHUNK):
            file.write(chunk)
            room -= len(chunk)
            if room < 0 or time.monotonic() > end:
                raise ValueError(
                    f"more than {_MOST_BYTES / 1e9:.0f} GB, or nothing whole in {_MOST_S / 60:.0f} minutes"
                )


def _require_hash(path: Path, published: PublishedWeights, *, where: str, remedy: str = "") -> None:
    actual = sha256_of(path)
    if actual != published.sha256:
        raise DetectorError(f"{where}: expected sha256 {published.sha256}, got {actual}{remedy}")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
