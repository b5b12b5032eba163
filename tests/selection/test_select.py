"""The selection equals a sort, whatever the parts; its laws hold for any data."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from poseharvest.errors import ConfigError
from poseharvest.selection.rules import SelectionRule
from poseharvest.selection.select import MeasuredRows, find_thresholds, mark_selected, order_keys, values_of_keys

_TIED = st.sampled_from([-np.inf, -2.5, -0.0, 0.0, 5e-324, 1.0, 1.0 + 2**-52, 1e300, np.inf, np.nan])
_NUMBERS = st.one_of(_TIED, st.floats()).filter(lambda x: not np.isnan(x))
_SHAPES = st.tuples(st.integers(1, 30), st.integers(1, 3))
_VALUES = st.one_of(
    hnp.arrays(np.float64, _SHAPES, elements=_TIED),
    hnp.arrays(np.float64, _SHAPES, elements=st.floats(allow_nan=True, width=64)),
)
_SHARES = st.one_of(st.sampled_from([0.0, 0.1, 0.5, 0.7, 1.0]), st.floats(0, 1))


def _split(values: NDArray[np.float64], supported: NDArray[np.bool_], rows: int) -> Iterator[MeasuredRows]:
    for i in range(0, len(values), rows):
        yield MeasuredRows(values[i : i + rows], supported[i : i + rows])


def _select(
    values: NDArray[np.float64],
    supported: NDArray[np.bool_],
    share: float,
    rows: int = 7,
    factor: float | None = None,
) -> NDArray[np.bool_]:
    thresholds = find_thresholds(lambda: _split(values, supported, rows), values.shape[1], share, factor)
    marks = np.concatenate(list(mark_selected(_split(values, supported, rows), thresholds)))
    np.testing.assert_array_equal(marks.sum(0), thresholds.selected)
    return marks


def _select_by_sorting(
    values: NDArray[np.float64], supported: NDArray[np.bool_], share: float, factor: float | None = None
) -> NDArray[np.bool_]:
    marks = np.zeros_like(supported)
    for joint in range(values.shape[1]):
        rows = np.flatnonzero(supported[:, joint] & ~np.isnan(values[:, joint]))
        ranked = rows[np.argsort(values[rows, joint], kind="stable")]
        if factor is not None and len(ranked):
            tenth = values[ranked[int(np.ceil(0.1 * len(ranked))) - 1], joint]
            ranked = ranked[values[ranked, joint] <= factor * tenth]
        marks[ranked[: int(np.floor(share * supported[:, joint].sum() + 0.5))], joint] = True
    return marks


def _supported_like(values: NDArray[np.float64], seed: int) -> NDArray[np.bool_]:
    return np.random.default_rng(seed).random(values.shape) < 0.8


@settings(deadline=None)
@given(_VALUES, _SHARES, st.integers(1, 40), st.integers(0, 9))
def test_equals_a_stable_sort(values: NDArray[np.float64], share: float, rows: int, seed: int) -> None:
    supported = _supported_like(values, seed)
    marks = _select(values, supported, share, rows)
    np.testing.assert_array_equal(marks, _select_by_sorting(values, supported, share))


@settings(deadline=None)
@given(_VALUES, _SHARES, st.floats(1, 100), st.integers(1, 40), st.integers(0, 9))
def test_a_limit_equals_a_stable_sort_that_is_cut(
    values: NDArray[np.float64], share: float, factor: float, rows: int, seed: int
) -> None:
    supported = _supported_like(values, seed)
    marks = _select(values, supported, share, rows, factor)
    np.testing.assert_array_equal(marks, _select_by_sorting(values, supported, share, factor))
    assert not (marks & ~_select(values, supported, share)).any()


@pytest.mark.parametrize(("measure", "power"), [("det", 6), ("trace", 2)])
def test_a_limit_is_one_of_widths_whatever_the_scale(measure: str, power: int) -> None:
    """The most certain of ten rows has a width of 20 mm: a limit of 1.5 keeps rows of up to 30 mm."""
    widths = np.array([60.0, 31.0, 20.0, 25.0, 29.9, 22.0, 90.0, 21.0, 45.0, 30.1])[:, None]
    rule = SelectionRule(measure, share=1.0, limit=1.5)
    for scale in (1.0, 1e-3, 40.0):
        values = (scale * widths) ** power
        marks = _select(values, np.ones_like(values, bool), rule.share, factor=rule.factor)
        assert widths[marks].tolist() == [20.0, 25.0, 29.9, 22.0, 21.0]
    assert SelectionRule(measure).factor is None


@settings(deadline=None)
@given(_VALUES, _SHARES, _SHARES, st.integers(0, 9))
def test_a_larger_share_keeps_all_that_a_smaller_kept(
    values: NDArray[np.float64], one: float, other: float, seed: int
) -> None:
    supported = _supported_like(values, seed)
    smaller, larger = (_select(values, supported, share) for share in sorted((one, other)))
    assert not (smaller & ~larger).any()


@settings(deadline=None)
@given(_VALUES, st.integers(0, 9))
def test_share_zero_and_one(values: NDArray[np.float64], seed: int) -> None:
    supported = _supported_like(values, seed)
    assert not _select(values, supported, 0.0).any()
    np.testing.assert_array_equal(_select(values, supported, 1.0), supported & ~np.isnan(values))


@given(hnp.arrays(np.float64, 20, elements=_NUMBERS))
def test_keys_keep_the_order_and_come_back(values: NDArray[np.float64]) -> None:
    keys = order_keys(values)
    np.testing.assert_array_equal(keys[:, None] < keys, values[:, None] < values)
    np.testing.assert_array_equal(values_of_keys(keys), values)


def test_seven_of_ten_is_seven() -> None:
    """0.7 * 10 is 7.000000000000001 in float64, which rounded up would be 8."""
    values = np.arange(10.0)[:, None]
    assert _select(values, np.ones((10, 1), bool), 0.7)[:, 0].tolist() == [True] * 7 + [False] * 3


def test_first_of_equals_is_kept() -> None:
    assert _select(np.full((5, 1), 3.0), np.ones((5, 1), bool), 0.4, rows=1)[:, 0].tolist() == [True] * 2 + [False] * 3


def test_threshold_is_the_worst_value_kept() -> None:
    values = np.array([[4.0, -1.0], [2.0, np.nan], [3.0, -1.0]])
    thresholds = find_thresholds(lambda: _split(values, np.ones((3, 2), bool), 2), 2, 0.5)
    assert thresholds.values.tolist() == [3.0, -1.0]
    nothing = find_thresholds(lambda: _split(values, np.zeros((3, 2), bool), 2), 2, 0.5)
    assert np.isnan(nothing.values).all()


def test_a_large_capture_equals_a_sort() -> None:
    rng = np.random.default_rng(3)
    values = np.round(np.exp(rng.normal(12, 3, (50_000, 2))), -2)
    supported = rng.random(values.shape) < 0.9
    np.testing.assert_array_equal(_select(values, supported, 0.7, rows=512), _select_by_sorting(values, supported, 0.7))


def test_wrong_rules() -> None:
    with pytest.raises(ConfigError, match=r'measure: expected one of det, trace, .*, got "volume"'):
        SelectionRule(measure="volume")
    for share in (-0.1, 1.5, float("nan")):
        with pytest.raises(ConfigError, match="share: expected a number from 0 to 1"):
            SelectionRule(share=share)
    for limit in (0.9, -2.0, float("nan")):
        with pytest.raises(ConfigError, match="limit: expected a number of 1 or more, got"):
            SelectionRule(limit=limit)
    with pytest.raises(ConfigError, match=r'limit: expected a measure of width \(det, trace\), got "peak_score"'):
        SelectionRule("peak_score", limit=1.3)
