"""Reading the file formats of annotations: NASA CDF, HDF5 and MATLAB.

The `.cdf` files of Human3.6M are NASA CDF. This is not HDF5, so h5py cannot read them. They need the package `cdflib`,
which the extra `datasets` of this package installs. MATLAB files of version 7.3 are HDF5 files; no data set here uses
them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from poseharvest.errors import ConfigError, DatasetError, FormatError

Array = NDArray[Any]


def read_cdf(path: Path, variable: str) -> Array:
    """Return a variable of a NASA CDF file.

    Raises:
        ConfigError: the package cdflib is not installed.
        DatasetError: there is no such file.
        FormatError: the file is damaged, or lacks the variable.
    """
    try:
        cdflib = import_module("cdflib")
    except ImportError as error:
        raise ConfigError(
            f"{path.name}: Human3.6M's poses are NASA CDF files: install cdflib (pip install 'poseharvest[datasets]')"
        ) from error
    _require(path)
    try:
        return np.asarray(cdflib.CDF(str(path)).varget(variable))
    except (OSError, ValueError, KeyError, IndexError, TypeError, EOFError) as error:
        raise FormatError(f'{path}: expected a CDF file with variable "{variable}", got: {error}') from error


@contextmanager
def open_h5(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading.

    Raises:
        DatasetError: there is no such file.
        FormatError: the file is damaged or not HDF5, or reading fails while it is open.
    """
    _require(path)
    try:
        with h5py.File(path, "r") as file:
            yield file
    except OSError as error:
        raise FormatError(f"{path}: expected an HDF5 file, got a damaged or different one ({error})") from error


def h5_array(file: h5py.File, key: str, path: Path) -> Array:
    """Return a data set of an open HDF5 file.

    Raises:
        FormatError: there is no data set of that name; the message lists the known names.
    """
    if not isinstance(file.get(key), h5py.Dataset):
        names: list[str] = []
        file.visititems(lambda name, node: names.append(name) if isinstance(node, h5py.Dataset) else None)
        raise FormatError(f'{path}: expected a data set "{key}", got {", ".join(names) or "none"}')
    return np.asarray(file[key])


def load_mat(path: Path, variable: str) -> Array:
    """Return a variable of a MATLAB file (before version 7.3).

    Raises:
        DatasetError: there is no such file.
        FormatError: the file is damaged, of version 7.3, or lacks the variable.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    _require(path)
    try:
        content = loadmat(path, struct_as_record=False)
    except NotImplementedError as error:
        raise FormatError(f"{path}: expected a MATLAB file before version 7.3: save it again with -v7") from error
    except (MatReadError, OSError, ValueError, TypeError, KeyError, IndexError) as error:
        raise FormatError(f"{path}: expected a MATLAB file, got a damaged or different one ({error})") from error
    if variable not in content:
        names = [name for name in content if not name.startswith("__")]
        raise FormatError(f'{path}: expected a variable "{variable}", got {", ".join(names) or "none"}')
    return np.asarray(content[variable])


def _require(path: Path) -> None:
    if not path.is_file():
        raise DatasetError(f"{path}: expected a file of annotations, found nothing there")
