import threading

import pytest

from poseharvest.learning.loop.prepare import prepare_ahead


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_order_is_kept_and_little_is_made_ahead(threads):
    made = []

    def make(number):
        made.append(number)
        return number * number

    stream = prepare_ahead(make, range(5, 40), threads=threads)
    assert next(stream) == 25
    assert len(made) <= 1 + 2 * threads
    assert list(stream) == [k * k for k in range(6, 40)]
    assert sorted(made) == list(range(5, 40))


@pytest.mark.parametrize("threads", [0, 2])
def test_an_error_comes_where_its_number_would(threads):
    stream = prepare_ahead(lambda number: 1 / (number - 3), range(9), threads=threads)
    assert [round(next(stream), 3) for _ in range(3)] == [-0.333, -0.5, -1.0]
    with pytest.raises(ZeroDivisionError):
        next(stream)


def test_stopping_in_the_middle_ends_the_threads():
    before = threading.active_count()
    stream = prepare_ahead(lambda number: number, range(100), threads=3)
    next(stream)
    stream.close()
    assert threading.active_count() == before


def test_nothing_to_make_gives_nothing():
    assert list(prepare_ahead(lambda number: number, range(0), threads=2)) == []
