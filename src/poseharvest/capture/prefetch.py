"""Decoding in the background: one thread per view, which is a few pictures ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class _End:
    """The marker at the end of a source."""


def prefetch(sources: Sequence[Generator[T, None, None]], *, depth: int) -> Generator[tuple[T, ...], None, None]:
    """Yield tuples of one item per source, while threads compute the next `depth` items of each.

    When the generator is closed or fails, it first stops the threads and closes the sources. An error in a source is
    raised here, at the item that failed. At most `depth` + 2 items of a source exist at the same time.

    Args:
        sources: generators; the result is as long as the shortest. Each one runs in only one thread.
        depth: number of items to compute ahead, at least 1.
    """
    with ExitStack() as stack:
        queues = [stack.enter_context(_Ahead(source, depth)) for source in sources]
        while True:
            items = [queue.next() for queue in queues]
            whole = tuple(item for item in items if not isinstance(item, _End))
            if len(whole) < len(items):
                return
            yield whole


class _Ahead(Generic[T]):
    """One source and the thread that runs ahead in it."""

    def __init__(self, source: Generator[T, None, None], depth: int) -> None:
        self._source = source
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="poseharvest-decode")
        self._ahead: deque[Future[T | _End]] = deque(self._submit() for _ in range(depth))

    def __enter__(self) -> _Ahead[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._source.close()

    def next(self) -> T | _End:
        """Return the next item, and start the computation of another one."""
        item = self._ahead.popleft().result()
        self._ahead.append(self._submit())
        return item

    def _submit(self) -> Future[T | _End]:
        return self._executor.submit(next, self._source, _End())
