"""Downloading a file, going on where a connection broke off, and taking the file out of an archive."""

from __future__ import annotations

import http.client
import shutil
import time
import urllib.request
import zipfile
from pathlib import Path
from typing import IO

_CHUNK = 1 << 16
_TIMEOUT_S = 30.0
_MOST_S = 1800.0
_MOST_BYTES = 2 * 10**9
_PAUSE_S = 1.0


def fetch(url: str, file: IO[bytes]) -> None:
    """Copy what lies at an address into an empty file; after a break, go on from there, as long as more comes.

    Raises:
        ValueError: it does not end, or comes too slowly.
        OSError: it cannot be reached; the HTTP library has many other errors for a broken answer.
    """
    end = time.monotonic() + _MOST_S
    before = 0
    while True:
        try:
            _go_on(url, file, end)
            return
        except (OSError, http.client.HTTPException):
            if file.tell() <= before:
                raise
            before = file.tell()
            time.sleep(_PAUSE_S)


def _go_on(url: str, file: IO[bytes], end: float) -> None:
    """Copy what the file still lacks.

    Raises:
        ConnectionError: the answer ended before its announced length.
    """
    start = file.tell()
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
        is_rest = answer.status == http.HTTPStatus.PARTIAL_CONTENT
        if is_rest and not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            raise ValueError(f"another part than the one from byte {start}")
        if start and not is_rest:  # the server sends the whole file again
            file.seek(0)
            file.truncate()
        length = answer.headers.get("Content-Length", "")
        left = int(length) if length.isdecimal() and len(length) < 16 else None
        while chunk := answer.read1(_CHUNK):
            file.write(chunk)
            left = None if left is None else left - len(chunk)
            if file.tell() > _MOST_BYTES or time.monotonic() > end:
                raise ValueError(
                    f"more than {_MOST_BYTES / 1e9:.0f} GB, or nothing whole in {_MOST_S / 60:.0f} minutes"
                )
    if left:
        raise ConnectionError(f"an answer that ended {left} bytes before its announced length")


def take_out(archive: Path, suffix: str) -> None:
    """Replace a zip archive by the only file with an ending in it.

    Raises:
        ValueError: there is none, or several, or it is too large.
    """
    unpacked = archive.with_name(f"{archive.name}.out")
    try:
        with zipfile.ZipFile(archive) as files:
            found = [part for part in files.infolist() if part.filename.endswith(suffix) and not part.is_dir()]
            if len(found) != 1:
                names = ", ".join(part.filename for part in files.infolist()[:8]) or "nothing"
                raise ValueError(f"an archive without one file *{suffix}: {names}")
            if found[0].file_size > _MOST_BYTES:
                raise ValueError(f"an archive with more than {_MOST_BYTES / 1e9:.0f} GB in it")
            with files.open(found[0]) as source, unpacked.open("xb") as target:
                shutil.copyfileobj(source, target)
        unpacked.replace(archive)
    finally:
        unpacked.unlink(missing_ok=True)
