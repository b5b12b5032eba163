"""Writing of complete files and folders: first under a temporary name beside the target, then renamed.

The target's name is claimed first (`name_lock`), and nothing that stands there is replaced unless it was asked for.
What a dead process left beside the target is removed by the next one that claims the name.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from poseharvest.errors import StoreError
from poseharvest.storage.disk import (
    exchange,
    flush_file,
    flush_folder,
    flush_tree,
    os_errors_as_store_errors,
    rename_new,
)
from poseharvest.storage.name_lock import NameLock, claimed, is_abandoned, lock_path

_UNSAFE_IN_FILE_NAMES = re.compile(r'[/\\:*?"<>|%\x00-\x1f]|^\.+$')

_REMEDY = "choose another output, or ask to overwrite it (--overwrite)"
_TRIES = 5
_OBJECT_STORE = "s3:"  # a part of s3://BUCKET/NAME as a path


class StagedFolder:
    """A folder that appears under its name only when it is complete.

    Until `commit`, everything lies in the hidden sibling `.NAME.partial-XXXXXXXX`, and `.NAME.lock` says who writes it;
    `discard` removes both. A process that is killed leaves them behind, never a folder under the final name.

    Args:
        target: the folder's final path. Missing parents are made.
        replaceable: returns whether an existing folder may be replaced; None forbids it.
        record: name of the file that makes an unfinished folder one that can be gone on with; None if none can.
        is_worth_keeping: returns whether such a folder holds so much that only `resume` or a replacement may end it.
        resume: go on with such a folder, if there is one.

    Attributes:
        is_resumed: `path` is the unfinished folder of an earlier process.

    Raises:
        StoreError: `target` exists and may not be replaced, another process writes it, its parent cannot be written, or
            there is an unfinished folder that is neither to be gone on with nor to be replaced.
    """

    def __init__(
        self,
        target: Path,
        *,
        replaceable: Callable[[Path], bool] | None,
        record: str | None = None,
        is_worth_keeping: Callable[[Path], bool] = Path.is_dir,
        resume: bool = False,
    ) -> None:
        self.target = Path(os.path.realpath(target))
        self._replaceable = replaceable
        self._lock = NameLock(self.target)
        self.path = sibling(self.target, "partial")
        with os_errors_as_store_errors(self.target):
            make_parent(self.target)
            self._lock.claim()
            with ExitStack() as stack:
                stack.callback(self._lock.release)
                _put_back(self.target)
                self._check_free()
                self.is_resumed = self._find_unfinished(record, is_worth_keeping, resume=resume)
                sweep(self.target, spare=self.path)
                self.path.mkdir(exist_ok=True)
                stack.pop_all()

    def commit(self) -> None:
        """Flush everything to the disk and give the folder its name.

        Raises:
            StoreError: something else stands under the name by now, or the disk is full.
        """
        with os_errors_as_store_errors(self.target):
            self._check_free()
            flush_tree(self.path)
            for _ in range(_TRIES):
                if self._try_to_name():
                    break
            else:
                raise StoreError(f"{self.target}: others write and remove it all the time: {_REMEDY}")
            flush_folder(self.target.parent)
        self.discard()  # the folder that was replaced, and the lock

    def keep(self) -> None:
        """Leave what was written so far for another process, which may go on with it."""
        self._lock.release()

    def discard(self) -> None:
        """Remove what was written so far; does nothing after `commit`."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()

    def _find_unfinished(self, record: str | None, is_worth_keeping: Callable[[Path], bool], *, resume: bool) -> bool:
        """Take the newest folder that can be gone on with, and return whether there is one."""
        if record is None:
            return False
        unfinished = [path for path in leftovers(self.target, ("partial",)) if (path / record).is_file()]
        if not unfinished:
            return False
        if resume:
            self.path = max(unfinished, key=lambda path: (path / record).stat().st_mtime)
            return True
        if self._replaceable is None and any(map(is_worth_keeping, unfinished)):
            raise StoreError(
                f"{self.target}: an interrupted run was begun here: go on with it (--resume), or begin again "
                "(--overwrite)"
            )
        return False

    def _check_free(self) -> None:
        if os.path.lexists(self.target):
            self._check_replaceable(self.target)

    def _check_replaceable(self, folder: Path) -> None:
        if self._replaceable is None:
            raise StoreError(f"{self.target}: already exists: {_REMEDY}")
        if not self._replaceable(folder):
            raise StoreError(f"{self.target}: already exists and is not an output of this kind: it is not overwritten")

    def _try_to_name(self) -> bool:
        """Give the folder its name; return False if something appeared or vanished there meanwhile."""
        try:
            if not os.path.lexists(self.target):
                rename_new(self.path, self.target)
                return True
            self._check_replaceable(self.target)
            if not exchange(self.path, self.target):
                self._replace_by_two_steps()
                return True
        except (FileExistsError, FileNotFoundError):
            return False
        try:
            self._check_replaceable(self.path)  # it may have changed after the check above
        except StoreError:
            exchange(self.path, self.target)
            raise
        return True

    def _replace_by_two_steps(self) -> None:
        """Replace the target where folders cannot be exchanged; `_put_back` mends an interruption between the steps."""
        old = sibling(self.target, "old")
        self.target.rename(old)
        try:
            rename_new(self.path, self.target)
        except OSError:
            _put_back(self.target)
            raise
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def staged_file(target: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a temporary path to write to. Without an error it is renamed to `target`, else it is removed.

    Raises:
        StoreError: `target` exists and `overwrite` is False, it is no regular file, another process writes it, or
            writing fails.
    """
    target = Path(os.path.realpath(target))
    temporary = sibling(target, "partial")
    with os_errors_as_store_errors(target):
        make_parent(target)
        with claimed(target):
            _check_file(target, overwrite=overwrite)
            sweep(target)
            try:
                yield temporary
                flush_file(temporary)
                _check_file(target, overwrite=overwrite)
                _name_file(temporary, target, overwrite=overwrite)
                flush_folder(target.parent)
            finally:
                temporary.unlink(missing_ok=True)


@contextmanager
def scratch_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder beside `target` that is removed at the end, and by the next call after a kill.

    Args:
        target: a path of which only the name is used: nothing is made there.

    Raises:
        StoreError: another process uses it, or it cannot be made.
    """
    target = Path(os.path.realpath(target))
    folder = sibling(target, "partial")
    with os_errors_as_store_errors(target):
        make_parent(target)
    with claimed(target):
        sweep(target)
        with os_errors_as_store_errors(target):
            folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def make_parent(target: Path) -> None:
    """Make the folder of a target, if it is missing.

    Raises:
        OSError: it cannot be made.
        StoreError: the target lies in an object store.
    """
    if _OBJECT_STORE in target.parts:
        raise StoreError(f"{target}: only harvest --out writes to an object store: choose a local output")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:  # a file
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(target.parent)) from error


def sweep(target: Path, *, spare: Path | None = None) -> None:
    """Remove what dead processes left beside a target, but for `spare`; only for who holds the lock on its name."""
    for path in leftovers(target):
        if path == spare or (path.name.startswith(f"{lock_path(target).name}-") and not is_abandoned(path)):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def leftovers(target: Path, kinds: tuple[str, ...] = ("partial", "old", "lock")) -> list[Path]:
    """Return the temporary files and folders of interrupted processes beside a target, sorted by name.

    >>> leftovers(Path("no/such/folder"))
    []
    """
    starts = tuple(f".{target.name}.{kind}-" for kind in kinds)
    try:
        return sorted(path for path in target.parent.iterdir() if path.name.startswith(starts))
    except FileNotFoundError:
        return []


def is_leftover(name: str) -> bool:
    """Return whether a file name is that of a temporary file, a temporary folder or a lock of this package.

    >>> is_leftover(".walk.partial-0a1b2c3d"), is_leftover(".walk.lock"), is_leftover("walk.lock")
    (True, True, False)
    """
    return re.fullmatch(r"\..+\.(lock|(partial|old|lock)-[0-9a-f]{8})", name) is not None


def file_name(name: str) -> str:
    """Return `name` as a valid file name: characters that some file systems forbid become %XX.

    >>> file_name("cam/01")
    'cam%2F01'
    """
    return _UNSAFE_IN_FILE_NAMES.sub(lambda match: "".join(f"%{ord(c):02X}" for c in match.group()), name)


def _check_file(target: Path, *, overwrite: bool) -> None:
    if os.path.lexists(target) and not (overwrite and target.is_file()):
        hint = _REMEDY if target.is_file() else "it is not a file"
        raise StoreError(f"{target}: already exists: {hint}")


def _name_file(temporary: Path, target: Path, *, overwrite: bool) -> None:
    if overwrite:
        temporary.replace(target)  # in one step on every system
        return
    try:
        rename_new(temporary, target)
    except FileExistsError:
        raise StoreError(f"{target}: already exists: it appeared meanwhile: {_REMEDY}") from None


def _put_back(target: Path) -> None:
    """Undo the first of the two steps of a replacement that was interrupted."""
    old = leftovers(target, ("old",))
    if old and not os.path.lexists(target):
        rename_new(old[-1], target)


def sibling(target: Path, kind: str) -> Path:
    """Return a new hidden name beside a target, which `leftovers` finds."""
    return target.with_name(f".{target.name}.{kind}-{secrets.token_hex(4)}")
