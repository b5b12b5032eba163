"""A folder of keypoint files of several views: where each view's lie, and a look at people from all of them.

A view's files are a folder or a file called as the view: `cam01/` or `cam01_json/` with OpenPose's files or one list of
results in it, or `cam01.json`, or a table or project of DeepLabCut or SLEAP (`keypoint_tables`). Or one COCO file holds
the pictures of all views, whose names or folders name the view. Whatever else lies there (pictures,
`.ipynb_checkpoints`, `__MACOSX`, notes) is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from poseharvest.detectors.keypoint_files import (
    KeypointFiles,
    PictureFiles,
    is_of_a_picture,
    read_list,
)
from poseharvest.detectors.keypoint_records import read_json
from poseharvest.detectors.keypoint_tables import TABLE_SUFFIXES, read_table, view_of_table
from poseharvest.errors import DetectorError, FormatError, HarvestError

_SAMPLED_PICTURES = 60  # a view
_FOREIGN = {
    ".npy": "arrays such as FreeMoCap's",
    ".npz": "arrays",
    ".pkl": "pickles",
    ".pickle": "pickles",
    ".txt": "text",
    ".xml": "XML such as CVAT's",
}


class KeypointFolder:
    """Keypoint files of several views. A view's files are looked for when they are asked for."""

    def __init__(self, root: Path) -> None:
        """Open a folder.

        Raises:
            DetectorError: it is no folder.
        """
        if not root.is_dir():
            raise DetectorError(f"{root}: expected a folder of keypoint files, one folder or file a view")
        self.root = root
        self._opened: dict[str, KeypointFiles] = {}

    def files(self, view: str) -> KeypointFiles:
        """Return the keypoint files of a view.

        Raises:
            DetectorError: there are none, or two; the message lists what there is.
            FormatError: they are damaged.
        """
        if view not in self._opened:
            self._opened[view] = self._open(view)
        return self._opened[view]

    def view_names(self) -> tuple[str, ...]:
        """Return what the views are called whose files lie here, by their own names.

        Raises:
            DetectorError: there are none; the message names what was found instead.
        """
        named = dict.fromkeys(_view_of(path) for path in _entries(self.root))
        readable = tuple(name for name in named if self._is_readable(name))
        if not readable:
            raise DetectorError(
                f"{self.root}: expected one folder or file of keypoints a view, got {what_lies_in(self.root)}"
                f"{self._why_unread(named)}"
            )
        return readable

    def _why_unread(self, views: Iterable[str]) -> str:
        """Return the end of a sentence: what is wrong with the first file that was to be read; nothing if none was."""
        for view in views:
            try:
                self.files(view)
            except HarvestError as error:
                return f"; {error}"
        return ""

    def _is_readable(self, view: str) -> bool:
        try:
            return bool(self.files(view).frames)
        except HarvestError:
            return False

    def _open(self, view: str) -> KeypointFiles:
        named = [path for path in _entries(self.root) if _view_of(path) == view]
        named = [path for path in named if path.suffix != ".csv" or path.with_suffix(".h5") not in named]
        readable = [path for path in named if _can_be_read(path)] if len(named) > 1 else named
        if len(readable) > 1:
            listed = " and ".join(path.name for path in readable)
            raise DetectorError(f'{self.root}: view "{view}": expected one folder or file of keypoints, got {listed}')
        if readable:
            return open_entry(readable[0])
        shared = self._shared(view)
        if shared is not None:
            return shared
        raise DetectorError(
            f'{self.root}: view "{view}": expected a folder "{view}" or "{view}_json" of OpenPose files, or a file '
            f'"{view}.json" of COCO, AlphaPose or MMPose, or a table "{view}..." of DeepLabCut or SLEAP, '
            f"got {what_lies_in(self.root)}"
        )

    def _shared(self, view: str) -> KeypointFiles | None:
        """Return the view's part of the one file that holds all views."""
        for path in (path for path in _entries(self.root) if _is_json(path)):
            try:
                part = read_list(path, only=view)
            except FormatError:
                continue
            if part.frames and part.names:
                return part
        return None


def open_entry(path: Path) -> KeypointFiles:
    """Return the keypoint files of one view: a folder of OpenPose's or EasyMocap's or with one list, or such a list.

    Raises:
        DetectorError: there are none, or several lists.
        FormatError: they are damaged.
    """
    if path.is_file():
        return read_table(path) if _is_table(path) else read_list(path)
    paths = _json_files(path)
    if len(paths) == 1 and not is_of_a_picture(read_json(paths[0])):
        return read_list(paths[0])
    lists = [path for path in paths if path.name == "alphapose-results.json"]
    if lists:
        return read_list(lists[0])
    return PictureFiles(path, paths)


def is_keypoint_file(path: Path) -> bool:
    """Return whether a file may hold keypoints, by its ending."""
    return _is_json(path) or _is_table(path)


def _can_be_read(path: Path) -> bool:
    try:
        return bool(open_entry(path).frames)
    except HarvestError:
        return False


def sample_people(files: Iterable[KeypointFiles], most: int = _SAMPLED_PICTURES) -> list[Tensor]:
    """Return (K, 3) x, y, score of people in all views, from pictures spread over the take.

    Pictures are taken further and further apart until `most` of a view have been looked at; a view whose sampled
    pictures show nobody is looked through to its end for the first person.

    Args:
        files: of the views.
        most: pictures to look at in each view.
    """
    return [person for one in files for person in _sample_of_view(one, most)]


def _sample_of_view(files: KeypointFiles, most: int) -> list[Tensor]:
    numbers = files.frames
    spread = np.linspace(0, len(numbers) - 1, min(most, len(numbers))).round()
    found = [person for at in sorted(set(spread.astype(int).tolist())) for person in files.people(numbers[at])]
    if found:
        return found
    return next((people for people in map(files.people, numbers) if people), [])


def what_lies_in(root: Path) -> str:
    """Return what a folder holds, in words: for errors."""
    paths = sorted(path for path in root.iterdir() if not _is_junk(path))
    known = [f"{len(_of(paths, suffix))} {suffix} ({what}, which are not read)" for suffix, what in _foreign(paths)]
    listed = ", ".join(path.name for path in paths[:8]) or "nothing"
    return f"{listed}: {'; '.join(known)}: convert them to COCO's or OpenPose's JSON" if known else listed


def _foreign(paths: Sequence[Path]) -> list[tuple[str, str]]:
    return [(suffix, what) for suffix, what in _FOREIGN.items() if _of(paths, suffix)]


def _of(paths: Sequence[Path], suffix: str) -> list[Path]:
    return [path for path in paths if path.suffix.lower() == suffix]


def _entries(root: Path) -> list[Path]:
    """Return the files and folders that may be a view's keypoints."""
    paths = sorted(path for path in root.iterdir() if not _is_junk(path))
    return [path for path in paths if (path.is_dir() and _json_files(path)) or _is_json(path) or _is_table(path)]


def _json_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if _is_json(path) and not _is_junk(path))


def _is_json(path: Path) -> bool:
    return path.suffix.lower() == ".json" and path.is_file()


def _is_table(path: Path) -> bool:
    return path.suffix.lower() in TABLE_SUFFIXES and path.is_file()


def _is_junk(path: Path) -> bool:
    """Return whether systems and tools left it behind: hidden files, and the folder that macOS packs into archives."""
    return path.name.startswith(".") or path.name == "__MACOSX"


def _view_of(path: Path) -> str:
    if path.is_dir():
        return path.name.removesuffix("_json")
    return view_of_table(path) if _is_table(path) else path.stem
