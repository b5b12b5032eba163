"""Selection of reliable annotations (Sec. 3.3): for every joint, the best share of a capture, or all that is sure.

The paper keeps the 70 % of each joint with the smallest determinant of covariance, over all frames. That is a
quantile of a column that may not fit into memory. It is found exactly in four passes: float64 maps onto uint64 so
that order is kept, and each pass counts 16 more bits of the keys that still share the quantile's leading bits.

A fixed share keeps the best of a joint however bad it is, and leaves out some of it however good it is. A limit asks
instead how much wider a marginal is than those of the same joint's most certain tenth: what footage and network can do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseharvest.errors import ConfigError
from poseharvest.selection.measures import MEASURES

_DIGIT_BITS = 16
_NUM_DIGITS = 1 << _DIGIT_BITS
_SHIFTS = (48, 32, 16, 0)
_SIGN = np.uint64(1 << 63)
_SUREST = 0.1  # of a joint's rows, whose last one is what its width is compared with


@dataclass(frozen=True)
class SelectionRule:
    """Which annotations to keep.

    Attributes:
        measure: a name in `MEASURES`; the paper's is "det".
        share: part of each joint's supported rows to keep at most, 0 to 1; the paper's is 0.7.
        limit: how many times as wide as the joint's most certain tenth a marginal may be, 1 or more, in standard
            deviations; None lets the share alone decide, as the paper does. For the measures of width, "det" and
            "trace".
    """

    measure: str = "det"
    share: float = 0.7
    limit: float | None = None

    def __post_init__(self) -> None:
        if self.measure not in MEASURES:
            raise ConfigError(f'measure: expected one of {", ".join(MEASURES)}, got "{self.measure}"')
        if not 0 <= self.share <= 1:
            raise ConfigError(f"share: expected a number from 0 to 1, got {self.share}")
        if self.limit is not None and not self.limit >= 1:
            raise ConfigError(f"limit: expected a number of 1 or more, got {self.limit}")
        if self.limit is not None and MEASURES[self.measure].width_power is None:
            known = ", ".join(name for name, measure in MEASURES.items() if measure.width_power is not None)
            raise ConfigError(f'limit: expected a measure of width ({known}), got "{self.measure}"')

    @property
    def factor(self) -> float | None:
        """How many times the measure of the joint's most certain tenth a row's may be; None without a limit."""
        power = MEASURES[self.measure].width_power
        return None if self.limit is None or power is None else self.limit**power


def selection_rule(
    measure: str = SelectionRule.measure, share: float | None = None, limit: float | None = None
) -> SelectionRule:
    """Return the rule that somebody asks for in part: without a share a limit decides alone, or else the paper's does.

    Raises:
        ConfigError: as `SelectionRule`.
    """
    if share is None:
        share = SelectionRule.share if limit is None else 1.0
    return SelectionRule(measure, share, limit)


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
"""Streams all rows of a capture anew at every call."""


@dataclass(frozen=True, eq=False)
class Thresholds:
    """Where the selected rows of every joint end.

    Attributes:
        supported: (J,) number of supported rows.
        selected: (J,) number of selected rows.
        key: (J,) order key of the last row selected; rows with a smaller key are all selected.
        num_ties: (J,) how many of the rows with exactly that key are selected, the earliest first.
    """

    supported: NDArray[np.int64]
    selected: NDArray[np.int64]
    key: NDArray[np.uint64]
    num_ties: NDArray[np.int64]

    @property
    def values(self) -> NDArray[np.float64]:
        """(J,) the measure of the last row selected; NaN where none is."""
        return np.where(self.selected > 0, values_of_keys(self.key), np.nan)


def order_keys(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return uint64 keys that compare as the float64 `values` do; -0.0 and 0.0 get one key.

    Negative numbers have all bits flipped, the others only the sign. NaN gets some key and must be masked.
    """
    bits = np.ascontiguousarray(values + 0.0).view(np.uint64)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def values_of_keys(keys: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return the values that `order_keys` maps onto `keys`."""
    bits = np.where(keys & _SIGN, keys & ~_SIGN, ~keys)
    return bits.view(np.float64)


def find_thresholds(batches: Batches, num_joints: int, share: float, factor: float | None = None) -> Thresholds:
    """Return where each joint's selection ends.

    Selected are `share` of the supported rows, rounded to the nearest row (halves up), but no more than are rankable,
    and with a `factor` (`SelectionRule.factor`) no more than have up to so many times the measure of the joint's most
    certain tenth. Memory depends on the number of joints alone. Several people's joints are joints of their own.
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
    """Return for every joint the key of its row number `rank` (from 1), and how many rows up to there have that key."""
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
    """Return (F, J) bool for each of one batch or more: the rows selected as if all were one capture."""
    thresholds = find_thresholds(lambda: iter(batches), batches[0].values.shape[1], share, factor)
    return list(mark_selected(batches, thresholds))


def _count_digits(batches: Iterator[MeasuredRows], prefix: NDArray[np.uint64], shift: int) -> NDArray[np.int64]:
    """Return (J, 65536) counts of the 16 bits at `shift`, over keys that agree with `prefix` above them."""
    counts = np.zeros((len(prefix), _NUM_DIGITS), np.int64)
    above = shift + _DIGIT_BITS
    for batch in batches:
        keys, considered = order_keys(batch.values), batch.rankable
        if above < 64:
            considered = considered & (keys >> np.uint64(above) == prefix >> np.uint64(above))
        digits = (keys >> np.uint64(shift) & np.uint64(_NUM_DIGITS - 1)).astype(np.int64)
        # In place: the table is large, and few of its pages are ever touched.
        np.add.at(counts, (np.nonzero(considered)[1], digits[considered]), 1)
    return counts


def _digit_of_rank(counts: NDArray[np.int64], rank: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return for every joint the digit of its row number `rank` (from 1), and how many rows have a smaller digit."""
    digit, below = np.zeros(len(rank), np.uint64), np.zeros_like(rank)
    for joint in np.flatnonzero(rank > 0):
        cumulative = np.cumsum(counts[joint])
        place = np.searchsorted(cumulative, rank[joint])
        digit[joint], below[joint] = place, cumulative[place] - counts[joint, place]
    return digit, below
