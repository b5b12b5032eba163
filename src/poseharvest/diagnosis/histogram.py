"""Quantiles of many series at once, in constant memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RELATIVE_ERROR = 0.001
"""Largest relative error of a quantile of `LogHistogram`, between LOWEST and HIGHEST."""

LOWEST, HIGHEST = 0.01, 1e5
"""The range of the bins (mm or pixels); values outside count as the nearest limit."""

_LOG_STEP = 2 * np.log1p(RELATIVE_ERROR)
_NUM_BINS = int(np.ceil(np.log(HIGHEST / LOWEST) / _LOG_STEP))


class LogHistogram:
    """Counts positive numbers in logarithmic bins, with one row of bins per series.

    Args:
        num_series: number of series.
    """

    def __init__(self, num_series: int) -> None:
        self._counts: NDArray[np.int64] = np.zeros((num_series, _NUM_BINS), dtype=np.int64)
        self._lowest = np.full(num_series, np.inf)
        self._highest = np.full(num_series, -np.inf)

    def add(self, values: NDArray[np.float64], present: NDArray[np.bool_]) -> None:
        """Count one value of each series, `values` (S,), where `present` (S,) is True."""
        rows = np.flatnonzero(present)
        counted = values[rows]
        bins = np.log(np.clip(counted, LOWEST, HIGHEST) / LOWEST) / _LOG_STEP
        self._counts[rows, np.minimum(bins.astype(np.int64), _NUM_BINS - 1)] += 1
        self._lowest[rows] = np.minimum(self._lowest[rows], counted)
        self._highest[rows] = np.maximum(self._highest[rows], counted)

    @property
    def num_values(self) -> NDArray[np.int64]:
        """(S,) number of values of each series."""
        total: NDArray[np.int64] = self._counts.sum(axis=1)
        return total

    @property
    def minimum(self) -> NDArray[np.float64]:
        """(S,) exact smallest values; NaN for an empty series."""
        return np.where(np.isfinite(self._lowest), self._lowest, np.nan)

    @property
    def maximum(self) -> NDArray[np.float64]:
        """(S,) exact largest values; NaN for an empty series."""
        return np.where(np.isfinite(self._highest), self._highest, np.nan)

    def quantile(self, share: float) -> NDArray[np.float64]:
        """Return (S,) the values below which `share` (0 to 1) of each series lies; NaN for an empty one.

        It is the value of rank ceil(share * n), with an error of at most RELATIVE_ERROR.
        """
        return np.array([self._row_quantile(row, share) for row in range(len(self._counts))])

    def merged(self, other: LogHistogram) -> LogHistogram:
        """Return the histogram of the values of both, series by series."""
        both = LogHistogram(len(self._counts))
        both._counts = self._counts + other._counts
        both._lowest = np.minimum(self._lowest, other._lowest)
        both._highest = np.maximum(self._highest, other._highest)
        return both

    def pooled(self) -> LogHistogram:
        """Return the histogram of all series taken together, as one series."""
        return self.pooled_by(len(self._counts))

    def pooled_by(self, group: int) -> LogHistogram:
        """Return the histogram in which every `group` neighbouring series are taken together."""
        pool = LogHistogram(len(self._counts) // group)
        pool._counts = self._counts.reshape(-1, group, _NUM_BINS).sum(axis=1)
        pool._lowest = self._lowest.reshape(-1, group).min(axis=1)
        pool._highest = self._highest.reshape(-1, group).max(axis=1)
        return pool

    def counts_between(self, edges: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return (S, len(edges) - 1) counts between increasing `edges`; the outer bins contain all values beyond."""
        middles = LOWEST * np.exp((np.arange(_NUM_BINS) + 0.5) * _LOG_STEP)
        target = np.clip(np.searchsorted(edges, middles, side="right") - 1, 0, len(edges) - 2)
        merged = np.zeros((len(self._counts), len(edges) - 1), dtype=np.int64)
        for row, counts in enumerate(self._counts):
            merged[row] = np.bincount(target, weights=counts, minlength=len(edges) - 1).astype(np.int64)
        return merged

    def _row_quantile(self, row: int, share: float) -> float:
        cumulative = np.cumsum(self._counts[row])
        if cumulative[-1] == 0:
            return float("nan")
        rank = max(1, int(np.ceil(share * cumulative[-1] - 1e-9)))
        middle = LOWEST * np.exp((np.searchsorted(cumulative, rank) + 0.5) * _LOG_STEP)
        return float(np.clip(middle, self._lowest[row], self._highest[row]))
