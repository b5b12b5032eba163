"""What is asked of a disk: renaming that replaces nothing unasked, exchanging in one step, writing for good.

Linux has the first two as one system call, `renameat2(2)`. Where it is missing, a file is linked under its new name,
and a folder takes the place of an empty one that was made exclusively.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from poseharvest.errors import StoreError

_NOREPLACE, _EXCHANGE = 1, 2  # flags of renameat2(2)
_AT_FDCWD = -100
_UNSUPPORTED: Final = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM)


def rename_new(source: Path, target: Path) -> None:
    """Rename a file or folder to a name that is free.

    Raises:
        FileExistsError: there is something under that name, whatever it is; nothing has changed.
        OSError: it cannot be renamed.
    """
    if os.name == "nt":
        source.rename(target)  # Windows never replaces
    elif not _renameat2(source, target, _NOREPLACE):
        rename_new_by_two_steps(source, target)


def exchange(first: Path, second: Path) -> bool:
    """Exchange two files or folders in one step; return False, with nothing changed, where the system cannot.

    Raises:
        FileNotFoundError: one of them does not exist.
        OSError: they cannot be exchanged.
    """
    return _renameat2(first, second, _EXCHANGE)


def rename_new_by_two_steps(source: Path, target: Path) -> None:
    """Do what `rename_new` does where the system has no call for it."""
    if source.is_dir():
        target.mkdir()  # fails if there is anything
        source.rename(target)  # replaces an empty folder only
        return
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))  # a file system without links
        source.replace(target)
    else:
        source.unlink()


def flush_file(file: Path) -> None:
    """Write the content of a file to the disk. Some file systems report a full disk only here."""
    # Windows flushes only files that are open for writing.
    with file.open("r+b" if os.name == "nt" else "rb") as stream:
        os.fsync(stream.fileno())


def flush_folder(folder: Path) -> None:
    """Write the names in a folder to the disk; without it a renamed file may be lost with the power."""
    if os.name == "nt":
        return  # Windows gives no handle for it
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:  # some network drives cannot
            raise
    finally:
        os.close(handle)


def flush_tree(folder: Path) -> None:
    """Write a folder to the disk: every file, and the names in every folder."""
    for path in [*folder.rglob("*"), folder]:
        if path.is_dir():
            flush_folder(path)
        elif path.is_file():
            flush_file(path)


def replace_file(target: Path, content: bytes) -> None:
    """Write a file in one step, in a folder that only this process writes: a kill leaves the old content or the new.

    A kill may also leave `.NAME.partial-00000000` beside it, which the next call writes anew.

    Raises:
        OSError: it cannot be written; the old content stays.
    """
    temporary = target.with_name(f".{target.name}.partial-00000000")
    try:
        temporary.write_bytes(content)
        flush_file(temporary)
        temporary.replace(target)
        flush_folder(target.parent)
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


def _renameat2(source: Path, target: Path, flag: int) -> bool:
    """Call renameat2; return False if the system or the file system does not have it."""
    call = _system_call()
    if call is None:
        return False
    if call(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), flag) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(source), None, str(target))


@cache
def _system_call() -> Callable[[int, bytes, int, bytes, int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    call.restype = ctypes.c_int
    renameat2: Callable[[int, bytes, int, bytes, int], int] = call
    return renameat2
