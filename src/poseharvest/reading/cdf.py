"""NASA CDF files, in which the poses of Human3.6M come. This is not HDF5: the package `cdflib` reads them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseharvest.errors import ConfigError, DatasetError, FormatError
from poseharvest.reading.budgets import MAX_ARRAY_BYTES, MAX_EXPANSION, MAX_READ_S
from poseharvest.reading.guard import foreign_library, time_limit

_MAX_EDGE_BYTES = 8


def read_cdf(path: Path, variable: str) -> NDArray[Any]:
    """Return a variable of a NASA CDF file, an array of numbers.

    Raises:
        ConfigError: the package cdflib is not installed.
        DatasetError: there is no such file.
        FormatError: the file is damaged, lacks the variable, or declares more than it can hold.
    """
    try:
        cdflib = import_module("cdflib")
    except ImportError as error:
        raise ConfigError(
            f"{path.name}: Human3.6M's poses are NASA CDF files: install cdflib (pip install 'poseharvest[datasets]')"
        ) from error
    if not path.is_file():
        raise DatasetError(f"{path}: expected a file of annotations, found nothing there")
    expected = f'{path}: expected a CDF file with variable "{variable}"'
    with foreign_library(expected), time_limit(MAX_READ_S):  # a circle of records would be followed for ever
        file = cdflib.CDF(str(path))
        about = file.varinq(variable)
        records = int(about.Last_Rec) + 1
        declared = records * int(np.prod([abs(int(edge)) for edge in about.Dim_Sizes], dtype=float)) * _MAX_EDGE_BYTES
        if declared > min(MAX_ARRAY_BYTES, path.stat().st_size * MAX_EXPANSION):
            raise FormatError(f'{path}: "{variable}": expected no more than the file can hold, got {declared} bytes')
        values = np.asarray(file.varget(variable))
    if values.dtype.kind not in "iuf":
        raise FormatError(f'{path}: "{variable}": expected numbers, got {values.dtype}')
    return values
