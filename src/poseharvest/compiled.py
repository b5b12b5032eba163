"""Loops over arrays, compiled for the processor on first use and kept on the disk for the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])

_FASTMATH = {"reassoc", "contract", "nsz", "arcp"}  # sums in any order; infinities keep their meaning


def compiled(function: F) -> F:
    """Return the function compiled for the types of its arguments; it releases the interpreter's lock.

    What a compiled function takes from another module is fixed when it is first compiled, and kept on the disk: give
    such numbers as arguments.
    """
    return _compiled(function, fastmath=_FASTMATH)


def compiled_in_order(function: F) -> F:
    """Return the same as `compiled`, with every sum and product in the written order: the bits are those of numpy."""
    return _compiled(function, fastmath=False)


def _compiled(function: F, *, fastmath: set[str] | bool) -> F:
    options: dict[str, Any] = {"nogil": True, "fastmath": fastmath, "error_model": "numpy"}
    try:
        loop: F = njit(cache=True, **options)(function)
    except RuntimeError:  # nowhere to keep it: neither beside this file nor in the user's cache
        loop = njit(**options)(function)
    return loop
