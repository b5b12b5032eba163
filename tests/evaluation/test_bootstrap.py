"""Bootstrap intervals: reproducible, honest about how often they hold, and wide where sequences differ."""

from __future__ import annotations

import numpy as np
import pytest

from poseharvest.errors import ConfigError
from poseharvest.evaluation.bootstrap import BootstrapOptions, blocks, bootstrap, mean_interval
from poseharvest.evaluation.scores import Interval


def test_the_same_seed_gives_the_same_interval():
    data = [np.random.default_rng(k).normal(size=5) for k in range(6)]
    assert mean_interval(data) == mean_interval(data)
    assert mean_interval(data) != mean_interval(data, BootstrapOptions(seed=1))


def test_the_mean_is_a_special_case_of_any_statistic():
    data = [np.random.default_rng(k).normal(size=3 + k) for k in range(6)]
    options = BootstrapOptions(num_draws=300)
    found = bootstrap(6, lambda draw: float(np.concatenate([data[i] for i in draw]).mean()), options)
    expected = mean_interval(data, options)
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_the_interval_holds_the_true_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(5)
    options = BootstrapOptions(level=0.9, num_draws=400)
    held = 0
    for _ in range(200):
        means = rng.normal(10, 2, 30)  # sequences differ; frames within one hardly do
        interval = mean_interval([mean + rng.normal(0, 0.1, 20) for mean in means], options)
        held += interval.low <= 10 <= interval.high
    assert 0.83 <= held / 200 <= 0.95


def test_frames_of_one_sequence_are_not_taken_for_independent():
    rng = np.random.default_rng(2)
    sequences = [np.full(500, value) for value in rng.normal(0, 1, 8)]
    apart = mean_interval(sequences)
    naive = mean_interval([np.array([value]) for value in np.concatenate(sequences)])
    assert apart.high - apart.low > 5 * (naive.high - naive.low)


def test_what_is_not_finite_is_left_out():
    one = [np.array([1.0, np.nan]), np.array([3.0]), np.array([np.nan])]
    interval = mean_interval(one)
    assert interval.num_sequences == 2
    assert (interval.low, interval.high) == (1.0, 3.0)


def test_blocks_are_stretches_of_frames():
    assert blocks(np.array([0, 4, 5, 9, 10]), 5) == ["0", "0", "1", "1", "2"]


def test_overlap():
    assert Interval(0, 2, 0.95, 3).overlaps(Interval(2, 4, 0.95, 3))
    assert not Interval(0, 2, 0.95, 3).overlaps(Interval(2.1, 4, 0.95, 3))


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: mean_interval([np.ones(4)]), "expected at least 2 sequences that hold values, got 1"),
        (lambda: BootstrapOptions(level=1.0), "bootstrap level: expected a number between 0 and 1, got 1"),
        (lambda: BootstrapOptions(num_draws=0), "num_draws: expected at least 1, got 0"),
        (lambda: blocks(np.arange(3), 0), "expected stretches of at least 1 frame, got 0"),
    ],
)
def test_nonsense_is_refused(act, message):
    with pytest.raises(ConfigError, match=message):
        act()
