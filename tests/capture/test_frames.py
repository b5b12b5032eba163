"""Items computed ahead in threads: order, bounds, errors and the end of every thread."""

from __future__ import annotations

import threading
import time

import pytest

from poseharvest.capture.frames import prefetch
from poseharvest.errors import CaptureError


class Source:
    """Counts its items, and knows whether it was closed."""

    def __init__(self, count: int, fail_at: int | None = None) -> None:
        self.count, self.fail_at = count, fail_at
        self.num_items = 0
        self.is_closed = False
        self.threads: set[int] = set()

    def items(self):
        try:
            for item in range(self.count):
                if item == self.fail_at:
                    raise CaptureError(f"item {item} is damaged")
                self.num_items += 1
                self.threads.add(threading.get_ident())
                yield item
        finally:
            self.is_closed = True


def decoding_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("poseharvest-decode")]


@pytest.mark.parametrize("depth", [1, 2, 7])
def test_items_come_in_order_and_in_step(depth):
    sources = [Source(20), Source(20), Source(20)]
    assert list(prefetch([s.items() for s in sources], depth=depth)) == [(i, i, i) for i in range(20)]
    assert not decoding_threads()


def test_the_shortest_source_ends_it():
    assert list(prefetch([Source(3).items(), Source(5).items()], depth=2)) == [(0, 0), (1, 1), (2, 2)]


def test_each_source_runs_in_its_own_thread():
    sources = [Source(10), Source(10)]
    list(prefetch([s.items() for s in sources], depth=2))
    assert all(len(source.threads) == 1 for source in sources)
    assert sources[0].threads.isdisjoint(sources[1].threads)
    assert threading.get_ident() not in sources[0].threads | sources[1].threads


def test_it_works_ahead_but_no_further_than_told():
    source = Source(1000)
    ahead = prefetch([source.items()], depth=3)
    next(ahead)
    deadline = time.monotonic() + 5
    while source.num_items < 4 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.05)
    assert source.num_items == 4  # the one given and three ahead
    ahead.close()


def test_closing_stops_the_threads_and_closes_the_sources():
    sources = [Source(1000), Source(1000)]
    ahead = prefetch([s.items() for s in sources], depth=4)
    next(ahead)
    assert len(decoding_threads()) == 2
    ahead.close()
    assert not decoding_threads()
    assert all(source.is_closed for source in sources)
    assert sources[0].num_items < 10


def test_dropping_the_generator_stops_the_threads():
    source = Source(1000)
    for _ in prefetch([source.items()], depth=4):
        break
    assert not decoding_threads()
    assert source.is_closed


def test_an_error_arrives_at_its_item_and_stops_everything():
    sources = [Source(100), Source(100, fail_at=5)]
    got = []
    with pytest.raises(CaptureError, match="item 5 is damaged"):
        got.extend(prefetch([s.items() for s in sources], depth=8))
    ahead = prefetch([Source(100, fail_at=5).items()], depth=8)
    assert [next(ahead) for _ in range(5)] == [(i,) for i in range(5)]
    with pytest.raises(CaptureError, match="item 5 is damaged"):
        next(ahead)
    assert not decoding_threads()
    assert sources[0].is_closed
