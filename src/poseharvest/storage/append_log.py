"""A file that only grows: a record a line (JSON), each on the disk before its writer goes on.

The first line says what the file is. A process that is killed while it writes leaves a last line without an end: it is
left out when the file is read, and cut off by the next writer. Every record has a number, from 1, so that a line that
is missing or there twice is noticed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poseharvest.errors import StoreError
from poseharvest.reading.budgets import MAX_TEXT_BYTES
from poseharvest.reading.documents import parse_json
from poseharvest.reading.guard import read_bytes
from poseharvest.storage.disk import flush_folder
from poseharvest.storage.name_lock import NameLock

_NUMBER = "number"


@dataclass(frozen=True)
class LogContent:
    """What a file holds.

    Attributes:
        head: the first line.
        records: the others, in order, without their numbers.
        num_bytes: length of the whole lines; what follows them is torn.
        sha256: of the whole lines, hexadecimal.
    """

    head: Mapping[str, Any]
    records: tuple[Mapping[str, Any], ...]
    num_bytes: int
    sha256: str


def read_log(path: Path, format: str) -> LogContent | None:
    """Return what a file holds; None if there is none, or a process was killed before its first line was whole.

    Args:
        path: the file.
        format: the value of "format" in its first line.

    Raises:
        StoreError: it cannot be read, is of another format, or a whole line of it is damaged.
    """
    if not path.is_file():
        return None
    data = read_bytes(path, MAX_TEXT_BYTES, StoreError, str(path))
    whole = data[: data.rfind(b"\n") + 1]
    if not whole:
        return None
    lines = [_parsed(line, path, number) for number, line in enumerate(whole.split(b"\n")[:-1], start=1)]
    head, *records = lines
    if head.get("format") != format:
        raise StoreError(f'{path}: expected "format": "{format}" in line 1, got {head.get("format")!r}')
    for number, record in enumerate(records, start=1):
        if record.pop(_NUMBER, None) != number:
            raise StoreError(f"{path}: line {number + 1}: is damaged: expected the record of number {number}")
    return LogContent(head, tuple(records), len(whole), hashlib.sha256(whole).hexdigest())


class AppendLog:
    """Writes records to the end of a file, as its only writer.

    Args:
        path: the file; it is made if there is none.
        format: the value of "format" in its first line.
        head: what else that line says, in a new file.

    Attributes:
        content: what the file held when it was opened.

    Raises:
        StoreError: another process that may be alive writes it, it is damaged, or it cannot be written.
    """

    def __init__(self, path: Path, format: str, head: Mapping[str, Any]) -> None:
        self.path = path
        self._lock = NameLock(path)
        self._lock.claim()
        self._handle = -1
        with ExitStack() as stack:
            stack.callback(self.close)
            known = read_log(path, format)
            self._open(0 if known is None else known.num_bytes)
            if known is None:
                self._write(_line({"format": format, **head}))
                self._flush_name()
                known = read_log(path, format)
                assert known is not None
            stack.pop_all()
        self.content = known
        self._count = len(known.records)

    def append(self, record: Mapping[str, Any]) -> None:
        """Write a record. When this returns it is on the disk.

        Raises:
            StoreError: it cannot be written; the file is as it was before.
        """
        self._write(_line({_NUMBER: self._count + 1, **record}))
        self._count += 1

    def close(self) -> None:
        """Give the file back to other writers."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        self._lock.release()

    def _open(self, num_bytes: int) -> None:
        try:
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
            os.ftruncate(self._handle, num_bytes)
            os.lseek(self._handle, num_bytes, os.SEEK_SET)
        except OSError as error:
            raise self._cannot(error) from error
        self._end = num_bytes

    def _write(self, line: bytes) -> None:
        if self._handle < 0:
            raise StoreError(f"{self.path}: cannot be written: it is closed")
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._handle, rest) :]
            os.fsync(self._handle)
        except OSError as error:
            self._cut()
            raise self._cannot(error) from error
        self._end += len(line)

    def _cut(self) -> None:
        """Remove what was written of a record that failed; without that, nothing more is written."""
        try:
            os.ftruncate(self._handle, self._end)
            os.lseek(self._handle, self._end, os.SEEK_SET)
        except OSError:
            os.close(self._handle)
            self._handle = -1

    def _flush_name(self) -> None:
        try:
            flush_folder(self.path.parent)
        except OSError as error:
            raise self._cannot(error) from error

    def _cannot(self, error: OSError) -> StoreError:
        return StoreError(f"{self.path}: cannot be written: {error.strerror or error}")


def _line(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def _parsed(line: bytes, path: Path, number: int) -> dict[str, Any]:
    where = f"{path}: line {number}: is damaged"
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise StoreError(f"{where}: expected text") from error
    content = parse_json(text, where, error=StoreError)
    if not isinstance(content, dict):
        raise StoreError(f"{where}: expected a record")
    return content
