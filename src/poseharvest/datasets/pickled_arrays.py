"""Safe reading of arrays in a pickle: the instructions are interpreted here and can only build plain values.

A pickle is a program. Loading a file of unknown origin with the standard loader can run any code. Some data sets are
distributed as pickles: the `data_3d_h36m.npz` of VideoPose3D contains one, and the 2D predictions of VoxelPose are one.
They need only numbers, texts, tuples, lists, dictionaries and numpy arrays. This reader supports only these. A name in
a file is compared with a short list and never imported. Any other name is an error whose message explains how to
convert the file.
"""

from __future__ import annotations

import pickletools
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from poseharvest.errors import DatasetError, FormatError

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


def read_pickle(path: Path) -> Any:
    """Return the plain value of a pickle: dictionaries, lists, tuples, texts, numbers and numpy arrays.

    Raises:
        DatasetError: there is no such file.
        FormatError: the file is damaged, or holds more than plain values; the message says how to convert it.
    """
    if not path.is_file():
        raise DatasetError(f"{path}: expected a file, found nothing there")
    # Read from memory: with a damaged length, the interpreter would request that many bytes from a file.
    return _interpret(BytesIO(path.read_bytes()), str(path))


def read_npz_objects(path: Path, key: str) -> Any:
    """Return the plain value in an object array of a `.npz`, without unpickling it by numpy.

    Raises:
        DatasetError: there is no such file.
        FormatError: the file is damaged, lacks the key, or holds more than plain values.
    """
    if not path.is_file():
        raise DatasetError(f"{path}: expected a file, found nothing there")
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            if key not in names:
                raise FormatError(f'{path}: expected an array "{key}", got {", ".join(names) or "none"}')
            member = BytesIO(archive.read(f"{key}.npy"))
        version = np.lib.format.read_magic(member)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = header(member)
    except (zipfile.BadZipFile, ValueError, EOFError, OSError) as error:
        raise FormatError(f"{path}: expected a .npz file, got a damaged or different one ({error})") from error
    if not dtype.hasobject or shape != ():
        raise FormatError(f'{path}: "{key}": expected one object, got {dtype} of shape {shape}')
    return _interpret(member, f'{path}: "{key}"').item()


@dataclass(frozen=True)
class _Name:
    """A name in the pickle that this reader supports."""

    module: str
    name: str


@dataclass
class _Box:
    """An array or number type that one instruction creates and a later one completes."""

    value: Any = None


@dataclass(frozen=True)
class _Mark:
    """The marker on the stack before the parts of a tuple, list or dictionary."""


@dataclass
class _Machine:
    where: str
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def pop_to_mark(self) -> list[Any]:
        at = max(i for i, item in enumerate(self.stack) if isinstance(item, _Mark))
        parts = self.stack[at + 1 :]
        del self.stack[at:]
        return parts

    def pop(self, count: int) -> list[Any]:
        if count > len(self.stack):
            raise ValueError("too few values on the stack")
        parts = self.stack[-count:]
        del self.stack[-count:]
        return parts


def _interpret(file: BytesIO, where: str) -> Any:
    machine = _Machine(where)
    try:
        for opcode, argument, _ in pickletools.genops(file):
            if opcode.name == "STOP":
                return _plain(machine.stack.pop())
            _step(machine, opcode.name, argument)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise FormatError(f"{where}: expected a pickle of plain values, got a damaged one ({error})") from error
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
    (item,) = machine.pop(1)
    machine.stack[-1].append(item)


def _appends(machine: _Machine, _: Any) -> None:
    items = machine.pop_to_mark()
    machine.stack[-1].extend(items)


def _set_item(machine: _Machine, _: Any) -> None:
    key, value = machine.pop(2)
    machine.stack[-1][key] = value


def _set_items(machine: _Machine, _: Any) -> None:
    parts = machine.pop_to_mark()
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
    machine.stack.append(_CALLS[name](*arguments))


def _build(machine: _Machine, _: Any) -> None:
    (state,) = machine.pop(1)
    box = machine.stack[-1]
    box.value = _with_byte_order(box.value, *state) if isinstance(box.value, np.dtype) else _array(*state)


def _with_byte_order(dtype: Any, _version: int, order: str, *rest: Any) -> Any:
    if any(part is not None for part in rest[:3]):
        raise ValueError("an array of records")
    return dtype.newbyteorder(order)


def _array(_version: int, shape: tuple[int, ...], dtype: _Box, is_fortran: bool, content: Any) -> Any:
    if dtype.value.hasobject:
        array = np.empty(len(content), dtype=object)
        for index, item in enumerate(content):
            array[index] = _plain(item)
    else:
        array = np.frombuffer(_bytes(content), dtype=dtype.value)
    return array.reshape(shape, order="F" if is_fortran else "C")


def _bytes(content: Any) -> bytes:
    # Older protocols write the byte strings of Python 2 as texts.
    return content.encode("latin-1") if isinstance(content, str) else bytes(content)


def _plain(value: Any) -> Any:
    """Return the value with every box replaced by its completed content."""
    if isinstance(value, _Box):
        return value.value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(item) for item in value)
    return value


_TYPES = frozenset({_Name("numpy", "ndarray"), _Name("builtins", "list"), _Name("builtins", "dict")})

_CALLS: Mapping[_Name, Callable[..., Any]] = MappingProxyType({
    _Name("collections", "defaultdict"): lambda *_: {},
    _Name("collections", "OrderedDict"): lambda *_: {},
    _Name("numpy", "dtype"): lambda code, *_: _Box(np.dtype(code)),
    _Name("numpy.core.multiarray", "_reconstruct"): lambda *_: _Box(),
    _Name("numpy.core.multiarray", "scalar"): lambda dtype, content: np.frombuffer(_bytes(content), dtype.value)[0],
    _Name("_codecs", "encode"): lambda text, _coding: _bytes(text),
    _Name("builtins", "bytes"): lambda: b"",
})

_ACTIONS: Mapping[str, Callable[[_Machine, Any], None]] = MappingProxyType({
    "MARK": lambda machine, _: machine.stack.append(_Mark()),
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
