"""Frame rates from time stamps that were rounded, with jitter, or with missing pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.capture.video import estimate_rate


@given(rate=st.sampled_from([24.0, 25.0, 30000 / 1001, 50.0, 60.0, 240.0]), count=st.integers(2, 300))
def test_regular_stamps_give_their_rate(rate, count):
    assert estimate_rate(np.arange(count) / rate) == pytest.approx(rate, rel=1e-9)


@given(rate=st.sampled_from([25.0, 60.0]), missing=st.sets(st.integers(1, 98), max_size=30))
def test_lost_pictures_do_not_lower_the_rate(rate, missing):
    numbers = np.asarray([number for number in range(100) if number not in missing])
    assert estimate_rate(numbers / rate) == pytest.approx(rate, rel=1e-9)


def test_stamps_rounded_to_milliseconds_keep_the_stated_rate():
    times = np.round(np.arange(600) / 60, 3)
    assert 1 / np.median(np.diff(times)) == pytest.approx(58.8, abs=0.1)  # what the naive median would say
    assert estimate_rate(times) == pytest.approx(60, rel=1e-3)
    assert estimate_rate(times, stated=60.0) == 60.0


def test_a_stated_rate_that_the_stamps_contradict_is_not_believed():
    assert estimate_rate(np.arange(100) / 25, stated=50.0) == pytest.approx(25)


def test_jitter_averages_out():
    jitter = np.random.default_rng(3).uniform(-0.004, 0.004, 500)
    assert estimate_rate(np.arange(500) / 30 + jitter) == pytest.approx(30, rel=1e-3)


def test_one_picture_has_only_the_stated_rate():
    assert estimate_rate(np.zeros(1), stated=50.0) == 50.0
    assert estimate_rate(np.zeros(1)) is None
