"""Conversion between NumPy arrays and Arrow columns through their buffers.

PyArrow's own conversions load pandas if it is installed. That costs 45 MB and half a second, and nothing here uses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from poseharvest.errors import StoreError

_NUMBERS: dict[pa.DataType, type[np.number[Any]]] = {
    pa.int16(): np.int16,
    pa.int32(): np.int32,
    pa.int64(): np.int64,
    pa.float32(): np.float32,
    pa.float64(): np.float64,
}
"""The NumPy type of every Arrow type in a harvest. Before version 26, PyArrow needs pandas for this translation."""


def column(values: ArrayLike | pa.Array, kind: pa.DataType, *, nan_is_null: bool = False) -> pa.Array:
    """Return an Arrow array of numbers or booleans.

    Args:
        values: (N,); not copied if they already have this type. An Arrow array is returned as it is.
        kind: boolean, or a type of number in a harvest.
        nan_is_null: store NaN as null.
    """
    if isinstance(values, pa.Array):
        return values
    if pa.types.is_boolean(kind):
        flags = np.asarray(values, dtype=np.bool_)
        return pa.Array.from_buffers(kind, len(flags), [None, _bits(flags)])
    numbers = np.ascontiguousarray(values, dtype=_NUMBERS[kind])
    known = ~np.isnan(numbers) if nan_is_null else np.ones(0, dtype=np.bool_)
    return pa.Array.from_buffers(
        kind, len(numbers), [None if known.all() else _bits(known), pa.py_buffer(numbers.reshape(-1))]
    )


def repeated_names(names: Sequence[str], repeats: int) -> pa.DictionaryArray:
    """Return the list of names `repeats` times, as a dictionary array with int16 codes."""
    codes = np.tile(np.arange(len(names), dtype=np.int16), repeats)
    encoded = [name.encode() for name in names]
    ends = np.cumsum([0, *(len(name) for name in encoded)], dtype=np.int32)
    texts = pa.StringArray.from_buffers(len(names), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)))
    return pa.DictionaryArray.from_arrays(column(codes, pa.int16()), texts)


def values_of(array: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    """Return the (N,) numbers or booleans of a column, read-only; a null is NaN.

    Only a floating-point column may hold nulls.
    """
    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    valid, data = whole.buffers()
    end = whole.offset + len(whole)
    if pa.types.is_boolean(whole.type):
        return _flags(data, end)[whole.offset :]
    numbers: NDArray[Any] = np.frombuffer(data or b"", dtype=_NUMBERS[whole.type], count=end)[whole.offset :]
    return np.where(_flags(valid, end)[whole.offset :], numbers, np.nan) if whole.null_count else numbers


def _bits(flags: NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(flags, bitorder="little"))


def _flags(bits: pa.Buffer | None, count: int) -> NDArray[np.bool_]:
    packed = np.frombuffer(bits or b"", dtype=np.uint8)
    return np.unpackbits(packed, count=count, bitorder="little").astype(np.bool_)


def view_values(table: pa.Table, num_views: int) -> dict[str, NDArray[Any]]:
    """Return every numeric field of the `views` column as (rows, V); null becomes NaN.

    Raises:
        StoreError: a row has another number of views.
    """
    structs = table.column("views").combine_chunks().flatten()
    if len(structs) != table.num_rows * num_views:
        raise StoreError(f"expected {num_views} views in each of {table.num_rows} rows, got {len(structs)} in all")
    return {
        field.name: values_of(structs.field(field.name)).reshape(-1, num_views)
        for field in structs.type
        if field.name != "view"
    }
