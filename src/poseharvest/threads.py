"""How the processor's cores are shared: by the parts of one tensor operation, or by pieces of work side by side.

Operations on small tensors lose more by sharing than they win: the cores wait for each other at the end of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

_side_by_side: list[int] = []


def side_by_side() -> int:
    """Return how many pieces of work are to run side by side, 1 or more: torch's number of threads."""
    return _side_by_side[-1] if _side_by_side else torch.get_num_threads()


@contextmanager
def one_thread_an_operation() -> Iterator[None]:
    """Let each tensor operation run on one thread; as many pieces of work as before run side by side.

    It holds for the whole process and for threads that start meanwhile.
    """
    before = torch.get_num_threads()
    _side_by_side.append(side_by_side())
    torch.set_num_threads(1)
    try:
        yield
    finally:
        _side_by_side.pop()
        torch.set_num_threads(before)
