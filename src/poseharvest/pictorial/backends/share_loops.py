"""Loops over shares of marginals, compiled for the processor; `TensorBackend` has them as tensor operations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poseharvest.compiled import compiled
from poseharvest.pictorial.rule import Rule


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
