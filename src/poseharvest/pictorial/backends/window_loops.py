"""Means of heatmaps' powers over windows, compiled for the processor; `TensorBackend` has them as tensor operations.

A heatmap is zero nearly everywhere, so only the rectangle that holds its blobs is worked on. A window's sum is that of
the end of one run of pixels and the beginning of the next: nothing is taken off a sum again, which would drown small
values beside large ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poseharvest.compiled import compiled


@compiled
def add_window_means(
    maps: NDArray[np.floating],
    floors: NDArray[np.floating],
    powers: NDArray[np.int64],
    radius: int,
    out: NDArray[np.floating],
) -> None:
    """Fill `out` as `Backend.average_powers` says.

    Args:
        maps: (F, V, J, H, W).
        floors: (F, J).
        powers: (F, J) 1, 2 or 4.
        radius: of the windows.
        out: (F, V, J, H + 2 M, W + 2 M) zeros, for a margin M of `radius` + 1.
    """
    num_views, num_joints = maps.shape[1:3]
    span = 2 * radius + 1
    scale = maps.dtype.type(1) / maps.dtype.type(span * span)
    for number in range(maps.shape[0] * num_views * num_joints):
        frame, view, joint = (
            number // (num_views * num_joints),
            number // num_joints % num_views,
            number % num_joints,
        )
        values = maps[frame, view, joint]
        # What is smaller is lost in the sum with the floor.
        least = floors[frame, joint] * values.dtype.type(0.5 * np.finfo(values.dtype).eps)
        top, bottom, left, right = bounds_of_positive(values, least)
        if bottom <= top:
            continue
        sums = np.zeros((bottom - top + 4 * radius, right - left + 4 * radius), values.dtype)
        inner = sums[2 * radius : 2 * radius + bottom - top]
        _raise(values[top:bottom, left:right], floors[frame, joint], powers[frame, joint], inner[:, 2 * radius :])
        _sum_along_rows(inner, span)
        _sum_along_columns(sums, span)
        means = out[frame, view, joint]
        for y in range(bottom - top + 2 * radius):
            for x in range(right - left + 2 * radius):
                means[top + 1 + y, left + 1 + x] = sums[y, x] * scale


@compiled
def bounds_of_positive(values: NDArray[np.floating], least: float | np.floating) -> tuple[int, int, int, int]:
    """Return the first row, the row after the last, and the same columns of all values (H, W) above `least`."""
    height, width = values.shape
    top, bottom, left, right = height, 0, width, 0
    for y in range(height):
        first, last = _ends_of_positive(values[y], least, left, right)
        if first < last:
            top, bottom, left, right = min(top, y), y + 1, min(left, first), max(right, last)
    return top, bottom, left, right


@compiled
def _ends_of_positive(row: NDArray[np.floating], least: float | np.floating, left: int, right: int) -> tuple[int, int]:
    """Return where a row's values above `least` begin and end, at least `left` to `right`; 0, 0 if there are none."""
    is_any = False
    for x in range(row.shape[0]):
        is_any |= row[x] > least
    if not is_any:
        return 0, 0
    first, last = 0, row.shape[0]
    while first < left and row[first] <= least:
        first += 1
    while last > right and row[last - 1] <= least:
        last -= 1
    return first, last


@compiled
def _raise(values: NDArray[np.floating], floor: float, power: int, out: NDArray[np.floating]) -> None:
    """Put (value + floor)^power - floor^power of all that is above zero into `out`, of zeros and at least as large."""
    zero, base = values.dtype.type(0), _power(floor, power)
    for y in range(values.shape[0]):
        for x in range(values.shape[1]):
            raised = _power(values[y, x] + floor, power) - base
            out[y, x] = raised if values[y, x] > zero else zero  # rounding makes no zero larger


@compiled
def _power(value: float, power: int) -> float:
    """Return a value to the power 1, 2 or 4."""
    square = value * value
    if power == 1:
        return value
    return square if power == 2 else square * square


@compiled
def _sum_along_rows(values: NDArray[np.floating], span: int) -> None:
    """Put the sum of `span` values from each one on in its place; the last `span` - 1 of each row mean nothing."""
    width = values.shape[1]
    before = np.empty(width, values.dtype)
    for y in range(values.shape[0]):
        row = values[y]
        for x in range(width):
            before[x] = row[x] if x % span == 0 else before[x - 1] + row[x]
        for x in range(width - 2, -1, -1):
            if (x + 1) % span:
                row[x] += row[x + 1]
        for x in range(width - span + 1):
            if x % span:
                row[x] += before[x + span - 1]


@compiled
def _sum_along_columns(values: NDArray[np.floating], span: int) -> None:
    """Put the sum of `span` values from each one down in its place; the last `span` - 1 rows mean nothing."""
    height, before = values.shape[0], values.copy()
    for y in range(1, height):
        if y % span:
            _add(before[y], before[y - 1])
    for y in range(height - 2, -1, -1):
        if (y + 1) % span:
            _add(values[y], values[y + 1])
    for y in range(height - span + 1):
        if y % span:
            _add(values[y], before[y + span - 1])


@compiled
def _add(row: NDArray[np.floating], other: NDArray[np.floating]) -> None:
    """Add a row to another; numba takes twenty times as long to compile it as an operation on arrays."""
    for x in range(row.shape[0]):
        row[x] += other[x]
