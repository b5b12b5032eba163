"""Loops over what the views show, compiled for the processor; `TensorBackend` has them as tensor operations.

First the views' evidence at blocks of voxels, through the lenses; then the means of heatmaps' powers over windows, from
which it is taken for blocks larger than a voxel. A heatmap is zero nearly everywhere, so only the rectangle that holds
its blobs is worked on. A window's sum is that of the end of one run of pixels and the beginning of the next: nothing is
taken off a sum again, which would drown small values beside large ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poseharvest.compiled import compiled

_BLOCKS_AT_ONCE = 64  # they and what is known of them stay in the nearest cache
_FAR = 1e6  # normalised: outside of every picture


@compiled
def multiply_evidence(  # noqa: PLR0913, PLR0917 - a loop takes plain arrays
    maps: NDArray[np.floating],
    floors: NDArray[np.floating],
    is_shown: NDArray[np.bool_],
    rows: NDArray[np.floating],
    fisheye: NDArray[np.bool_],
    corner: NDArray[np.floating],
    counts: NDArray[np.int64],
    step: float,
    out: NDArray[np.floating],
) -> None:
    """Multiply `out` (N, 8) by ``max(shown, 0) + floor`` of every view that shows the joint.

    It is what the views show at the middles of the halves of N blocks.

    Args:
        maps: (F, V, J, H, W) with a margin of one pixel or more.
        floors: (F, J) added.
        is_shown: (F, V, J) of `views.ShownMaps`.
        rows: (F, V, 28) of `views.ViewRows.in_margin`.
        fisheye: (F, V) of the same.
        corner: (3, N) of the blocks, in units of their edge, ordered by joint and frame.
        counts: (J * F,) number of blocks of each joint and frame.
        step: edge of a half, mm.
        out: of each block's halves, z fastest.
    """
    num_frames, start = maps.shape[0], 0
    for segment in range(counts.shape[0]):
        frame, joint = segment % num_frames, segment // num_frames
        end = start + counts[segment]
        for first in range(start, end, _BLOCKS_AT_ONCE):
            last = min(first + _BLOCKS_AT_ONCE, end)
            points, factors = _middles(corner[:, first:last], step), out[first:last].ravel()
            for view in np.nonzero(is_shown[frame, :, joint])[0]:
                values, row = maps[frame, view, joint], rows[frame, view]
                _multiply_view(values, row, fisheye[frame, view], points, floors[frame, joint], factors)
        start = end


@compiled
def multiply_evidence_everywhere(  # noqa: PLR0913, PLR0917 - a loop takes plain arrays
    maps: NDArray[np.floating],
    floors: NDArray[np.floating],
    is_shown: NDArray[np.bool_],
    rows: NDArray[np.floating],
    fisheye: NDArray[np.bool_],
    corner: NDArray[np.floating],
    step: float,
    out: NDArray[np.floating],
) -> None:
    """Multiply `out` (F, 8 N, J) as `multiply_evidence` does, where all joints and frames have the same N blocks.

    The views look at a point once for all joints. `corner` is (3, N), the other arguments are as there.
    """
    num_frames, num_views, _, height, width = maps.shape
    for number in range(num_frames * num_views):
        frame, view = number // num_views, number % num_views
        values = _joints_last(maps[frame, view])
        for start in range(0, corner.shape[1], _BLOCKS_AT_ONCE):
            stop = min(start + _BLOCKS_AT_ONCE, corner.shape[1])
            places = _seen_at(rows[frame, view], fisheye[frame, view], _middles(corner[:, start:stop], step))
            first = _pixels(rows[frame, view], (height, width), places[0], places[1])
            factors = out[frame, 8 * start : 8 * stop]
            _multiply_joints(values, width, first, places, floors[frame], is_shown[frame, view], factors)


@compiled
def _multiply_view(
    values: NDArray[np.floating],
    row: NDArray[np.floating],
    is_fisheye: bool,
    points: NDArray[np.floating],
    floor: float,
    out: NDArray[np.floating],
) -> None:
    """Multiply `out` (N) by what a view's map (H, W) shows at points (3, N)."""
    places = _seen_at(row, is_fisheye, points)
    first = _pixels(row, values.shape, places[0], places[1])
    _multiply(values, first, places, floor, out)


@compiled
def _middles(corner: NDArray[np.floating], step: float) -> NDArray[np.floating]:
    """Return (3, 8 N) the middles of the halves of blocks at `corner` (3, N), mm."""
    points = np.empty((3, 8 * corner.shape[1]), corner.dtype)
    x, y, z = points[0], points[1], points[2]
    half, one = x.dtype.type(0.5), x.dtype.type(1)
    for n in range(corner.shape[1]):
        a, b, c = corner[0, n] + corner[0, n], corner[1, n] + corner[1, n], corner[2, n] + corner[2, n]
        for k in range(8):
            x[8 * n + k] = (a + half if k < 4 else a + half + one) * step
            y[8 * n + k] = (b + half if k & 2 == 0 else b + half + one) * step
            z[8 * n + k] = (c + half if k & 1 == 0 else c + half + one) * step
    return points


@compiled
def _seen_at(row: NDArray[np.floating], is_fisheye: bool, points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return (2, N) where a view's lens shows points (3, N): normalised, far outside for what it does not show."""
    places = _normalised(row, points)
    if is_fisheye:
        _bend_fisheye(row, places[0], places[1])
    else:
        _bend(row, places[0], places[1])
    return places


@compiled
def _normalised(row: NDArray[np.floating], points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return (2, N) x / z and y / z in the camera's frame; far outside for what is not in front of it."""
    places = np.empty((2, points.shape[1]), points.dtype)
    x, y, z, a, b = points[0], points[1], points[2], places[0], places[1]
    xx, xy, xz, tx, yx, yy, yz, ty, zx, zy, zz, tz = row[:12]
    least, one, far = row[27], row.dtype.type(1), row.dtype.type(_FAR)
    for i in range(x.shape[0]):
        depth = zx * x[i] + zy * y[i] + zz * z[i] + tz
        scale = one / max(depth, least)
        across = (xx * x[i] + xy * y[i] + xz * z[i] + tx) * scale
        down = (yx * x[i] + yy * y[i] + yz * z[i] + ty) * scale
        a[i] = across if depth > least else far
        b[i] = down if depth > least else far
    return places


@compiled
def _bend(row: NDArray[np.floating], a: NDArray[np.floating], b: NDArray[np.floating]) -> None:
    """Put normalised points where a lens after Brown and Conrady shows them; far outside beyond its range."""
    k1, k2, p1, p2, k3, k4, k5, k6, most = row[18:27]
    one, far = row.dtype.type(1), row.dtype.type(_FAR)
    for i in range(a.shape[0]):
        r2 = a[i] * a[i] + b[i] * b[i]
        inside = r2 < most
        r2 = min(r2, most)
        radial = (one + r2 * (k1 + r2 * (k2 + r2 * k3))) / (one + r2 * (k4 + r2 * (k5 + r2 * k6)))
        factor = radial + p1 * b[i] + p2 * a[i] + p1 * b[i] + p2 * a[i]
        across, down = a[i] * factor + p2 * r2, b[i] * factor + p1 * r2
        a[i] = across if inside else far
        b[i] = down if inside else far


@compiled
def _bend_fisheye(row: NDArray[np.floating], a: NDArray[np.floating], b: NDArray[np.floating]) -> None:
    """Put normalised points where a fisheye after Kannala and Brandt shows them; far outside beyond its range."""
    k1, k2, k3, k4, most = row[18], row[19], row[20], row[21], row[26]
    one, far, tiny = row.dtype.type(1), row.dtype.type(_FAR), row.dtype.type(1e-12)
    for i in range(a.shape[0]):
        r2 = a[i] * a[i] + b[i] * b[i]
        radius = max(np.sqrt(r2), tiny)
        angle = np.arctan(radius)
        t2 = angle * angle
        factor = angle * (one + t2 * (k1 + t2 * (k2 + t2 * (k3 + t2 * k4)))) / radius
        a[i] = a[i] * factor if r2 < most else far
        b[i] = b[i] * factor if r2 < most else far


@compiled
def _pixels(
    row: NDArray[np.floating], size: tuple[int, int], a: NDArray[np.floating], b: NDArray[np.floating]
) -> NDArray[np.int32]:
    """Return the pixel at the upper left of each point, and put the shares beyond it in place of a and b.

    A point further out than the border is moved onto it.
    """
    first = np.empty(a.shape[0], np.int32)
    xa, xb, cx, ya, yb, cy = row[12:18]
    zero, one = row.dtype.type(0), row.dtype.type(1)
    width, right, bottom = row.dtype.type(size[1]), row.dtype.type(size[1] - 1), row.dtype.type(size[0] - 1)
    for i in range(a.shape[0]):
        x = min(max(xa * a[i] + xb * b[i] + cx, zero), right)
        y = min(max(ya * a[i] + yb * b[i] + cy, zero), bottom)
        left, top = min(np.floor(x), right - one), min(np.floor(y), bottom - one)
        first[i] = np.int32(top * width + left)
        a[i] = x - left
        b[i] = y - top
    return first


@compiled
def _multiply(
    values: NDArray[np.floating],
    first: NDArray[np.int32],
    beyond: NDArray[np.floating],
    floor: float,
    out: NDArray[np.floating],
) -> None:
    """Multiply `out` (N) by max(shown, 0) + floor, bilinear between four pixels of a map (H, W)."""
    width, pixels, right, below = values.shape[1], values.ravel(), beyond[0], beyond[1]
    zero = pixels.dtype.type(0)
    for n in range(first.shape[0]):
        i = first[n]
        above = pixels[i] + right[n] * (pixels[i + 1] - pixels[i])
        under = pixels[i + width] + right[n] * (pixels[i + width + 1] - pixels[i + width])
        out[n] *= max(above + below[n] * (under - above), zero) + floor


@compiled
def _joints_last(maps: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the maps (J, H, W) of a view as (H * W, J): what all joints show at a pixel lies side by side."""
    num_joints, height, width = maps.shape
    values = np.zeros((height * width, num_joints), maps.dtype)
    for joint in range(num_joints):
        top, bottom, left, right = bounds_of_positive(maps[joint], maps.dtype.type(0))
        for y in range(top, bottom):
            for x in range(left, right):
                values[y * width + x, joint] = maps[joint, y, x]
    return values


@compiled
def _multiply_joints(  # noqa: PLR0913, PLR0917 - a loop takes plain arrays
    values: NDArray[np.floating],
    width: int,
    first: NDArray[np.int32],
    beyond: NDArray[np.floating],
    floors: NDArray[np.floating],
    is_shown: NDArray[np.bool_],
    out: NDArray[np.floating],
) -> None:
    """Multiply `out` (N, J) by max(shown, 0) + floor of the joints that are shown; `values` is (H * W, J)."""
    one, zero = values.dtype.type(1), values.dtype.type(0)
    for n in range(first.shape[0]):
        i, right, below = first[n], beyond[0, n], beyond[1, n]
        above, under = values[i], values[i + width]
        above_right, under_right = values[i + 1], values[i + width + 1]
        weights = (one - right) * (one - below), right * (one - below), (one - right) * below, right * below
        for joint in range(values.shape[1]):
            shown = weights[0] * above[joint] + weights[1] * above_right[joint]
            shown += weights[2] * under[joint] + weights[3] * under_right[joint]
            out[n, joint] *= max(shown, zero) + floors[joint] if is_shown[joint] else one


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
