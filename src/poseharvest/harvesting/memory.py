"""Freed memory, given back to the system."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache


def give_back_memory() -> None:
    """Give the system back what the C library holds of freed memory; nothing happens without glibc.

    The sums over voxels free tens of megabytes a batch, in pieces whose sizes differ from frame to frame. glibc keeps
    them for later, and less and less of it fits: what a process holds would depend on how long it has run.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    found: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return found
