"""Python values as plain data for JSON and back, exactly: for what a resumed run must know of the run before it.

Only the classes that the reader names can come back, so a file cannot make anything else run.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from poseharvest.errors import StoreError

_TYPES: dict[str, type[Any]] = {"tuple": tuple, "list": list, "set": set, "frozenset": frozenset}


def to_plain(value: Any) -> Any:
    """Return a value as plain data.

    Args:
        value: numbers, text, None, tensors on the CPU, and tuples, lists, sets, dictionaries and dataclasses of them.

    Raises:
        TypeError: it holds anything else.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Tensor):
        return {"tensor": _tensor_to_plain(value)}
    if isinstance(value, dict):
        return {"dict": [[to_plain(key), to_plain(of_key)] for key, of_key in value.items()]}
    for name, kind in _TYPES.items():
        if type(value) is kind:
            members = sorted(value) if isinstance(value, set | frozenset) else value
            return {name: [to_plain(member) for member in members]}
    if is_dataclass(value) and not isinstance(value, type):
        content = {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
        return {"object": type(value).__name__, "fields": content}
    raise TypeError(f"a value of type {type(value).__name__} has no plain form")


def from_plain(plain: Any, kinds: Sequence[type[Any]]) -> Any:
    """Return the value of plain data: the inverse of `to_plain`.

    Args:
        plain: what JSON gave back.
        kinds: the dataclasses that it may hold.

    Raises:
        StoreError: it is no plain form of a value.
    """
    try:
        return _from_plain(plain, {kind.__name__: kind for kind in kinds})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(f"the stored state is damaged: {type(error).__name__}: {error}") from error


def _from_plain(plain: Any, kinds: dict[str, type[Any]]) -> Any:
    if not isinstance(plain, dict):
        if plain is None or isinstance(plain, bool | int | float | str):
            return plain
        raise TypeError(f"a bare {type(plain).__name__}")
    if "tensor" in plain:
        return _tensor_from_plain(plain["tensor"])
    if "dict" in plain:
        return {_from_plain(key, kinds): _from_plain(of_key, kinds) for key, of_key in plain["dict"]}
    if "object" in plain:
        content = {name: _from_plain(value, kinds) for name, value in plain["fields"].items()}
        return kinds[plain["object"]](**content)
    ((name, members),) = plain.items()
    return _TYPES[name](_from_plain(member, kinds) for member in members)


def _tensor_to_plain(tensor: Tensor) -> dict[str, Any]:
    array = tensor.detach().cpu().contiguous().numpy()
    content = base64.b64encode(array.tobytes()).decode("ascii")
    return {"dtype": array.dtype.str, "shape": list(array.shape), "base64": content}


def _tensor_from_plain(plain: dict[str, Any]) -> Tensor:
    content = base64.b64decode(plain["base64"], validate=True)
    array = np.frombuffer(content, dtype=np.dtype(plain["dtype"])).reshape(plain["shape"])
    return torch.from_numpy(array.copy())
