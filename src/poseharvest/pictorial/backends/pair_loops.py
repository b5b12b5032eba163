"""Loops over pairs of positions, compiled for the processor; `pair_matrices.TileMessenger` has them as matrix products.

A pair's distance, its weight and its share of the sum never leave the registers. Where very many voxels meet, the same
sums are made column by column (`add_columns`). The voxels that matter lie in runs along an axis. At each target of a
column, the shell joins one or two intervals of a column of sources. The sum over an interval is the difference of two
prefix sums of the column, so that a pair of columns costs little more than a pair of voxels does. Prefix sums are in
double precision: the sum over an interval of small values is not lost beside large ones.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from poseharvest.compiled import compiled

Axes: TypeAlias = tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]
"""x, y and z of N points, (N) each: arrays without gaps, which loops read quickest."""

_LANES = 8  # targets of a column that are summed together
_ACROSS, _DOWN, _FIRST, _LAST = 0, 1, 2, 3  # rows of a table of columns


@compiled
def add_within(  # noqa: PLR0913, PLR0917 - a kernel takes plain arrays
    targets: NDArray[np.floating],
    num_targets: NDArray[np.int64],
    sources: NDArray[np.floating],
    num_sources: NDArray[np.int64],
    values: NDArray[np.floating],
    middle: float,
    half: float,
    most_pairs: int,
    out: NDArray[np.floating],
) -> None:
    """Fill `out` (F, K) with the sums of `values` (F, L) over the sources whose squared distance is within a range.

    Args:
        targets: (3, F, K).
        num_targets: (F,) how many of them count.
        sources: (3, F, L).
        num_sources: (F,) how many of them count.
        values: of the sources.
        middle: of the range of squared distances.
        half: of its width.
        most_pairs: a frame with more of them is summed by columns.
        out: what lies beyond a frame's count is left alone.
    """
    for f in range(values.shape[0]):
        k, n = num_targets[f], num_sources[f]
        aims = targets[0, f, :k], targets[1, f, :k], targets[2, f, :k]
        points = sources[0, f, :n], sources[1, f, :n], sources[2, f, :n]
        value, sums = values[f, :n], out[f, :k]
        if k * n > most_pairs:
            add_columns(aims, points, value, float(middle) - half, float(middle) + half, sums)
        else:
            add_pairs(aims, points, value, middle, half, sums)


@compiled
def add_pairs(
    targets: Axes,
    sources: Axes,
    values: NDArray[np.floating],
    middle: float,
    half: float,
    out: NDArray[np.floating],
) -> None:
    """Fill `out` (K) of one frame's K targets as `add_within` says, pair by pair."""
    zero = values.dtype.type(0)
    x, y, z = sources
    for i in range(out.shape[0]):
        tx, ty, tz = targets[0][i], targets[1][i], targets[2][i]
        total = zero
        for j in range(x.shape[0]):
            off = (x[j] - tx) ** 2 + (y[j] - ty) ** 2 + (z[j] - tz) ** 2 - middle
            total += values[j] if abs(off) <= half else zero
        out[i] = total


@compiled
def add_by_distance(  # noqa: PLR0913, PLR0917 - a kernel takes plain arrays
    targets: NDArray[np.floating],
    num_targets: NDArray[np.int64],
    sources: NDArray[np.floating],
    num_sources: NDArray[np.int64],
    values: NDArray[np.floating],
    length: float,
    reach: float,
    top: float,
    out: NDArray[np.floating],
) -> None:
    """Fill `out` (F, K) with sums weighed by ``clamp(reach - |distance - length|, 0, top)``; else `add_within`."""
    for f in range(values.shape[0]):
        k, n = num_targets[f], num_sources[f]
        aims = targets[0, f, :k], targets[1, f, :k], targets[2, f, :k]
        points = sources[0, f, :n], sources[1, f, :n], sources[2, f, :n]
        add_pairs_by_distance(aims, points, values[f, :n], length, reach, top, out[f, :k])


@compiled
def add_pairs_by_distance(  # noqa: PLR0913, PLR0917 - a kernel takes plain arrays
    targets: Axes,
    sources: Axes,
    values: NDArray[np.floating],
    length: float,
    reach: float,
    top: float,
    out: NDArray[np.floating],
) -> None:
    """Fill `out` (K) of one frame's K targets as `add_by_distance` says."""
    zero = values.dtype.type(0)
    x, y, z = sources
    for i in range(out.shape[0]):
        tx, ty, tz = targets[0][i], targets[1][i], targets[2][i]
        total = zero
        for j in range(x.shape[0]):
            distance = np.sqrt((x[j] - tx) ** 2 + (y[j] - ty) ** 2 + (z[j] - tz) ** 2)
            total += values[j] * min(max(reach - abs(distance - length), zero), top)
        out[i] = total


@compiled
def fill_values(
    logs: NDArray[np.floating],
    counts: NDArray[np.int64],
    values: NDArray[np.floating],
    log_scale: NDArray[np.floating],
) -> None:
    """Fill `values` (F, K) from their logs, scaled to a maximum of 1 a frame; `log_scale` (F,) gets the scales' logs.

    A frame whose values are all zero gets zeros and the log of zero. What lies beyond a frame's count is left alone.
    """
    nothing = logs.dtype.type(-np.inf)
    for f in range(logs.shape[0]):
        peak = nothing
        for i in range(counts[f]):
            peak = max(peak, logs[f, i])
        log_scale[f] = peak
        if peak > nothing:
            for i in range(counts[f]):
                values[f, i] = np.exp(logs[f, i] - peak)


@compiled
def fill_logs(values: NDArray[np.floating], counts: NDArray[np.int64], log_scale: NDArray[np.floating]) -> None:
    """Replace `values` (F, K) by their logs, scaled to a maximum of 1 a frame, and add the scales' to `log_scale`.

    What lies beyond a frame's count becomes the log of zero.
    """
    zero, one = values.dtype.type(0), values.dtype.type(1)
    for f in range(values.shape[0]):
        top = zero
        for i in range(counts[f]):
            top = max(top, values[f, i])
        log_scale[f] += np.log(top)
        factor = one / top if top > zero else one
        for i in range(values.shape[1]):
            values[f, i] = np.log(values[f, i] * factor) if i < counts[f] else np.log(zero)


@compiled
def add_columns(
    targets: Axes,
    sources: Axes,
    values: NDArray[np.floating],
    least: float,
    most: float,
    out: NDArray[np.floating],
) -> None:
    """Fill `out` (K) with the sums of `values` (L) over the sources whose squared distance is in a range.

    Args:
        targets: K whole positions, one or more.
        sources: L whole positions, one or more.
        values: of the sources, 0 or more.
        least: the least squared distance, a whole number.
        most: the largest squared distance, a whole number.
        out: of the targets.
    """
    axis = _longest_axis(targets, sources)
    across, down = (axis + 1) % 3, (axis + 2) % 3
    number, aims = _columns(targets[axis], targets[across], targets[down])
    number_of_source, columns = _columns(sources[axis], sources[across], sources[down])
    low, high = aims[_FIRST].min(), aims[_LAST].max()
    reach = min(int(np.sqrt(most)), max(high - columns[_FIRST].min(), columns[_LAST].max() - low))
    base = low - reach - 1
    prefix = _prefix_sums(sources[axis], number_of_source, values, base, (columns.shape[1], high + reach - base + 1))
    intervals = _intervals(least, min(most, _farthest_squared(aims, columns)), most, reach)
    sums = np.zeros((aims.shape[1], high - low + 1 + _LANES), np.float64)
    spans = np.empty((columns.shape[1], 4), np.int64)
    for column in range(aims.shape[1]):
        first, last = aims[_FIRST, column], aims[_LAST, column]
        for start in range(first, last + 1, _LANES):
            run = start, min(last, start + _LANES - 1)
            num_spans = _fill_spans(aims[:, column], run, columns, intervals, (prefix.shape[1], base), spans)
            _add_spans(prefix.ravel(), spans[:num_spans], sums[column, start - first :])
    along = targets[axis]
    for i in range(along.shape[0]):
        out[i] = max(sums[number[i], int(along[i]) - aims[_FIRST, number[i]]], 0.0)


@compiled
def _longest_axis(targets: Axes, sources: Axes) -> int:
    """Return the axis along which both are longest together: it has the fewest columns."""
    longest, axis = -1.0, 0
    for k in range(3):
        length = float(targets[k].max() - targets[k].min()) + float(sources[k].max() - sources[k].min())
        if length > longest:
            longest, axis = length, k
    return axis


@compiled
def _columns(
    along: NDArray[np.floating], across: NDArray[np.floating], down: NDArray[np.floating]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the number of each point's column (N), and for C columns a table (4, C) of `_ACROSS` to `_LAST`."""
    left, top = int(across.min()), int(down.min())
    height = int(down.max()) - top + 1
    column_at = np.full((int(across.max()) - left + 1) * height, -1, np.int64)
    number, table, count = np.empty(along.shape[0], np.int64), np.empty((4, along.shape[0]), np.int64), 0
    for i in range(along.shape[0]):
        place, position = (int(across[i]) - left) * height + int(down[i]) - top, int(along[i])
        if column_at[place] < 0:
            column_at[place] = count
            table[_ACROSS, count], table[_DOWN, count] = int(across[i]), int(down[i])
            table[_FIRST, count], table[_LAST, count] = position, position
            count += 1
        c = column_at[place]
        table[_FIRST, c], table[_LAST, c] = min(table[_FIRST, c], position), max(table[_LAST, c], position)
        number[i] = c
    return number, table[:, :count]


@compiled
def _prefix_sums(
    along: NDArray[np.floating],
    number: NDArray[np.int64],
    values: NDArray[np.floating],
    base: int,
    shape: tuple[int, int],
) -> NDArray[np.float64]:
    """Return (C, W + _LANES) sums of a column's values at `base` to `base` + k; what lies beyond W is left out."""
    prefix = np.zeros((shape[0], shape[1] + _LANES), np.float64)
    for i in range(along.shape[0]):
        k = int(along[i]) - base
        if 0 <= k < shape[1]:
            prefix[number[i], k] += values[i]
    for c in range(shape[0]):
        row = prefix[c]
        for k in range(1, row.shape[0]):
            row[k] += row[k - 1]
    return prefix


@compiled
def _farthest_squared(aims: NDArray[np.int64], columns: NDArray[np.int64]) -> float:
    """Return a squared distance across the columns that none of them exceeds."""
    total = 0.0
    for k in (_ACROSS, _DOWN):
        far = max(aims[k].max() - columns[k].min(), columns[k].max() - aims[k].min())
        total += float(far) ** 2
    return total


@compiled
def _intervals(least: float, farthest: float, most: float, reach: int) -> NDArray[np.int64]:
    """Return (2, D) the least and the largest offset along a column by the squared distance across, 0 to D - 1."""
    table = np.empty((2, int(farthest) + 1), np.int64)
    for square in range(table.shape[1]):
        table[0, square] = int(np.ceil(np.sqrt(max(least - square, 0.0))))
        table[1, square] = min(int(np.sqrt(most - square)), reach)
    return table


@compiled
def _fill_spans(
    aim: NDArray[np.int64],
    run: tuple[int, int],
    columns: NDArray[np.int64],
    intervals: NDArray[np.int64],
    layout: tuple[int, int],
    spans: NDArray[np.int64],
) -> int:
    """Fill `spans` (C, 4) with the ends of the intervals that a run of targets sums over, and return their number.

    Args:
        aim: (4,) the column of the targets.
        run: their first and last position.
        columns: (4, C) of the sources.
        intervals: of `_intervals`.
        layout: numbers in a row of the prefix sums, and the position of the first of them.
        spans: upper and lower end of one interval, then of the other, as places in the flat prefix sums at the first
            target; the second interval is empty where both are one.
    """
    lowest, largest, num_spans = intervals[0], intervals[1], 0
    across, down, first, last = columns[_ACROSS], columns[_DOWN], columns[_FIRST], columns[_LAST]
    for c in range(across.shape[0]):
        square = (across[c] - aim[_ACROSS]) ** 2 + (down[c] - aim[_DOWN]) ** 2
        if square < lowest.shape[0]:
            near, far = lowest[square], largest[square]
            if near <= far and first[c] <= run[1] + far and last[c] >= run[0] - far:
                place = c * layout[0] + run[0] - layout[1]
                spans[num_spans, 0], spans[num_spans, 3] = place + far, place - far - 1
                spans[num_spans, 1] = place + near - 1 if near > 0 else place
                spans[num_spans, 2] = place - near
                num_spans += 1
    return num_spans


@compiled
def _add_spans(prefix: NDArray[np.float64], spans: NDArray[np.int64], out: NDArray[np.float64]) -> None:
    """Fill the first `_LANES` of `out` with the sums over all spans: by name, so that they stay in the registers."""
    a = b = c = d = e = f = g = h = 0.0
    for i in range(spans.shape[0]):
        p, q, u, v = prefix[spans[i, 0] :], prefix[spans[i, 1] :], prefix[spans[i, 2] :], prefix[spans[i, 3] :]
        a += (p[0] - q[0]) + (u[0] - v[0])
        b += (p[1] - q[1]) + (u[1] - v[1])
        c += (p[2] - q[2]) + (u[2] - v[2])
        d += (p[3] - q[3]) + (u[3] - v[3])
        e += (p[4] - q[4]) + (u[4] - v[4])
        f += (p[5] - q[5]) + (u[5] - v[5])
        g += (p[6] - q[6]) + (u[6] - v[6])
        h += (p[7] - q[7]) + (u[7] - v[7])
    out[0], out[1], out[2], out[3], out[4], out[5], out[6], out[7] = a, b, c, d, e, f, g, h
