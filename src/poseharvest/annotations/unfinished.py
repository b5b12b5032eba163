"""What an interrupted harvest left: its finished parts, and what is needed to go on exactly where it was."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from poseharvest.annotations.checksums import sha256_of
from poseharvest.annotations.film import FILM
from poseharvest.annotations.parts import ANNOTATIONS, FRAMES, part_path
from poseharvest.annotations.reader import PREVIEWS
from poseharvest.errors import ConfigError, StoreError
from poseharvest.storage.disk import flush_file, flush_folder, flush_tree
from poseharvest.storage.record import Record, as_plain, first_difference
from poseharvest.storage.staging import leftovers

PROGRESS: Final = "unfinished.json"
_FORMAT: Final = "poseharvest unfinished harvest"
_UNMARKED: Final = "unmarked"
"""Folder with links to the parts as they were before selection and smoothing rewrote them."""


@dataclass(frozen=True)
class Progress:
    """How far a harvest is.

    Attributes:
        request: all that the annotations depend on, as plain data.
        records_per_part: number of records in each finished part.
        sha256: of each finished part, by its path within the folder.
        state: what the harvest needs to go on, as plain data; None before there is any.
        is_complete: every file of the harvest is written.
    """

    request: Mapping[str, Any]
    records_per_part: tuple[int, ...] = ()
    sha256: Mapping[str, str] | None = None
    state: Any = None
    is_complete: bool = False

    def write(self, folder: Path) -> None:
        """Write the progress into the folder of the unfinished harvest; it replaces an earlier one in one step."""
        _record(folder).write({
            "request": self.request,
            "records_per_part": list(self.records_per_part),
            "sha256": dict(self.sha256 or {}),
            "state": self.state,
            "is_complete": self.is_complete,
        })

    @classmethod
    def read(cls, folder: Path) -> Progress:
        """Return the progress in a folder.

        Raises:
            StoreError: it is damaged.
        """
        content = _record(folder).read() or {}
        try:
            return cls(
                content["request"],
                tuple(int(count) for count in content["records_per_part"]),
                dict(content["sha256"]),
                content["state"],
                bool(content["is_complete"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(f"{folder / PROGRESS}: is damaged: begin again (--overwrite)") from error

    def with_part(self, folder: Path, num_records: int) -> Progress:
        """Return the progress after one more part, which lies in the folder; it is flushed to the disk."""
        paths = [part_path(folder, kind, len(self.records_per_part)) for kind in (ANNOTATIONS, FRAMES)]
        for path in paths:
            flush_file(path)
            flush_folder(path.parent)
        new = {path.relative_to(folder).as_posix(): sha256_of(path) for path in paths}
        counts = (*self.records_per_part, num_records)
        return replace(self, records_per_part=counts, sha256={**(self.sha256 or {}), **new})

    def check_request(self, request: Mapping[str, Any], target: Path) -> None:
        """Raise ConfigError if the harvest was begun with something else; the message names the first difference."""
        difference = first_difference(as_plain(self.request), as_plain(request))
        if difference is not None:
            raise ConfigError(
                f"{target}: was begun with {difference}: go on with what it was begun with (--resume), or begin again "
                "(--overwrite)"
            )

    def restore_parts(self, folder: Path) -> None:
        """Bring the parts to where the progress says, whatever happened after it was written.

        Raises:
            StoreError: a part is missing or damaged.
        """
        unmarked = folder / _UNMARKED
        if unmarked.is_dir():
            shutil.rmtree(folder / ANNOTATIONS, ignore_errors=True)
            link_folder(unmarked, folder / ANNOTATIONS)
        _remove_all_but(folder, (ANNOTATIONS, FRAMES, PREVIEWS, FILM, PROGRESS, _UNMARKED))
        known = set(self.sha256 or {})
        for kind in (ANNOTATIONS, FRAMES):
            for path in (folder / kind).glob("*"):
                if path.relative_to(folder).as_posix() not in known:
                    path.unlink()
                elif sha256_of(path) != (self.sha256 or {})[path.relative_to(folder).as_posix()]:
                    raise StoreError(f"{path}: this part of the harvest is damaged: begin again (--overwrite)")
        missing = sorted(name for name in known if not (folder / name).is_file())
        if missing:
            raise StoreError(f"{folder / missing[0]}: this part of the harvest is missing: begin again (--overwrite)")


def has_parts(folder: Path) -> bool:
    """Return whether an unfinished harvest has a finished part, or may have one since its progress is damaged."""
    try:
        return bool(Progress.read(folder).records_per_part)
    except StoreError:
        return True


def set_unmarked_aside(folder: Path) -> None:
    """Keep the parts as they are, for a process that must begin with selection and smoothing again."""
    unmarked = folder / _UNMARKED
    if not unmarked.exists():
        begun = folder / f"{_UNMARKED}.begun"
        shutil.rmtree(begun, ignore_errors=True)
        link_folder(folder / ANNOTATIONS, begun)
        flush_tree(begun)
        begun.rename(unmarked)
        flush_folder(folder)


def remove_unmarked(folder: Path) -> None:
    """Remove what `set_unmarked_aside` kept, and what a kill left of the record of the progress."""
    for name in (_UNMARKED, f"{_UNMARKED}.begun"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for path in leftovers(folder / PROGRESS):
        path.unlink(missing_ok=True)


def remove_progress(folder: Path) -> None:
    """Remove the record of the progress from a harvest that has its name."""
    with suppress(OSError):  # it does no harm
        (folder / PROGRESS).unlink(missing_ok=True)


def link_folder(source: Path, target: Path) -> None:
    """Make a folder with the files of another: links, which is safe since no file is edited in place."""
    shutil.copytree(source, target, copy_function=link_file)


def link_file(source: Path | str, target: Path | str) -> None:
    """Link a file or, if the file system has no links, copy it."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _remove_all_but(folder: Path, names: tuple[str, ...]) -> None:
    for path in folder.iterdir():
        if path.name in names:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _record(folder: Path) -> Record:
    return Record(folder / PROGRESS, _FORMAT, "harvest that was interrupted", indent=None, in_claimed_folder=True)
