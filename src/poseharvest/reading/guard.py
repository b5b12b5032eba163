"""The guard at a foreign library's door: whatever it raises becomes the package's named error."""

from __future__ import annotations

import stat
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import FrameType, TracebackType

from poseharvest.errors import FormatError, HarvestError

_RUST_PANIC = "PanicException"  # of libraries in Rust; it is no Exception and has no module to import it from


class foreign_library(AbstractContextManager[None]):  # noqa: N801 - used as a statement, `with foreign_library(...)`
    """Turn every error of a foreign library into a named one; named errors go through.

    It belongs around calls of the library alone: an error of our own code must stay visible as such. This is the one
    place of the package that takes errors of any type, because no such library lists its own.

    Args:
        expected: what was expected and where, `calib.json: expected a CDF file`.
        error: the named error to raise.

    Raises:
        HarvestError: of type `error`, with `expected` and the first line of what the library said.
    """

    def __init__(self, expected: str, error: type[HarvestError] = FormatError) -> None:
        self._expected, self._error = expected, error

    def __exit__(
        self, kind: type[BaseException] | None, found: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise the named error if the block has failed."""
        if found is None or isinstance(found, HarvestError):
            return
        if isinstance(found, Exception) or type(found).__name__ == _RUST_PANIC:
            raise self._error(f"{self._expected}, got: {first_line(found)}") from found


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """End a call of a library in pure Python that takes too long; one in C is not ended.

    The interpreter tells of every call of a function, and the first one after that time raises the error.

    Raises:
        TimeoutError: the time is over.
    """
    end = time.monotonic() + seconds

    def check(_frame: FrameType, _event: str, _argument: object) -> None:
        if time.monotonic() > end:
            sys.setprofile(before)
            raise TimeoutError(f"nothing within {seconds:g} s")

    before = sys.getprofile()
    sys.setprofile(check)
    try:
        yield
    finally:
        sys.setprofile(before)


def first_line(error: BaseException) -> str:
    """Return the first line of an error, or what kind it is if it says nothing; reasons without words get some."""
    if isinstance(error, MemoryError):
        return "something larger than the memory"
    if isinstance(error, RecursionError):
        return "lists or tables that are nested too deeply"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def is_file(path: Path) -> bool:
    """Return whether there is a file; False also for names that no file can have, such as very long ones."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def read_bytes(path: Path, most: int, error: type[HarvestError] = FormatError, where: str | None = None) -> bytes:
    """Return the bytes of a file; `where` is what messages call it, None for its path.

    Raises:
        HarvestError: of type `error`: it cannot be read, or is no regular file, or has more than `most` bytes.
    """
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise error(f"{where or path}: cannot be read: it is no file")
        if about.st_size > most:
            raise error(f"{where or path}: expected at most {most / 1e6:.0f} MB, got {about.st_size / 1e6:.0f} MB")
        return path.read_bytes()
    except (OSError, ValueError) as failure:
        raise error(f"{where or path}: cannot be read: {first_line(failure)}") from failure
