"""Loops over the pixels of maps, compiled for the processor: bumps drawn where they are seen, peaks near points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poseharvest.compiled import compiled_in_order

_ROUNDED_TO_ZERO = 2.0**-150  # float32


@compiled_in_order
def raise_to_bumps(
    maps: NDArray[np.float32],
    along_y: NDArray[np.float64],
    along_x: NDArray[np.float64],
    heights: NDArray[np.float64],
) -> None:
    """Raise maps (J, H, W) to the products of two bells and a height each, where these are higher.

    Args:
        maps: not negative.
        along_y: (J, H) bells, 0 to 1.
        along_x: (J, W) the same.
        heights: (J,) of the bumps; one that is not finite makes its map NaN.
    """
    for joint in range(maps.shape[0]):
        height = heights[joint]
        if not np.isfinite(height):
            maps[joint] = np.nan
            continue
        top, bottom = _where_seen(along_y[joint], height)
        left, right = _where_seen(along_x[joint], height)
        for y in range(top, bottom):
            for x in range(left, right):
                value = np.float32(along_y[joint, y] * along_x[joint, x] * height)
                maps[joint, y, x] = max(maps[joint, y, x], value)


@compiled_in_order
def _where_seen(bell: NDArray[np.float64], height: float) -> tuple[int, int]:
    """Return the first value of a bell with which a bump is not rounded to zero, and the one after the last."""
    first, last = 0, bell.shape[0]
    while first < last and bell[first] * height <= _ROUNDED_TO_ZERO:
        first += 1
    while last > first and bell[last - 1] * height <= _ROUNDED_TO_ZERO:
        last -= 1
    return first, last


@compiled_in_order
def find_highest(
    maps: NDArray[np.floating],
    largest: NDArray[np.floating],
    places: NDArray[np.int64],
    around: NDArray[np.floating],
) -> None:
    """Put row and column of each map's highest pixel into `places`, and what lies there and beside it into `around`.

    Args:
        maps: (N, H, W). Of pixels that are equally high, the first row counts, and in it the first column.
        largest: (N, H) largest value of each row.
        places: (N, 2).
        around: (N, 5) the values of that pixel and of its neighbours to the left, right, above and below, at the border
            the pixel itself.
    """
    height, width = maps.shape[1:]
    for n in range(maps.shape[0]):
        values, y, x = maps[n], 0, 0
        for row in range(1, height):
            y = row if largest[n, row] > largest[n, y] else y
        while x < width - 1 and values[y, x] < largest[n, y]:
            x += 1
        places[n, 0], places[n, 1] = y, x
        around[n, 0] = values[y, x]
        around[n, 1], around[n, 2] = values[y, max(x - 1, 0)], values[y, min(x + 1, width - 1)]
        around[n, 3], around[n, 4] = values[max(y - 1, 0), x], values[min(y + 1, height - 1), x]


@compiled_in_order
def find_peaks_near(
    maps: NDArray[np.floating],
    reach: float,
    most_climbs: int,
    points: NDArray[np.float64],
    places: NDArray[np.int64],
    around: NDArray[np.floating],
) -> None:
    """Put row and column of the peak near each point into `places`, and what lies there and beside it into `around`.

    The highest of the values that nearness has weighed is where a climb of a few steps begins.

    Args:
        maps: (N, H, W).
        reach: pixels, along each axis.
        most_climbs: steps of a climb.
        points: (N, 2) x, y in pixels of the maps, finite.
        places: (N, 2).
        around: (N, 6) the values of that pixel, of its neighbours to the left, right, above and below (at the border
            the pixel itself), and the largest of it and all its neighbours.
    """
    radius = int(np.ceil(reach))
    for n in range(maps.shape[0]):
        y, x = _best_start(maps[n], points[n, 0], points[n, 1], reach, radius)
        for _ in range(most_climbs):
            y, x = _step_up(maps[n], y, x)
        places[n, 0], places[n, 1] = y, x
        above, below = max(y - 1, 0), min(y + 1, maps.shape[1] - 1)
        left, right = max(x - 1, 0), min(x + 1, maps.shape[2] - 1)
        around[n, 0], around[n, 1], around[n, 2] = maps[n, y, x], maps[n, y, left], maps[n, y, right]
        around[n, 3], around[n, 4] = maps[n, above, x], maps[n, below, x]
        highest_y, highest_x = _step_up(maps[n], y, x)
        around[n, 5] = maps[n, highest_y, highest_x]


@compiled_in_order
def _best_start(values: NDArray[np.floating], x: float, y: float, reach: float, radius: int) -> tuple[int, int]:
    """Return row and column of the largest of the values (H, W) around a point, each weighed by its nearness."""
    height, width = values.shape
    column = int(min(max(np.rint(x), -radius - 1.0), float(width + radius)))
    row = int(min(max(np.rint(y), -radius - 1.0), float(height + radius)))
    best, best_y, best_x = -np.inf, 0, 0
    near_x = np.empty(2 * radius + 1, np.float64)
    for i in range(2 * radius + 1):
        at = column - radius + i
        inside = 0 <= at < width
        near_x[i] = np.exp(-2 * ((at - x) / reach) ** 2) if inside else 0.0
    for k in range(-radius, radius + 1):
        inside = 0 <= row + k < height
        near_y = np.exp(-2 * ((row + k - y) / reach) ** 2) if inside else 0.0
        at_y = min(max(row + k, 0), height - 1)
        for i in range(2 * radius + 1):
            at_x = min(max(column - radius + i, 0), width - 1)
            weighed = values[at_y, at_x] * (near_y * near_x[i])
            if weighed > best:
                best, best_y, best_x = weighed, at_y, at_x
    return best_y, best_x


@compiled_in_order
def _step_up(values: NDArray[np.floating], y: int, x: int) -> tuple[int, int]:
    """Return row and column of the largest value among a pixel and its neighbours, the pixel first."""
    height, width = values.shape
    best, best_y, best_x = values[y, x], y, x
    for k in (0, -1, 1):
        at_y = min(max(y + k, 0), height - 1)
        for i in (0, -1, 1):
            at_x = min(max(x + i, 0), width - 1)
            if values[at_y, at_x] > best:
                best, best_y, best_x = values[at_y, at_x], at_y, at_x
    return best_y, best_x
