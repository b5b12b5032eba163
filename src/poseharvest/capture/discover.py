"""Where a capture's footage lies: `videos/NAME.mp4` or `images/NAME/*.jpg`, or the same without the outer folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from poseharvest.errors import CaptureError, NoFootageError

PLACES = ("videos", "images", "synchronized_videos", "videos-raw")  # the last two are FreeMoCap's and Anipose's
VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".avi", ".mkv", ".m4v", ".webm"})
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})

_EXPECTED = "expected videos/NAME.mp4 (or mov, avi, mkv) or images/NAME/*.jpg (or png)"


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts numbers within names by value.

    >>> sorted(["cam10", "cam2"], key=natural_key)
    ['cam2', 'cam10']
    """
    parts = re.split(r"(\d+)", text)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part.lower()) for part in parts if part)


def is_image(path: Path) -> bool:
    """Return whether the path is named as a picture. Hidden files (`._cam01.jpg`) are not."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()


def find_footage(folder: Path, place: Path | None = None) -> dict[str, Path]:
    """Return the video file or the folder of pictures of every view, by name in natural order.

    It lies in `videos`, `images` or another of the `PLACES` within the folder; or else directly in it.

    Args:
        folder: the capture.
        place: the folder with the footage, relative to the capture; None looks for it.

    Raises:
        CaptureError: there is no footage, two files have one name, or there are several places with footage.
    """
    check_is_folder(folder)
    if place is not None:
        return _footage_at(folder / place)
    found = {name: _footage_in(folder / name) for name in PLACES if (folder / name).is_dir()}
    found = {name: footage for name, footage in found.items() if footage}
    if len(found) > 1:
        listed = " and ".join(f"{name} ({', '.join(footage)})" for name, footage in found.items())
        choice = f'say footage = "{next(iter(found))}" in capture.toml'
        raise CaptureError(f"{folder}: expected one place with footage, got {listed}: {choice}")
    return next(iter(found.values())) if found else _footage_at(folder)


def check_is_folder(folder: Path) -> None:
    """Raise where a capture is no folder.

    Raises:
        CaptureError: it is a file, or not there.
    """
    if not folder.is_dir():
        what = "a file" if folder.is_file() else "nothing"
        raise CaptureError(f"{folder}: expected a capture, a folder with footage and a calibration, got {what}")


def _footage_at(folder: Path) -> dict[str, Path]:
    footage = _footage_in(folder) if folder.is_dir() else {}
    if not footage:
        raise NoFootageError(f"{folder}: {_EXPECTED}, got no footage")
    return footage


def _footage_in(folder: Path) -> dict[str, Path]:
    return _videos(folder) or _image_folders(folder)


def _videos(folder: Path) -> dict[str, Path]:
    paths = [path for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()]
    return _by_name((path.stem, path) for path in paths if not path.name.startswith("."))


def _image_folders(folder: Path) -> dict[str, Path]:
    """Folders that hold pictures; a folder named after the calibration holds pictures of a board, not of a person."""
    inner = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    views = [path for path in inner if not path.name.lower().startswith("calib") and any(map(is_image, path.iterdir()))]
    return _by_name((path.name, path) for path in views)


def _by_name(pairs: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    footage: dict[str, Path] = {}
    for name, path in sorted(pairs, key=lambda pair: (natural_key(pair[0]), pair[1].name)):
        if name in footage:
            raise CaptureError(f'{path.parent}: two files of view "{name}": {footage[name].name} and {path.name}')
        footage[name] = path
    return footage
