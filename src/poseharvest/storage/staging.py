"""Writing of complete files and folders: first under a temporary name beside the target, then renamed."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from poseharvest.errors import StoreError

_UNSAFE_IN_FILE_NAMES = re.compile(r'[/\\:*?"<>|%\x00-\x1f]|^\.+$')

_REMEDY = "choose another output, or ask to overwrite it (--overwrite)"


class StagedFolder:
    """A folder that appears under its name only when it is complete.

    Until `commit`, everything lies in the hidden sibling `.NAME.partial-XXXXXXXX`; `discard` removes it. A process
    that is killed leaves that sibling behind, never a folder under the final name.

    Args:
        target: the folder's final path. Missing parents are made.
        replaceable: returns whether an existing folder may be replaced; None forbids it.

    Raises:
        StoreError: `target` exists and may not be replaced, or its parent cannot be written.
    """

    def __init__(self, target: Path, *, replaceable: Callable[[Path], bool] | None) -> None:
        self.target = Path(os.path.realpath(target))
        self._replaceable = replaceable
        self.path = _sibling(self.target, "partial")
        with os_errors_as_store_errors(self.target):
            self._check_free()
            self.path.mkdir(parents=True)

    def commit(self) -> None:
        """Flush every file to the disk and give the folder its name."""
        with os_errors_as_store_errors(self.target):
            self._check_free()
            for file in self.path.rglob("*"):
                if file.is_file():
                    _flush(file)
            if self.target.exists():
                self._replace()
            else:
                self.path.rename(self.target)

    def discard(self) -> None:
        """Remove what was written so far; does nothing after `commit`."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _check_free(self) -> None:
        if not self.target.exists():
            return
        if self._replaceable is None:
            raise StoreError(f"{self.target}: already exists: {_REMEDY}")
        if not self._replaceable(self.target):
            raise StoreError(f"{self.target}: already exists and is not an output of this kind: it is not overwritten")

    def _replace(self) -> None:
        old = _sibling(self.target, "old")
        self.target.rename(old)
        try:
            self.path.rename(self.target)
        except OSError:
            old.rename(self.target)
            raise
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def staged_file(target: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a temporary path to write to. Without an error it is renamed to `target`, else it is removed.

    Raises:
        StoreError: `target` exists and `overwrite` is False, it is no regular file, or writing fails.
    """
    target = Path(os.path.realpath(target))
    temporary = _sibling(target, "partial")
    with os_errors_as_store_errors(target):
        if target.exists() and not (overwrite and target.is_file()):
            hint = _REMEDY if target.is_file() else "it is not a file"
            raise StoreError(f"{target}: already exists: {hint}")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            _flush(temporary)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def os_errors_as_store_errors(target: Path) -> Iterator[None]:
    """Turn errors of the operating system (disk full, no permission) into a StoreError that names `target`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(f"{target}: cannot be written: {reason}") from error


def file_name(name: str) -> str:
    """Return `name` as a valid file name: characters that some file systems forbid become %XX.

    >>> file_name("cam/01")
    'cam%2F01'
    """
    return _UNSAFE_IN_FILE_NAMES.sub(lambda match: "".join(f"%{ord(c):02X}" for c in match.group()), name)


def _sibling(target: Path, kind: str) -> Path:
    return target.with_name(f".{target.name}.{kind}-{secrets.token_hex(4)}")


def _flush(file: Path) -> None:
    # Some file systems report a full disk only here. Windows flushes only files that are open for writing.
    with file.open("r+b" if os.name == "nt" else "rb") as stream:
        os.fsync(stream.fileno())
