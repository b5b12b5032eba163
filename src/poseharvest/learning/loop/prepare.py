"""Prepare the next items in threads while the current one is in use."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")

_AHEAD = 2


def prepare_ahead(make: Callable[[int], Item], numbers: Sequence[int], *, threads: int) -> Iterator[Item]:
    """Give `make(number)` for every number, in order; threads work ahead by up to twice their count.

    Args:
        make: may raise; the error comes where its number would.
        numbers: what to make.
        threads: how many; with 0 each is made when it is asked for.
    """
    if threads == 0:
        yield from map(make, numbers)
        return
    waiting: deque[Future[Item]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for number in numbers:
            waiting.append(pool.submit(make, number))
            if len(waiting) > _AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # A caller that stops early does not wait for items that were not started.
        pool.shutdown(cancel_futures=True)
