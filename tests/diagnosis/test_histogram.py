"""Quantiles from bins agree with those of the sorted values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.diagnosis.histogram import HIGHEST, LOWEST, RELATIVE_ERROR, LogHistogram


def filled(series: list[list[float]]) -> LogHistogram:
    histogram = LogHistogram(len(series))
    for k in range(max(len(values) for values in series)):
        present = np.array([k < len(values) for values in series])
        values = np.array([values[k] if k < len(values) else np.nan for values in series])
        histogram.add(np.nan_to_num(values), present)
    return histogram


@given(st.lists(st.floats(0.02, 9e4), min_size=1, max_size=40), st.sampled_from([0.05, 0.25, 0.5, 0.9, 1.0]))
def test_quantile_is_the_value_of_its_rank(values: list[float], share: float) -> None:
    rank = max(1, int(np.ceil(share * len(values) - 1e-9)))
    exact = sorted(values)[rank - 1]
    assert filled([values]).quantile(share)[0] == pytest.approx(exact, rel=RELATIVE_ERROR * 1.001)


def test_series_do_not_mix_and_extremes_are_exact() -> None:
    histogram = filled([[3.0, 5.5], [700.0], []])
    assert histogram.num_values.tolist() == [2, 1, 0]
    assert histogram.minimum[:2].tolist() == [3.0, 700.0]
    assert histogram.maximum[:2].tolist() == [5.5, 700.0]
    assert np.isnan(histogram.quantile(0.5)[2])
    assert np.isnan(histogram.maximum[2])


def test_pooling_by_neighbours_equals_counting_them_together() -> None:
    pooled = filled([[1.0, 2.0], [3.0], [40.0], [50.0, 60.0]]).pooled_by(2)
    together = filled([[1.0, 2.0, 3.0], [40.0, 50.0, 60.0]])
    for share in (0.1, 0.5, 0.9):
        assert pooled.quantile(share).tolist() == together.quantile(share).tolist()
    assert pooled.maximum.tolist() == [3.0, 60.0]


def test_merging_equals_counting_both() -> None:
    both = filled([[1.0, 8.0]]).merged(filled([[2.0]]))
    assert both.num_values.tolist() == [3]
    assert both.quantile(0.5)[0] == pytest.approx(2, rel=2 * RELATIVE_ERROR)


def test_values_beyond_the_limits_are_counted_and_keep_their_extremes() -> None:
    histogram = filled([[0.0, LOWEST / 10, HIGHEST * 10]])
    assert histogram.num_values[0] == 3
    assert histogram.minimum[0] == 0
    assert histogram.maximum[0] == HIGHEST * 10


def test_bars_hold_every_value_once() -> None:
    edges = np.array([1.0, 10.0, 100.0])
    counts = filled([[0.5, 2.0, 9.0, 11.0, 5000.0]]).counts_between(edges)
    assert counts.tolist() == [[3, 2]]
