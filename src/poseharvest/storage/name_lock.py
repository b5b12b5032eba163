"""The lock on an output's name: a file beside it that says which process writes it.

The lock of a process that has died is taken over. Whether a process on another computer is alive cannot be known, so
its lock holds until somebody deletes the file.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import IO

from poseharvest.errors import StoreError
from poseharvest.storage.disk import os_errors_as_store_errors, rename_new

_TRIES = 20
_TIME_TO_WRITE_S = 60.0  # a lock that cannot be read is believed for so long
_START_FIELD = 19  # of /proc/PID/stat behind the name: when the process started


@dataclass(frozen=True)
class Owner:
    """The process that holds a lock.

    Attributes:
        pid: its number.
        host: name of the computer, and on Linux the number of its last start.
        started: when the process started, in the system's own count, so that a reused number is noticed; None where
            the system does not say.
        command: how it was started.
        since: when it claimed the name, UTC.
        token: of this claim alone.
    """

    pid: int
    host: str
    started: int | None
    command: str
    since: str
    token: str

    @classmethod
    def current(cls) -> Owner:
        """Return this process, with a new token."""
        command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]) if sys.argv else ""
        since = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(os.getpid(), _host(), _start_of(os.getpid()), command, since, secrets.token_hex(8))

    @property
    def may_be_alive(self) -> bool:
        """False only if the process is certainly dead."""
        own_host, name = _host(), self.host.partition("/")[0]
        if name != own_host.partition("/")[0]:
            return True
        return self.host == own_host and _is_running(self.pid) and _start_of(self.pid) == self.started

    def __str__(self) -> str:
        """What a person should know of it."""
        return f'process {self.pid} on {self.host.partition("/")[0]} ("{self.command}", since {self.since})'


class NameLock:
    """Claims the name of an output for this process, or for one part of it.

    Args:
        target: the file or folder to be written; its parent must exist.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._file = lock_path(target)
        self._content: bytes | None = None

    def claim(self) -> None:
        """Claim the name.

        Raises:
            StoreError: another process that may be alive has claimed it, or the lock cannot be written.
        """
        content = json.dumps(asdict(Owner.current())).encode()
        own = self._file.with_name(f"{self._file.name}-{secrets.token_hex(4)}")
        with os_errors_as_store_errors(self._target):
            try:
                own.write_bytes(content)
                is_claimed = any(self._create(own) or self._take_over(own) for _ in range(_TRIES))
            finally:
                own.unlink(missing_ok=True)
        if not is_claimed:
            raise StoreError(f"{self._target}: cannot be claimed: {self._file} changes all the time")
        self._content = content

    def release(self) -> None:
        """Give the name back; does nothing if it is not claimed."""
        with suppress(OSError):  # the drive may be gone; a lock without a process is taken over
            if self._content is not None and _read(self._file) == self._content:
                self._file.unlink(missing_ok=True)
        self._content = None

    def _create(self, own: Path) -> bool:
        try:
            rename_new(own, self._file)
        except FileExistsError:
            return False
        return True

    def _take_over(self, own: Path) -> bool:
        """Replace the lock of a dead process; return False if it changed meanwhile.

        Raises:
            StoreError: its owner may be alive.
        """
        try:
            stream = self._file.open("rb")
        except FileNotFoundError:
            return False
        with stream, _alone_with(stream):
            if not self._is_still(stream):
                return False
            owner = _owner(stream.read())
            if owner is None and time.time() - os.fstat(stream.fileno()).st_mtime < _TIME_TO_WRITE_S:
                raise StoreError(f"{self._target}: another process has just begun to write it")
            if owner is not None and owner.may_be_alive:
                raise StoreError(
                    f"{self._target}: is being written by {owner}: wait for it, or choose another output; if it no "
                    f"longer runs, delete {self._file}"
                )
            own.replace(self._file)
            return True

    def _is_still(self, stream: IO[bytes]) -> bool:
        """Return whether the opened lock is the one under the name."""
        with suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(stream.fileno()), self._file.stat())
        return False


@contextmanager
def claimed(target: Path) -> Iterator[None]:
    """Hold the lock on an output's name.

    Raises:
        StoreError: another process that may be alive holds it.
    """
    lock = NameLock(target)
    lock.claim()
    try:
        yield
    finally:
        lock.release()


def lock_path(target: Path) -> Path:
    """Return the path of the lock on the name of a file or folder."""
    return target.with_name(f".{target.name}.lock")


def is_abandoned(claim: Path) -> bool:
    """Return whether a file with the content of a lock is of a process that is dead for certain."""
    content = _read(claim)
    owner = None if content is None else _owner(content)
    if owner is not None:
        return not owner.may_be_alive
    with suppress(OSError):
        return time.time() - claim.stat().st_mtime > _TIME_TO_WRITE_S
    return False


@contextmanager
def _alone_with(stream: IO[bytes]) -> Iterator[None]:
    """Let only one process at a time decide about a stale lock; where the system has no such locks, all decide."""
    with suppress(ImportError, OSError):
        import fcntl

        fcntl.flock(stream.fileno(), fcntl.LOCK_EX)  # ends with the stream
    yield


def _owner(content: bytes) -> Owner | None:
    """Return the owner that a lock names; None if it is damaged or not written yet."""
    try:
        owner = Owner(**json.loads(content))
    except (ValueError, TypeError):
        return None
    return owner if isinstance(owner.pid, int) and owner.pid > 0 and isinstance(owner.host, str) else None


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None


@cache
def _host() -> str:
    boot = _read(Path("/proc/sys/kernel/random/boot_id")) or b""
    return f"{socket.gethostname()}/{boot.decode(errors='replace').strip()}"


def _is_running(pid: int) -> bool:
    if os.name == "nt":
        return True  # os.kill would end it
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # another user's
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Return whether the process has ended and only waits for its parent to notice."""
    return _stat(pid)[:1] == [b"Z"]


def _start_of(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[_START_FIELD]) if len(fields) > _START_FIELD else None


def _stat(pid: int) -> list[bytes]:
    """Return the fields of /proc/PID/stat behind the name of the process; none on other systems."""
    content = _read(Path(f"/proc/{pid}/stat")) or b""
    return content.rpartition(b")")[2].split()
