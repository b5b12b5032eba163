"""Preparing what comes next while something else is under way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Made = TypeVar("Made")

_AHEAD = 2


def prepare_ahead(make: Callable[[int], Made], numbers: Sequence[int], *, threads: int) -> Iterator[Made]:
    """Give `make(number)` for every number, in order, made by threads up to twice their count ahead.

    Args:
        make: may raise; the error comes where its number would.
        numbers: what to make.
        threads: how many; with 0 each is made when it is asked for.
    """
    if threads == 0:
        yield from map(make, numbers)
        return
    waiting: deque[Future[Made]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for number in numbers:
            waiting.append(pool.submit(make, number))
            if len(waiting) > _AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # Whoever stops in the middle does not wait for what was not begun.
        pool.shutdown(cancel_futures=True)
