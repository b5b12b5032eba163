"""MATLAB files before version 7.3 (MAT-file level 5): one variable of numbers, texts, cells and structs.

The file is interpreted here. SciPy's reader, which is compiled, ends the process on some damaged files. Numbers have
the type in which they are stored, which may be smaller than that of the variable; a text is an array of its rows.
Complex and sparse numbers, objects and functions are refused: no data set here holds any. Source: "MAT-File Format"
(MathWorks).
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from poseharvest.errors import FormatError
from poseharvest.reading.budgets import MAX_ARRAY_BYTES, MAX_DEPTH
from poseharvest.reading.guard import first_line, read_bytes

Array = NDArray[Any]

_HEADER_BYTES = 128
_MATRIX, _COMPRESSED = 14, 15
_NUMBERS: Mapping[int, str] = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
_CODINGS: Mapping[int, str] = {2: "utf-8", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_CELL, _STRUCT, _CHAR, _FIRST_NUMBER, _LAST_NUMBER = 1, 2, 4, 6, 15
_COMPLEX = 0x0800
_MAX_PARTS: Final = 8 * 10**6  # matrices in a file; MPII has three million
_MAX_NAME_BYTES = 4096


@dataclass(frozen=True)
class MatStruct:
    """A struct of a MATLAB file.

    Attributes:
        fields: its values by name.
    """

    fields: Mapping[str, Any]


def read_mat(path: Path, variable: str) -> Array:
    """Return a variable of a MATLAB file: numbers, texts, or an object array of cells (arrays) or `MatStruct`.

    Raises:
        FormatError: the file is damaged, of version 7.3, lacks the variable, or it holds something else.
    """
    data = read_bytes(path, MAX_ARRAY_BYTES)
    expected = f"{path}: expected a MATLAB file"
    if len(data) < _HEADER_BYTES or data[126:128] not in {b"IM", b"MI"}:
        raise FormatError(f"{expected}, got a damaged or different one")
    order = "<" if data[126:128] == b"IM" else ">"
    if struct.unpack_from(f"{order}H", data, 124)[0] >= 0x0200:
        raise FormatError(f"{expected} before version 7.3: save it again with -v7")
    names: list[str] = []
    try:
        for reader in _variables(data, order):
            name = reader.name()
            if name == variable:
                return np.asarray(reader.matrix(0))
            names.append(name)
    except (ValueError, struct.error, zlib.error, IndexError, UnicodeDecodeError, OverflowError) as error:
        raise FormatError(f"{expected}, got a damaged or different one ({first_line(error)})") from error
    listed = ", ".join(name for name in names if name) or "none"
    raise FormatError(f'{path}: expected a variable "{variable}", got {listed}')


def _variables(data: bytes, order: str) -> Iterator[_Reader]:
    """Yield a reader for each variable; a compressed one is unpacked only as far as it is read."""
    at = _HEADER_BYTES
    while at + 8 <= len(data):
        kind, size = struct.unpack_from(f"{order}II", data, at)
        part = memoryview(data)[at + 8 : at + 8 + size]
        if len(part) < size:
            raise ValueError("it is truncated")
        if kind == _COMPRESSED:
            yield _Reader(_unpacked(part), order)
            at += 8 + size
        elif kind == _MATRIX:
            yield _Reader(memoryview(data)[at : at + 8 + size], order)
            at += 8 + size + -size % 8
        else:
            raise ValueError(f"a part of kind {kind}")


def _unpacked(part: memoryview) -> memoryview:
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(part, MAX_ARRAY_BYTES)
    if unpacker.unconsumed_tail:
        raise ValueError(f"it unpacks into more than {MAX_ARRAY_BYTES / 1e9:.1f} GB")
    return memoryview(content)


class _Reader:
    """Reads the parts of one variable in their order."""

    def __init__(self, data: memoryview, order: str) -> None:
        self._data, self._order = data, order
        self._at = 0
        self._parts = 0
        self._tag = struct.Struct(f"{order}II")

    def name(self) -> str:
        """Return the name of the variable, and go back to its start."""
        self._element()
        self._at = 8
        self._element()
        self._element()
        kind, raw = self._element()
        self._at = 0
        if kind != 1 or len(raw) > _MAX_NAME_BYTES:
            raise ValueError("a variable without a name")
        return bytes(raw).decode("latin-1")

    def _element(self) -> tuple[int, memoryview]:
        """Return kind and content of the next element, and go behind it."""
        first, size = self._tag.unpack_from(self._data, self._at)
        if first >> 16:  # a short element, whose content stands in the tag
            kind, size, start, end = first & 0xFFFF, first >> 16, self._at + 4, self._at + 8
            if size > 4:
                raise ValueError("a short part that is long")
        else:
            kind, start = first, self._at + 8
            end = start + size + -size % 8
        content = self._data[start : start + size]
        if len(content) < size:
            raise ValueError("it is truncated")
        self._at = min(end, len(self._data))
        return kind, content

    def matrix(self, depth: int) -> Any:
        """Return the next matrix, of any class."""
        self._parts += 1
        if depth > MAX_DEPTH or self._parts > _MAX_PARTS:
            raise ValueError("it has too many parts, or parts nested too deeply")
        before = self._at
        kind, content = self._element()
        after = self._at
        if kind != _MATRIX:
            raise ValueError(f"a part of kind {kind} in the place of a matrix")
        if not len(content):
            return np.zeros((0, 0))
        self._at = before + 8
        value = self._content(depth)
        self._at = after
        return value

    def _content(self, depth: int) -> Any:
        _, flags = self._element()
        word = struct.unpack_from(f"{self._order}I", flags)[0]
        mat_class = word & 0xFF
        shape = self._shape()
        self._element()  # the name
        if mat_class == _CELL:
            return self._cells(shape, depth)
        if mat_class == _STRUCT:
            return self._structs(shape, depth)
        if mat_class == _CHAR:
            return self._text(shape)
        if _FIRST_NUMBER <= mat_class <= _LAST_NUMBER and not word & _COMPLEX:
            return self._numbers().reshape(shape, order="F")
        raise ValueError("complex or sparse numbers, an object or a function")

    def _shape(self) -> tuple[int, ...]:
        _, raw = self._element()
        shape = tuple(int(edge) for edge in np.frombuffer(raw, dtype=f"{self._order}i4"))
        if not 1 <= len(shape) <= 32 or min(shape) < 0:
            raise ValueError(f"a shape {shape}")
        return shape

    def _numbers(self) -> Array:
        kind, raw = self._element()
        if kind not in _NUMBERS:
            raise ValueError(f"numbers of kind {kind}")
        stored = np.frombuffer(raw, dtype=f"{self._order}{_NUMBERS[kind]}")
        return stored.astype(stored.dtype.newbyteorder("="), copy=False)

    def _text(self, shape: tuple[int, ...]) -> Array:
        """Return the rows of a text, (R,)."""
        kind, raw = self._element()
        if kind not in _CODINGS:
            raise ValueError(f"a text of kind {kind}")
        coding = _CODINGS[kind]
        byte_order = "" if coding == "utf-8" else "-le" if self._order == "<" else "-be"
        text = bytes(raw).decode(f"{coding}{byte_order}", errors="replace")
        if len(shape) != 2 or shape[0] * shape[1] > len(text):
            raise ValueError(f"a text of {len(text)} characters in the shape {shape}")
        rows = ["".join(text[row :: shape[0]]) for row in range(shape[0])] if shape[1] else []
        return np.array(rows, dtype=f"<U{max(shape[1], 1)}")

    def _cells(self, shape: tuple[int, ...], depth: int) -> Array:
        cells = self._room_for(shape, 1)
        for index in range(len(cells)):
            cells[index] = self.matrix(depth + 1)
        return cells.reshape(shape, order="F")

    def _structs(self, shape: tuple[int, ...], depth: int) -> Array:
        _, raw = self._element()
        width = struct.unpack_from(f"{self._order}i", raw)[0]
        _, raw = self._element()
        if not 1 <= width <= _MAX_NAME_BYTES:
            raise ValueError("field names without a length")
        text = bytes(raw)
        names = [text[at : at + width].partition(b"\0")[0].decode("latin-1") for at in range(0, len(text), width)]
        structs = self._room_for(shape, len(names))
        for index in range(len(structs)):
            structs[index] = MatStruct({name: self.matrix(depth + 1) for name in names})
        return structs.reshape(shape, order="F")

    def _room_for(self, shape: tuple[int, ...], parts_each: int) -> Array:
        """Return an empty object array, if what is left of the file can fill it: each part has 8 bytes at least."""
        count = math.prod(shape)
        if count * max(parts_each, 1) * 8 > len(self._data) - self._at:
            raise ValueError(f"a shape {shape} for which it is too short")
        return np.empty(count, dtype=object)
