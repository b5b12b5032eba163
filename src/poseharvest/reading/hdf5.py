"""HDF5 files: their arrays, if they lie in the file itself and fit a budget.

A file of a few kilobytes may declare an array of 256 GB, whose pieces were never written. A link or an array may also
point into another file, which would then be read. Both are refused before anything is allocated.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poseharvest.errors import FormatError, HarvestError
from poseharvest.reading.budgets import MAX_ARRAY_BYTES, MAX_EXPANSION
from poseharvest.reading.guard import foreign_library

if TYPE_CHECKING:
    import h5py

Array = NDArray[Any]

_MAX_DATA_SETS = 100_000


class Hdf5File:
    """An HDF5 file that is open for reading.

    Args:
        file: of h5py.
        path: its path, for messages.
        expected: what it should be, for messages.
        error: type of the errors.
    """

    def __init__(self, file: h5py.File, path: Path, expected: str, error: type[HarvestError]) -> None:
        self._file, self._path, self._expected, self._error = file, path, expected, error
        self._left = min(MAX_ARRAY_BYTES, path.stat().st_size * MAX_EXPANSION)

    def names(self, group: str = "/") -> list[str]:
        """Return the paths of all arrays below a group, from that group.

        Raises:
            HarvestError: there is no such group, or the file is damaged.
        """
        import h5py

        names: list[str] = []

        def collect(name: str | bytes, item: Any) -> bool | None:
            if isinstance(item, h5py.Dataset):
                names.append(name if isinstance(name, str) else repr(name))  # bytes, if it is not UTF-8
            return True if len(names) > _MAX_DATA_SETS else None

        with self._guard():
            holder = self._file.get(group)
            if not isinstance(holder, h5py.Group):
                raise self._error(f"{self._path}: expected a group {group} in HDF5, got none")
            if holder.visititems(collect):
                raise self._error(f"{self._path}: expected at most {_MAX_DATA_SETS} arrays, got more")
        return names

    def holds(self, name: str) -> bool:
        """Return whether there is something of that name."""
        with self._guard():
            return name in self._file

    def array(self, name: str) -> Array:
        """Return an array of numbers.

        Raises:
            HarvestError: there is none of that name, it holds no numbers, lies in another file, is larger than the
                file can hold, or is damaged.
        """
        with self._guard():
            data = self._data_set(name)
            if data.dtype.kind not in "biuf":
                raise self._error(f'{self._path}: data set "{name}": expected numbers in this file, got {data.dtype}')
            return np.asarray(data[()])

    def texts(self, name: str) -> list[str]:
        """Return a list of texts.

        Raises:
            HarvestError: as `array`, or it holds no texts.
        """
        import h5py

        with self._guard():
            data = self._data_set(name)
            if data.ndim != 1 or not (data.dtype.kind == "S" or h5py.check_string_dtype(data.dtype)):
                raise self._error(f'{self._path}: data set "{name}": expected a list of texts, got {data.dtype}')
            return [str(text, "utf-8", "replace") for text in data[()].tolist()]

    def columns(self, name: str) -> dict[str, Array]:
        """Return the columns of a table by name, numbers each.

        Raises:
            HarvestError: as `array`, or it is no table of numbers.
        """
        with self._guard():
            data = self._data_set(name)
            kinds = {field: kind.subdtype or (kind, ()) for field, (kind, *_) in (data.dtype.fields or {}).items()}
            if not kinds or any(kind.kind not in "biuf" for kind, _ in kinds.values()):
                raise self._error(f'{self._path}: data set "{name}": expected a table of numbers, got {data.dtype}')
            rows = data[()]
            return {field: np.asarray(rows[field]) for field in kinds}

    def attribute(self, name: str, key: str) -> bytes | None:
        """Return an attribute of something in the file as bytes; None if it has none of that name, or no text.

        Raises:
            HarvestError: there is nothing of that name, or the file is damaged.
        """
        with self._guard():
            holder = self._file.get(name) if name == "/" or self._is_inside(name) else None
            if holder is None:
                raise self._error(f'{self._path}: expected "{name}" in HDF5, got nothing')
            value = holder.attrs.get(key)
        if isinstance(value, str):
            return value.encode("utf-8", "replace")
        return bytes(value) if isinstance(value, bytes) else None

    def check_all(self) -> None:
        """Refuse a file in which an array lies in another file, or all of them together are larger than the budget.

        Raises:
            HarvestError: it is so, or the file is damaged.
        """
        for name in self.names():
            self._data_set(name)

    def _data_set(self, name: str) -> h5py.Dataset:
        """Return a data set of this file, its size taken from the budget."""
        import h5py

        with self._guard():
            data = self._file.get(name) if self._is_inside(name) else None
            if not isinstance(data, h5py.Dataset):
                listed = ", ".join(self.names()[:20]) or "none"
                raise self._error(f'{self._path}: expected a data set "{name}", got {listed}')
            if data.external or data.is_virtual or data.shape is None:
                raise self._error(f'{self._path}: data set "{name}": expected it in this file, got another')
            self._left -= data.nbytes
            if self._left < 0:
                raise self._error(
                    f'{self._path}: data set "{name}": expected no more than the file can hold, got {data.shape} '
                    f"of {data.dtype}"
                )
            return data

    def _is_inside(self, name: str) -> bool:
        """Return whether every step on the way is a hard link: the others may lead into other files."""
        import h5py

        holder: Any = self._file
        for part in name.strip("/").split("/"):
            if not isinstance(holder, h5py.Group) or not isinstance(holder.get(part, getlink=True), h5py.HardLink):
                return False
            holder = holder.get(part)
        return True

    def _guard(self) -> foreign_library:
        return foreign_library(f"{self._path}: expected {self._expected}", self._error)


@contextmanager
def open_hdf5(
    path: Path, *, expected: str = "an HDF5 file", error: type[HarvestError] = FormatError
) -> Iterator[Hdf5File]:
    """Open an HDF5 file for reading.

    Args:
        path: the file.
        expected: what it should be, for messages.
        error: type of the errors.

    Raises:
        HarvestError: of type `error`: it cannot be read, or is not HDF5, or h5py is missing.
    """
    try:
        import h5py
    except ImportError as missing:
        raise error(
            f"{path}: expected h5py, which reads {expected}, got none: pip install 'poseharvest[h5]'"
        ) from missing

    with foreign_library(f"{path}: expected {expected}", error):
        file = h5py.File(path, "r")
    with file:
        yield Hdf5File(file, path, expected, error)
