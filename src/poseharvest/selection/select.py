"""Selection of reliable annotations (Sec. 3.3): for every joint, the best share, or all below a limit.

For each joint, the paper keeps the 70 % of all frames with the smallest determinant of the covariance. This needs a
quantile of a column that may not fit into memory. It is computed exactly in four passes. Each float64 is mapped to a
uint64 key of the same order. Each pass then counts 16 more bits, over the keys that agree with the quantile in the bits
before.

A fixed share keeps the best rows of a joint even if all are bad, and drops rows even if all are good. A limit instead
compares the width of a marginal with the widths of the most certain tenth of the same joint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_DIGIT_BITS = 16
_NUM_DIGITS = 1 << _DIGIT_BITS
_SHIFTS = (48, 32, 16, 0)
_SIGN = np.uint64(1 << 63)
_SUREST = 0.1  # share of the rows of a joint; the limit is relative to the last one of them


@dataclass(frozen=True, eq=False)
class MeasuredRows:
    """The measure of some rows, in (frame, person) order.

    Attributes:
        values: (F, J) float64, smaller is more reliable. NaN is never selected.
        supported: (F, J) bool. Unsupported joints are never selected.
    """

    values: NDArray[np.float64]
    supported: NDArray[np.bool_]

    @property
    def rankable(self) -> NDArray[np.bool_]:
        """(F, J) bool: the row may be selected."""
        return self.supported & ~np.isnan(self.values)


Batches = Callable[[], Iterator[MeasuredRows]]
"""A function that streams all rows of a capture; every call starts from the first row."""


@dataclass(frozen=True, eq=False)
class Thresholds:
    """The last selected row of every joint.

    Attributes:
        supported: (J,) number of supported rows.
        selected: (J,) number of selected rows.
        key: (J,) order key of the last selected row; all rows with a smaller key are selected.
        num_ties: (J,) number of selected rows with exactly that key, the earliest first.
    """

    supported: NDArray[np.int64]
    selected: NDArray[np.int64]
    key: NDArray[np.uint64]
    num_ties: NDArray[np.int64]

    @property
    def values(self) -> NDArray[np.float64]:
        """(J,) the measure of the last selected row; NaN where no row is selected."""
        return np.where(self.selected > 0, values_of_keys(self.key), np.nan)


def order_keys(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return uint64 keys in the same order as the float64 `values`; -0.0 and 0.0 have the same key.

    Negative numbers have all bits flipped, the others only the sign. The key of NaN is undefined: mask it.
    """
    bits = np.ascontiguousarray(values + 0.0).view(np.uint64)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def values_of_keys(keys: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return the values that `order_keys` maps onto `keys`."""
    bits = np.where(keys & _SIGN, keys & ~_SIGN, ~keys)
    return bits.view(np.float64)


def find_thresholds(batches: Batches, num_joints: int, share: float, factor: float | None = None) -> Thresholds:
    """Return the last selected row of each joint.

    The number of selected rows is `share` of the supported rows, rounded to the nearest row (halves up), but at most
    the number of rankable rows. With a `factor` (`SelectionRule.factor`), a selected row has at most this multiple of
    the measure of the most certain tenth of the joint. Memory depends only on the number of joints. With several
    people, each joint of each person is a separate joint.
    """
    supported, rankable = np.zeros((2, num_joints), np.int64)
    for batch in batches():
        supported += batch.supported.sum(0)
        rankable += batch.rankable.sum(0)
    selected = np.minimum(np.floor(share * supported + 0.5).astype(np.int64), rankable)
    if factor is not None:
        surest, _ = _keys_at(batches, np.ceil(_SUREST * rankable).astype(np.int64))
        widest = factor * values_of_keys(surest)
        within = sum((batch.rankable & (batch.values <= widest)).sum(0) for batch in batches())
        selected = np.minimum(selected, within)
    key, num_ties = _keys_at(batches, selected)
    return Thresholds(supported, selected, key, num_ties)


def _keys_at(batches: Batches, rank: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return for every joint the key of the row of `rank` (from 1), and the number of rows to it with this key."""
    key, remaining = np.zeros(len(rank), np.uint64), rank.copy()
    for shift in _SHIFTS:
        digit, below = _digit_of_rank(_count_digits(batches(), key, shift), remaining)
        key |= digit << np.uint64(shift)
        remaining -= below
    return key, remaining


def mark_selected(batches: Iterable[MeasuredRows], thresholds: Thresholds) -> Iterator[NDArray[np.bool_]]:
    """Yield (F, J) bool for each batch in order: the rows that are selected."""
    ties_seen = np.zeros_like(thresholds.num_ties)
    for batch in batches:
        keys, rankable = order_keys(batch.values), batch.rankable & (thresholds.selected > 0)
        tie = rankable & (keys == thresholds.key)
        rank = ties_seen + np.cumsum(tie, axis=0)
        yield (rankable & (keys < thresholds.key)) | (tie & (rank <= thresholds.num_ties))
        ties_seen = ties_seen + tie.sum(0)


def mark_together(
    batches: Sequence[MeasuredRows], share: float, factor: float | None = None
) -> list[NDArray[np.bool_]]:
    """Return (F, J) bool for each batch, at least one: the rows selected as if all were one capture."""
    thresholds = find_thresholds(lambda: iter(batches), batches[0].values.shape[1], share, factor)
    return list(mark_selected(batches, thresholds))


def _count_digits(batches: Iterator[MeasuredRows], prefix: NDArray[np.uint64], shift: int) -> NDArray[np.int64]:
    """Return (J, 65536) counts of the 16 bits at `shift`, over the keys whose higher bits equal `prefix`."""
    counts = np.zeros((len(prefix), _NUM_DIGITS), np.int64)
    above = shift + _DIGIT_BITS
    for batch in batches:
        keys, considered = order_keys(batch.values), batch.rankable
        if above < 64:
            considered = considered & (keys >> np.uint64(above) == prefix >> np.uint64(above))
        digits = (keys >> np.uint64(shift) & np.uint64(_NUM_DIGITS - 1)).astype(np.int64)
        # In place: the table is large, but only few of its memory pages are used.
        np.add.at(counts, (np.nonzero(considered)[1], digits[considered]), 1)
    return counts


def _digit_of_rank(counts: NDArray[np.int64], rank: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return for every joint the digit of the row of `rank` (from 1), and the number of rows with a smaller one."""
    digit, below = np.zeros(len(rank), np.uint64), np.zeros_like(rank)
    for joint in np.flatnonzero(rank > 0):
        cumulative = np.cumsum(counts[joint])
        place = np.searchsorted(cumulative, rank[joint])
        digit[joint], below[joint] = place, cumulative[place] - counts[joint, place]
    return digit, below
