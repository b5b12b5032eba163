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
        import h5py

        with self._guard():
            data = self._file.get(name) if self._is_inside(name) else None
            if not isinstance(data, h5py.Dataset):
                listed = ", ".join(self.names()[:20]) or "none"
                raise self._error(f'{self._path}: expected a data set "{name}", got {listed}')
            if data.external or data.is_virtual or data.dtype.kind not in "biuf" or data.shape is None:
                raise self._error(f'{self._path}: data set "{name}": expected numbers in this file, got {data.dtype}')
            self._left -= data.nbytes
            if self._left < 0:
                raise self._error(
                    f'{self._path}: data set "{name}": expected no more than the file can hold, got {data.shape} '
                    f"of {data.dtype}"
                )
            return np.asarray(data[()])

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
        HarvestError: of type `error`: it cannot be read, or is not HDF5.
    """
    import h5py

    with foreign_library(f"{path}: expected {expected}", error):
        file = h5py.File(path, "r")
    with file:
        yield Hdf5File(file, path, expected, error)
