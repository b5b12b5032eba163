"""What tells the footage of a view from any other, without reading all of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from poseharvest.capture.chapters import Chapters
from poseharvest.capture.picture_folder import ImageFolder
from poseharvest.capture.view_footage import Footage
from poseharvest.errors import CaptureError
from poseharvest.storage.fingerprint import fingerprint_of


def fingerprint(footage: Footage) -> dict[str, int | str]:
    """Return the fingerprint of the footage of a view, as plain data.

    "pictures" is their number, "bytes" the size of all files, and "sha256" the hash of the sizes of all files with the
    first and last 64 KiB of a video, or of the first and last picture of a folder. A copy elsewhere has the same.
    Pictures that do not exist, as beside keypoint files, have only their number.

    Raises:
        CaptureError: a file cannot be read.
    """
    try:
        return _fingerprint(footage)
    except OSError as error:
        raise CaptureError(f"{footage.path}: the footage cannot be read: {error.strerror or error}") from error


def _fingerprint(footage: Footage) -> dict[str, int | str]:
    files = _files(footage)
    content: dict[str, int | str] = {"pictures": len(footage.times_s)}
    if not files:
        return content
    read = (files[0], files[-1]) if isinstance(footage, ImageFolder) else files
    return {**content, **fingerprint_of(files, read)}


def _files(footage: Footage) -> Sequence[Path]:
    if isinstance(footage, ImageFolder):
        return footage.files
    if isinstance(footage, Chapters):
        return [video.path for video in footage.videos]
    return [footage.path] if footage.path.is_file() else []
