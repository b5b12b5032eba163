"""Where a capture's footage lies: `videos/NAME.mp4` or `images/NAME/*.jpg`, or the same without the outer folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from poseharvest.capture.settings import FootageKind
from poseharvest.errors import CaptureError

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


def find_footage(folder: Path, kind: FootageKind | None = None) -> dict[str, Path]:
    """Return the video file or the folder of pictures of every view, by name in natural order.

    The first of these that holds anything is the footage: `videos` or `images` in the folder, videos directly in it,
    folders of pictures directly in it.

    Args:
        folder: the capture.
        kind: read this kind alone.

    Raises:
        CaptureError: there is no footage, two files have one name, or videos and images are both there.
    """
    if not folder.is_dir():
        what = "a file" if folder.is_file() else "nothing"
        raise CaptureError(f"{folder}: expected a capture, a folder with footage and a calibration, got {what}")
    found = {name: _footage_in(place) for name, place in _places(folder, kind)}
    if found.get("videos") and found.get("images"):
        raise CaptureError(
            f"{folder}: expected one kind of footage, got both videos ({', '.join(found['videos'])}) and images "
            f'({", ".join(found["images"])}): say footage = "videos" or "images" in capture.toml'
        )
    for footage in found.values():
        if footage:
            return footage
    direct = _direct_footage(folder, kind)
    if not direct:
        raise CaptureError(f"{folder}: {_EXPECTED}, got no footage")
    return direct


def _places(folder: Path, kind: FootageKind | None) -> list[tuple[FootageKind, Path]]:
    kinds: tuple[FootageKind, ...] = ("videos", "images") if kind is None else (kind,)
    return [(name, folder / name) for name in kinds if (folder / name).is_dir()]


def _footage_in(place: Path) -> dict[str, Path]:
    return _videos(place) if place.name == "videos" else _image_folders(place)


def _direct_footage(folder: Path, kind: FootageKind | None) -> dict[str, Path]:
    videos = _videos(folder) if kind != "images" else {}
    return videos or (_image_folders(folder) if kind != "videos" else {})


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
