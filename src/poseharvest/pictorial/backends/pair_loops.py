"""Loops over pairs of positions, compiled for the processor; `pair_matrices.TileMessenger` has them as matrix products.

A pair's distance, its weight and its share of the sum never leave the registers. Where very many voxels meet,
`column_loops` does the same sums by columns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poseharvest.compiled import compiled
from poseharvest.pictorial.backends.column_loops import Axes, add_columns


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
