"""Loops over the blocks of all joints and frames in one flat list, compiled for the processor.

First the whole sum-product between them. `sum_product.sum_product` is the same over a `Messenger`; here no row is
padded, and no tensor operation comes between two messages. Then what is made of the shares of the marginals: which
blocks are worth keeping, and the moments. `TensorBackend` has all of it as tensor operations.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poseharvest.compiled import compiled
from poseharvest.pictorial.backends.pair_loops import add_columns, add_pairs, add_pairs_by_distance
from poseharvest.pictorial.rule import Rule

Floats = NDArray[np.floating]
Ints = NDArray[np.int64]


@compiled
def fill_beliefs(
    corner: Floats,
    log_unary: Floats,
    starts: Ints,
    edges: Ints,
    shells: tuple[Floats, bool, int],
    out: tuple[Floats, Floats],
) -> None:
    """Fill the beliefs (N) of all joints and frames, each with a sum of 1, and the log-partitions (F) of the frames.

    Args:
        corner: (3, N) whole numbers, in the order of (joint, frame).
        log_unary: (N,) -inf where impossible.
        starts: (J * F + 1,) where each joint and frame begins, and the end.
        edges: (E, 2) parent and child, every edge after the one above it.
        shells: (E, 3) numbers of each edge; whether they are middle and half width of a `Shell` and nothing, else
            length, reach and top of a `BlockShell`; pairs beyond which a `Shell` sums by columns.
        out: beliefs and log-partitions; zeros and -inf for a frame whose model is impossible.
    """
    num_joints = edges.shape[0] + 1
    num_frames = (starts.shape[0] - 1) // num_joints
    ups = np.empty(edges.shape[0] + 1, np.int64)  # where the messages of each edge to its parent begin
    for f in range(num_frames):
        ups[0] = 0
        for e in range(edges.shape[0]):
            first = edges[e, 0] * num_frames + f
            ups[e + 1] = ups[e] + starts[first + 1] - starts[first]
        up = np.empty(ups[-1], log_unary.dtype)
        log_scale = _send_up(corner, log_unary, (starts, num_frames, f), edges, shells, (ups, up))
        down = _send_down(corner, log_unary, (starts, num_frames, f), edges, shells, (ups, up))
        _fill_shares(log_unary, (starts, num_frames, f), edges, (ups, up, down), out)
        out[1][f] += log_scale


@compiled
def _slice_of(place: tuple[Ints, int, int], joint: int) -> tuple[int, int]:
    """Return where a joint's positions begin and end in the frame of `place`: starts, number of frames, frame."""
    segment = joint * place[1] + place[2]
    return place[0][segment], place[0][segment + 1]


@compiled
def _belief(
    log_unary: Floats, place: tuple[Ints, int, int], edges: Ints, messages: tuple[Ints, Floats], joint: int, but: int
) -> Floats:
    """Return what a joint's unary and the messages from all its children but that of edge `but` say (K)."""
    first, last = _slice_of(place, joint)
    belief = log_unary[first:last].copy()
    for e in range(edges.shape[0]):
        if edges[e, 0] == joint and e != but:
            start = messages[0][e]
            for i in range(belief.shape[0]):
                belief[i] += messages[1][start + i]
    return belief


@compiled
def _send_up(
    corner: Floats,
    log_unary: Floats,
    place: tuple[Ints, int, int],
    edges: Ints,
    shells: tuple[Floats, bool, int],
    messages: tuple[Ints, Floats],
) -> float:
    """Fill the messages from the leaves to the root, and return the log of their scales."""
    total = 0.0
    for e in range(edges.shape[0] - 1, -1, -1):
        belief = _belief(log_unary, place, edges, messages, edges[e, 1], -1)
        source, target = _slice_of(place, edges[e, 1]), _slice_of(place, edges[e, 0])
        sums = messages[1][messages[0][e] : messages[0][e + 1]]
        total += _send(corner, belief, source, target, (shells[0][e], shells[1], shells[2]), sums)
    return total


@compiled
def _send_down(
    corner: Floats,
    log_unary: Floats,
    place: tuple[Ints, int, int],
    edges: Ints,
    shells: tuple[Floats, bool, int],
    messages: tuple[Ints, Floats],
) -> Floats:
    """Return (N,) the messages from the root to the leaves, at the positions of the child; 0 for the root."""
    down = np.zeros(log_unary.shape[0], log_unary.dtype)
    for e in range(edges.shape[0]):
        source, target = _slice_of(place, edges[e, 0]), _slice_of(place, edges[e, 1])
        belief = _belief(log_unary, place, edges, messages, edges[e, 0], e)
        for i in range(belief.shape[0]):
            belief[i] += down[source[0] + i]
        sums = down[target[0] : target[1]]
        _send(corner, belief, source, target, (shells[0][e], shells[1], shells[2]), sums)
    return down


@compiled
def _send(
    corner: Floats,
    log_values: Floats,
    source: tuple[int, int],
    target: tuple[int, int],
    shell: tuple[Floats, bool, int],
    out: Floats,
) -> float:
    """Fill `out` (K) with the logs of the sums of values at the source's positions, at most 0, and return the scale.

    `log_values` (L) are used up.
    """
    nothing, zero = log_values.dtype.type(-np.inf), log_values.dtype.type(0)
    peak = nothing
    for i in range(log_values.shape[0]):
        peak = max(peak, log_values[i])
    for i in range(log_values.shape[0]):
        log_values[i] = np.exp(log_values[i] - peak) if peak > nothing else zero
    a, b, c, d = target[0], target[1], source[0], source[1]
    targets = corner[0, a:b], corner[1, a:b], corner[2, a:b]
    sources = corner[0, c:d], corner[1, c:d], corner[2, c:d]
    numbers = shell[0]
    if not shell[1]:
        add_pairs_by_distance(targets, sources, log_values, numbers[0], numbers[1], numbers[2], out)
    elif (b - a) * (d - c) > shell[2]:
        middle, half = float(numbers[0]), float(numbers[1])
        add_columns(targets, sources, log_values, middle - half, middle + half, out)
    else:
        add_pairs(targets, sources, log_values, numbers[0], numbers[1], out)
    top = zero
    for i in range(out.shape[0]):
        top = max(top, out[i])
    factor = log_values.dtype.type(1) / top if top > zero else log_values.dtype.type(1)
    for i in range(out.shape[0]):
        out[i] = np.log(out[i] * factor)
    return float(peak) + float(np.log(top))


@compiled
def _fill_shares(
    log_unary: Floats,
    place: tuple[Ints, int, int],
    edges: Ints,
    messages: tuple[Ints, Floats, Floats],
    out: tuple[Floats, Floats],
) -> None:
    """Fill the beliefs of all joints in a frame, and the log of the root's sum."""
    nothing, zero = log_unary.dtype.type(-np.inf), log_unary.dtype.type(0)
    root = edges[0, 0] if edges.shape[0] > 0 else 0
    for joint in range(edges.shape[0] + 1):
        first = _slice_of(place, joint)[0]
        belief = _belief(log_unary, place, edges, (messages[0], messages[1]), joint, -1)
        top = nothing
        for i in range(belief.shape[0]):
            belief[i] += messages[2][first + i]
            top = max(top, belief[i])
        total = zero
        for i in range(belief.shape[0]):
            belief[i] = np.exp(belief[i] - top) if top > nothing else zero
            total += belief[i]
        by = log_unary.dtype.type(1) / total if total > zero else log_unary.dtype.type(1)
        for i in range(belief.shape[0]):
            out[0][first + i] = belief[i] * by
        if joint == root:
            out[1][place[2]] = float(top) + np.log(float(total))


@compiled
def mark_worthy(
    share: NDArray[np.float32],
    corner: NDArray[np.floating],
    counts: NDArray[np.int64],
    rule: Rule,
    keep: NDArray[np.bool_],
) -> None:
    """Fill `keep` (N) as `rule` says, for shares (N) of blocks at `corner` (3, N), in runs of `counts`."""
    worth = np.empty(share.shape[0], np.float32)
    bins = worth.view(np.int32)
    start = 0
    for segment in range(counts.shape[0]):
        stop = start + counts[segment]
        x, y, z, part = corner[0, start:stop], corner[1, start:stop], corner[2, start:stop], share[start:stop]
        variance = _weigh_by_distance(x, y, z, part, rule.spread_in_block / 3, worth[start:stop])
        most = rule.budget * min(rule.wide**2 / variance, 1)
        threshold = _threshold(worth[start:stop], most, rule.always_kept, rule.bin_shift)
        for i in range(start, stop):
            keep[i] = bins[i] >> rule.bin_shift >= threshold
        start = stop


@compiled
def _weigh_by_distance(
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    z: NDArray[np.floating],
    share: NDArray[np.float32],
    spread: float,
    worth: NDArray[np.float32],
) -> float:
    """Fill `worth` (N) with shares times 1 + a third of the squared Mahalanobis distance; return the trace of Sigma.

    Sigma is the shares' covariance and, along each axis, the variance `spread` within a block.
    """
    mean_x = mean_y = mean_z = np.float32(0)
    for i in range(share.shape[0]):
        mean_x += share[i] * x[i]
        mean_y += share[i] * y[i]
        mean_z += share[i] * z[i]
    xx = xy = xz = yy = yz = zz = np.float32(0)
    for i in range(share.shape[0]):
        dx, dy, dz = x[i] - mean_x, y[i] - mean_y, z[i] - mean_z
        wx, wy, wz = share[i] * dx, share[i] * dy, share[i] * dz
        xx, xy, xz = xx + wx * dx, xy + wx * dy, xz + wx * dz
        yy, yz, zz = yy + wy * dy, yz + wy * dz, zz + wz * dz
    by = _inverse(float(xx) + spread, float(xy), float(xz), float(yy) + spread, float(yz), float(zz) + spread)
    one, third, two = np.float32(1), np.float32(1 / 3), np.float32(2)
    a, b, c = np.float32(by[0]) * third, np.float32(by[1]) * two * third, np.float32(by[2]) * two * third
    d, e, f = np.float32(by[3]) * third, np.float32(by[4]) * two * third, np.float32(by[5]) * third
    for i in range(share.shape[0]):
        dx, dy, dz = x[i] - mean_x, y[i] - mean_y, z[i] - mean_z
        worth[i] = share[i] * (one + (dx * (a * dx + b * dy + c * dz) + dy * (d * dy + e * dz) + f * dz * dz))
    return float(xx) + float(yy) + float(zz) + 3 * spread


@compiled
def _inverse(
    xx: float, xy: float, xz: float, yy: float, yz: float, zz: float
) -> tuple[float, float, float, float, float, float]:
    """Return the upper triangle of the inverse of a symmetric matrix, row by row."""
    a, b, c = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
    by = 1 / (xx * a + xy * b + xz * c)
    return a * by, b * by, c * by, (xx * zz - xz * xz) * by, (xy * xz - xx * yz) * by, (xx * yy - xy * xy) * by


@compiled
def _threshold(worth: NDArray[np.float32], most: float, least: int, shift: int) -> int:
    """Return the lowest bin to keep, so that what lies below adds up to `most`, and `least` of them are left."""
    bins, num_bins = worth.view(np.int32), 1 << (31 - shift)
    spent, number = np.zeros(num_bins, np.float64), np.zeros(num_bins, np.int64)
    for i in range(worth.shape[0]):
        spent[bins[i] >> shift] += worth[i]
        number[bins[i] >> shift] += 1
    left, total = worth.shape[0], 0.0
    for threshold in range(num_bins):
        total += spent[threshold]
        left -= number[threshold]
        if total > most or left < least:
            return threshold
    return num_bins


@compiled
def add_moments(
    share: NDArray[np.floating],
    points: NDArray[np.floating],
    counts: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Fill `out` (S, 10) with the sums of shares (N) times 1, x, y, z, xx, xy, xz, yy, yz, zz, in runs of `counts`."""
    start = 0
    for segment in range(counts.shape[0]):
        s = sx = sy = sz = sxx = sxy = sxz = syy = syz = szz = 0.0
        for i in range(start, start + counts[segment]):
            x, y, z, w = np.float64(points[0, i]), np.float64(points[1, i]), np.float64(points[2, i]), share[i]
            wx, wy, wz = w * x, w * y, w * z
            s, sx, sy, sz = s + w, sx + wx, sy + wy, sz + wz
            sxx, sxy, sxz = sxx + wx * x, sxy + wx * y, sxz + wx * z
            syy, syz, szz = syy + wy * y, syz + wy * z, szz + wz * z
        out[segment, 0], out[segment, 1], out[segment, 2], out[segment, 3] = s, sx, sy, sz
        out[segment, 4], out[segment, 5], out[segment, 6] = sxx, sxy, sxz
        out[segment, 7], out[segment, 8], out[segment, 9] = syy, syz, szz
        start += counts[segment]
