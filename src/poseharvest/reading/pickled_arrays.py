"""Safe reading of arrays in a pickle: the instructions are interpreted here and can only build plain values.

A pickle is a program. Loading a file of unknown origin with the standard loader can run any code. Some data sets are
distributed as pickles: the `data_3d_h36m.npz` of VideoPose3D contains one, and the 2D predictions of VoxelPose are one.
They need only numbers, texts, tuples, lists, dictionaries and numpy arrays. This reader supports only these. A name in
a file is compared with a short list and never imported. Any other name is an error whose message explains how to
convert the file.

A list may stand in another list many times, which may stand in a third one many times, and so on: a file of 200 bytes
can describe a billion values. So values are counted as often as they stand somewhere, and the bytes of copies too.
"""

from __future__ import annotations

import pickletools
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from poseharvest.errors import DatasetError, FormatError
from poseharvest.reading.budgets import MAX_ARRAY_BYTES, MAX_DEPTH, MAX_EXPANSION, MAX_STEPS
from poseharvest.reading.guard import first_line, foreign_library, read_bytes

_CONVERT = (
    "to convert it, load it where you trust its origin and save every array under a name of its own with "
    'numpy.savez(PATH, **{"S1/Directions 1": array, ...})'
)
_LITERALS = frozenset({
    "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "INT", "LONG", "BINFLOAT", "FLOAT",
    "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
    "STRING", "BINSTRING", "SHORT_BINSTRING",
})  # fmt: skip
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_STORES = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_LOADS = frozenset({"GET", "BINGET", "LONG_BINGET"})
_NOTHING = frozenset({"PROTO", "FRAME"})
_DTYPE = re.compile(r"[<>|=]?[biufcSUO?]\d{0,4}")
_KEYS = (str, int, float, bytes, type(None))
_MAX_COPIES = 64  # bytes of copies for a byte of the file


def read_pickle(path: Path) -> Any:
    """Return the plain value of a pickle: dictionaries, lists, tuples, texts, numbers and numpy arrays.

    Raises:
        DatasetError: there is no such file.
        FormatError: the file is damaged, or holds more than plain values; the message says how to convert it.
    """
    if not path.is_file():
        raise DatasetError(f"{path}: expected a file, found nothing there")
    # Read from memory: with a damaged length, the interpreter would request that many bytes from a file.
    return _interpret(BytesIO(read_bytes(path, MAX_ARRAY_BYTES)), str(path))


def parse_pickle(content: bytes, where: str) -> Any:
    """Return the plain value of a pickle in memory; `where` is for messages.

    Raises:
        FormatError: it is damaged, or holds more than plain values.
    """
    return _interpret(BytesIO(content), where)


def read_npz_objects(path: Path, key: str) -> Any:
    """Return the plain value in an object array of a `.npz`, without unpickling it by numpy.

    Raises:
        DatasetError: there is no such file.
        FormatError: the file is damaged, lacks the key, or holds more than plain values.
    """
    if not path.is_file():
        raise DatasetError(f"{path}: expected a file, found nothing there")
    with foreign_library(f"{path}: expected a .npz file, got a damaged or different one"):
        member = BytesIO(_member(path, key))
        version = np.lib.format.read_magic(member)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = header(member)
    if not dtype.hasobject or shape != ():
        raise FormatError(f'{path}: "{key}": expected one object, got {dtype} of shape {shape}')
    value = _interpret(member, f'{path}: "{key}"')
    if not isinstance(value, np.ndarray) or value.shape != ():
        raise FormatError(f'{path}: "{key}": expected one object, got {type(value).__name__}')
    return value.item()


def _member(path: Path, key: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        if key not in names:
            raise FormatError(f'{path}: expected an array "{key}", got {", ".join(names) or "none"}')
        size = archive.getinfo(f"{key}.npy").file_size
        if size > min(MAX_ARRAY_BYTES, path.stat().st_size * MAX_EXPANSION):
            raise FormatError(f'{path}: "{key}": expected no more than the file can hold, got {size} bytes')
        return archive.read(f"{key}.npy")


@dataclass(frozen=True)
class _Name:
    """A name in the pickle that this reader supports."""

    module: str
    name: str


@dataclass
class _Box:
    """An array or number type that one instruction creates and a later one completes."""

    value: Any = None


@dataclass
class _Machine:
    """The state of the interpreter.

    Attributes:
        where: the file, for messages.
        room: bytes of copies that may still be made.
        stack: the values.
        marks: heights of the stack where a tuple, list or dictionary begins.
        memo: the values that are used again.
    """

    where: str
    room: int
    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def pop_to_mark(self) -> list[Any]:
        at = self.marks.pop()
        parts = self.stack[at:]
        del self.stack[at:]
        return parts

    def pop(self, count: int) -> list[Any]:
        if count > len(self.stack):
            raise ValueError("too few values on the stack")
        parts = self.stack[-count:]
        del self.stack[-count:]
        return parts

    def bytes_of(self, content: Any) -> bytes:
        """Return the bytes of a text or of bytes; older protocols write the byte strings of Python 2 as texts."""
        if not isinstance(content, str | bytes):
            raise TypeError(f"{type(content).__name__} in the place of bytes")
        self.room -= len(content)
        if self.room < 0:
            raise ValueError("the same bytes too many times")
        return content.encode("latin-1") if isinstance(content, str) else content


def _interpret(file: BytesIO, where: str) -> Any:
    machine = _Machine(where, min(MAX_ARRAY_BYTES, _MAX_COPIES * len(file.getbuffer())))
    try:
        for opcode, argument, _ in pickletools.genops(file):
            if opcode.name == "STOP":
                return _Plain().value(machine.stack.pop())
            _step(machine, opcode.name, argument)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError, MemoryError) as error:
        reason = first_line(error)
        raise FormatError(f"{where}: expected a pickle of plain values, got a damaged one ({reason})") from error
    raise FormatError(f"{where}: expected a pickle of plain values, got one without an end")


def _step(machine: _Machine, name: str, argument: Any) -> None:
    if name in _LITERALS:
        machine.stack.append(argument)
    elif name in _CONSTANTS:
        machine.stack.append(_CONSTANTS[name])
    elif name == "MEMOIZE" or name in _STORES:
        machine.memo[len(machine.memo) if name == "MEMOIZE" else int(argument)] = machine.stack[-1]
    elif name in _LOADS:
        machine.stack.append(machine.memo[int(argument)])
    elif name in _ACTIONS:
        _ACTIONS[name](machine, argument)
    elif name not in _NOTHING:
        raise FormatError(f"{machine.where}: expected a pickle of plain values, got instruction {name}: {_CONVERT}")


def _short_tuple(count: int) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine.stack.append(tuple(machine.pop(count)))


def _append(machine: _Machine, _: Any) -> None:
    _extend(machine, machine.pop(1))


def _appends(machine: _Machine, _: Any) -> None:
    _extend(machine, machine.pop_to_mark())


def _extend(machine: _Machine, items: list[Any]) -> None:
    if not isinstance(machine.stack[-1], list):
        raise TypeError(f"items for {type(machine.stack[-1]).__name__}")
    machine.stack[-1].extend(items)


def _set_item(machine: _Machine, _: Any) -> None:
    _fill(machine, machine.pop(2))


def _set_items(machine: _Machine, _: Any) -> None:
    _fill(machine, machine.pop_to_mark())


def _fill(machine: _Machine, parts: list[Any]) -> None:
    if not isinstance(machine.stack[-1], dict) or not all(isinstance(key, _KEYS) for key in parts[::2]):
        raise TypeError("a dictionary with other keys than texts and numbers")
    machine.stack[-1].update(zip(parts[::2], parts[1::2], strict=True))


def _global(machine: _Machine, argument: Any) -> None:
    module, name = str(argument).split(" ")
    machine.stack.append(_checked(machine, module, name))


def _stack_global(machine: _Machine, _: Any) -> None:
    module, name = machine.pop(2)
    machine.stack.append(_checked(machine, str(module), str(name)))


def _checked(machine: _Machine, module: str, name: str) -> _Name:
    wanted = _Name(module.replace("numpy._core.", "numpy.core.").replace("__builtin__", "builtins"), name)
    if wanted not in _CALLS and wanted not in _TYPES:
        raise FormatError(
            f"{machine.where}: expected a pickle of plain values and numpy arrays, got {module}.{name}: {_CONVERT}"
        )
    return wanted


def _reduce(machine: _Machine, _: Any) -> None:
    name, arguments = machine.pop(2)
    if not isinstance(arguments, tuple):
        raise TypeError("a call without arguments")
    machine.stack.append(_CALLS[name](machine, *arguments))


def _build(machine: _Machine, _: Any) -> None:
    (state,) = machine.pop(1)
    box = machine.stack[-1]
    if not isinstance(box, _Box):
        raise TypeError(f"a state for {type(box).__name__}")
    box.value = _with_byte_order(box.value, *state) if isinstance(box.value, np.dtype) else _array(machine, *state)


def _with_byte_order(dtype: Any, _version: int, order: str, *rest: Any) -> Any:
    if any(part is not None for part in rest[:3]):
        raise ValueError("an array of records")
    return dtype.newbyteorder(order)


def _dtype(_machine: _Machine, code: Any, *_: Any) -> _Box:
    if not isinstance(code, str) or _DTYPE.fullmatch(code) is None:
        raise ValueError("an array of records")
    return _Box(np.dtype(code))


def _scalar(machine: _Machine, dtype: Any, content: Any) -> Any:
    return np.frombuffer(machine.bytes_of(content), _type_in(dtype))[0]


def _type_in(box: Any) -> np.dtype[Any]:
    if not isinstance(box, _Box) or not isinstance(box.value, np.dtype):
        raise TypeError("an array without a type")
    return box.value


def _array(machine: _Machine, _version: int, shape: tuple[int, ...], box: Any, is_fortran: bool, content: Any) -> Any:
    dtype = _type_in(box)
    if dtype.hasobject:
        if not isinstance(content, list):
            raise TypeError("an array of objects without a list of them")
        array = np.empty(len(content), dtype=object)
        for index, item in enumerate(_Plain().value(content)):
            array[index] = item
    else:
        array = np.frombuffer(machine.bytes_of(content), dtype=dtype)
    return array.reshape(shape, order="F" if is_fortran else "C")


class _Plain:
    """Replaces every box by its content, and counts values as often as they stand somewhere."""

    def __init__(self) -> None:
        self._done: dict[int, tuple[Any, int, Any]] = {}  # with the original, which keeps its number from another

    def value(self, value: Any) -> Any:
        """Return the plain value.

        Raises:
            ValueError: it holds itself, too many values, or is nested too deeply.
        """
        return self._counted(value, 0)[0]

    def _counted(self, value: Any, depth: int) -> tuple[Any, int]:
        if isinstance(value, _Box):
            value = value.value
        is_array = isinstance(value, np.ndarray) and value.dtype.hasobject
        if not is_array and not isinstance(value, dict | list | tuple):
            return value, 1
        if depth > MAX_DEPTH:
            raise ValueError("values that hold themselves, or are nested too deeply")
        if id(value) not in self._done:
            inner = value.values() if isinstance(value, dict) else value.flat if is_array else value
            parts = [self._counted(item, depth + 1) for item in inner]
            count = 1 + sum(number for _, number in parts)
            if count > MAX_STEPS:
                raise ValueError(f"more than {MAX_STEPS} values")
            self._done[id(value)] = (_rebuilt(value, [part for part, _ in parts]), count, value)
        return self._done[id(value)][:2]


def _rebuilt(value: Any, parts: list[Any]) -> Any:
    """Return a value of the same kind from its plain parts; those of an array are plain already."""
    if isinstance(value, dict):
        return dict(zip(value, parts, strict=True))
    return value if isinstance(value, np.ndarray) else tuple(parts) if isinstance(value, tuple) else parts


_TYPES = frozenset({_Name("numpy", "ndarray"), _Name("builtins", "list"), _Name("builtins", "dict")})

_CALLS: Mapping[_Name, Callable[..., Any]] = MappingProxyType({
    _Name("collections", "defaultdict"): lambda *_: {},
    _Name("collections", "OrderedDict"): lambda *_: {},
    _Name("numpy", "dtype"): _dtype,
    _Name("numpy.core.multiarray", "_reconstruct"): lambda *_: _Box(),
    _Name("numpy.core.multiarray", "scalar"): _scalar,
    _Name("_codecs", "encode"): lambda machine, text, _coding: machine.bytes_of(text),
    _Name("builtins", "bytes"): lambda *_: b"",
})

_ACTIONS: Mapping[str, Callable[[_Machine, Any], None]] = MappingProxyType({
    "MARK": lambda machine, _: machine.marks.append(len(machine.stack)),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.pop_to_mark())),
    "TUPLE1": _short_tuple(1),
    "TUPLE2": _short_tuple(2),
    "TUPLE3": _short_tuple(3),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "EMPTY_DICT": lambda machine, _: machine.stack.append({}),
    "LIST": lambda machine, _: machine.stack.append(machine.pop_to_mark()),
    "APPEND": _append,
    "APPENDS": _appends,
    "SETITEM": _set_item,
    "SETITEMS": _set_items,
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _reduce,
    "BUILD": _build,
})
