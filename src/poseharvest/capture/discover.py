"""Search for the footage of a capture: `videos/NAME.mp4`, `videos/NAME/*.mp4` or `images/NAME/*.jpg`.

The footage may also lie directly in the folder of the capture. GoPro cameras split a recording into chapters:
GX010042.MP4, GX020042.MP4, ..., or with older models GOPR0042.MP4, GP010042.MP4, ... All chapters are one view, which
is represented by its first chapter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from poseharvest.errors import CaptureError, NoFootageError

PLACES = ("videos", "images", "synchronized_videos", "videos-raw")  # the last two are FreeMoCap's and Anipose's
VIDEO_SUFFIXES = frozenset({
    *(".mp4", ".m4v", ".mov", ".qt", ".avi", ".divx", ".mkv", ".webm", ".mts", ".m2ts", ".m2t", ".ts", ".mpg", ".mpeg"),
    *(".mpe", ".m2v", ".vob", ".mod", ".tod", ".wmv", ".asf", ".3gp", ".3g2", ".flv", ".f4v", ".ogv", ".dv", ".mxf"),
    ".insv",
})
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})

_EXPECTED = "expected videos/NAME.mp4 (or mov, avi, mts, ...), videos/NAME/*.mp4 or images/NAME/*.jpg (or png)"
_CHAPTER = re.compile(r"((?:.*[^A-Z])?)(?:(G[HXS])(\d\d)(\d{4})|(GOPR|GP\d\d)(\d{4}))(?!\d)(.*)", re.IGNORECASE)


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that orders numbers in names by value.

    >>> sorted(["cam10", "cam2"], key=natural_key)
    ['cam2', 'cam10']
    """
    parts = re.split(r"(\d+)", text)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part.lower()) for part in parts if part)


def is_image(path: Path) -> bool:
    """Return whether the path has the name of a picture. Hidden files (`._cam01.jpg`) do not count."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()


def find_footage(folder: Path, place: Path | None = None) -> dict[str, Path]:
    """Return the video file or the folder of pictures of every view, by name in natural order.

    The footage lies in one of the `PLACES` in the folder, such as `videos` or `images`, or directly in the folder.

    Args:
        folder: the capture.
        place: the folder with the footage, relative to the capture; None searches for it.

    Raises:
        CaptureError: there is no footage, two files have the same name, or several places contain footage.
    """
    check_is_folder(folder)
    if place is not None:
        return _footage_at(folder / place)
    by_place = {name: _footage_in(folder / name) for name in PLACES if (folder / name).is_dir()}
    by_place = {name: footage for name, footage in by_place.items() if footage}
    if len(by_place) > 1:
        listed = " and ".join(f"{name} ({', '.join(footage)})" for name, footage in by_place.items())
        choice = f'say footage = "{next(iter(by_place))}" in capture.toml'
        raise CaptureError(f"{folder}: expected one place with footage, got {listed}: {choice}")
    return next(iter(by_place.values())) if by_place else _footage_at(folder)


def check_is_folder(folder: Path) -> None:
    """Check that a capture is a folder.

    Raises:
        CaptureError: it is a file or does not exist.
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
    return _videos(folder) or _image_folders(folder) or _video_folders(folder)


def is_video(path: Path) -> bool:
    """Return whether the path has the name of a video. Hidden files (`._cam01.mp4`) do not count."""
    return path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".") and path.is_file()


def chapters(first: Path) -> tuple[Path, ...]:
    """Return the files of the recording of a video, in order: its chapters, or the file alone.

    Raises:
        CaptureError: a chapter in the middle is missing.
    """
    recording = _chapter(first)
    if recording is None:
        return (first,)
    files = {}
    for path in filter(is_video, first.parent.iterdir()):
        other = _chapter(path)
        if other is not None and other[0] == recording[0]:
            files[other[1]] = path
    numbers = sorted(files)
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        listed = ", ".join(files[number].name for number in numbers)
        raise CaptureError(f"{first.parent}: expected the chapters of one recording without a gap, got {listed}")
    return tuple(files[number] for number in numbers)


def _chapter(path: Path) -> tuple[tuple[str, ...], int] | None:
    """Return the recording and the chapter number of a GoPro file; None for other names."""
    match = _CHAPTER.fullmatch(path.stem)
    if match is None:
        return None
    before, family, chapter, recording, older, older_recording, after = match.groups()
    if older is None:
        return (before, family.upper(), recording, after, path.suffix.lower()), int(chapter)
    number = 0 if older.upper() == "GOPR" else int(older[2:])
    return (before, "GOPR", older_recording, after, path.suffix.lower()), number


def _videos(folder: Path) -> dict[str, Path]:
    return _by_name((path.stem, path) for path in _recordings(folder))


def _recordings(folder: Path) -> list[Path]:
    """Return the videos of a folder, with only the first chapter of each recording."""
    return [path for path in filter(is_video, folder.iterdir()) if path == chapters(path)[0]]


def _video_folders(folder: Path) -> dict[str, Path]:
    """Return the video of each folder that contains the video of one camera, by name of the folder."""
    videos_by_view = {}
    for inner in _inner_folders(folder):
        videos = _recordings(inner)
        if len(videos) > 1:
            listed = ", ".join(sorted(path.name for path in videos))
            raise CaptureError(f"{inner}: expected one video in the folder of a camera, got {listed}: leave one there")
        if videos:
            videos_by_view[inner.name] = videos[0]
    return _by_name(videos_by_view.items())


def _inner_folders(folder: Path) -> list[Path]:
    """Return the folders that may be cameras, without folders named after the calibration (board pictures)."""
    inner = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__"))]
    return [path for path in inner if not path.name.lower().startswith("calib")]


def _image_folders(folder: Path) -> dict[str, Path]:
    """Return the folders of pictures by name, without thumbnails beside videos."""
    folders_by_view = {}
    for inner in _inner_folders(folder):
        videos = {path.stem for path in filter(is_video, inner.iterdir())}
        if any(path.stem not in videos for path in filter(is_image, inner.iterdir())):
            folders_by_view[inner.name] = inner
    return _by_name(folders_by_view.items())


def _by_name(pairs: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    footage: dict[str, Path] = {}
    for name, path in sorted(pairs, key=lambda pair: (natural_key(pair[0]), pair[1].name)):
        if name in footage:
            raise CaptureError(f'{path.parent}: two files of view "{name}": {footage[name].name} and {path.name}')
        footage[name] = path
    return footage
