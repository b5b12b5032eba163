"""The Gauss-Newton steps of a fit, compiled for the processor; `pose_fit` has one step as tensor operations.

A step works on a few hundred numbers a frame, and takes some sixty tensor operations.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poseharvest.compiled import compiled_in_order
from poseharvest.geometry.projection_loops import project_points

Floats = NDArray[np.float64]


@compiled_in_order
def take_steps(  # noqa: PLR0913, PLR0917 - a loop takes plain arrays
    cameras: tuple[Floats, NDArray[np.int64], float],
    peaks: tuple[Floats, Floats, NDArray[np.bool_]],
    odds: tuple[float, float],
    limbs: tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats],
    limits: tuple[float, float, float, float, float],
    most_steps: int,
    start: Floats,
    points: Floats,
) -> None:
    """Move `points` (F, J, 3) by steps until none is longer than the limit that ends the fit.

    Args:
        cameras: rows (F, V, 31), lenses (F, V) and smallest depth of `projection_loops.project_points`.
        peaks: (F, V, J, 2) pixels, (F, V, J) variance of right ones, (F, V, J) whether they are seen.
        odds: log of how much more likely a right peak at the pose is than a wrong one, and 1 / square of how much
            wider wrong ones are.
        limbs: (L,) first joint, (L,) second, (L,) length, (L,) precision, 1 / mm^2.
        limits: step of the derivatives, precision of the start, views that hold a joint, longest step, and step that
            ends the fit.
        most_steps: of them.
        start: (F, J, 3) where a joint stays that nothing else holds, mm.
        points: where the fit is, mm.
    """
    num_frames, num_joints = points.shape[:2]
    for _ in range(most_steps):
        longest = 0.0
        for f in range(num_frames):
            matrix = np.zeros((3 * num_joints, 3 * num_joints))
            right_side = np.zeros(3 * num_joints)
            views = cameras[0][f], cameras[1][f], cameras[2]
            of_frame = peaks[0][f], peaks[1][f], peaks[2][f]
            held = _add_views(views, of_frame, odds, limits[0], points[f], matrix, right_side)
            for k in range(3 * num_joints):
                matrix[k, k] += limits[1]
                right_side[k] += limits[1] * (start[f, k // 3, k % 3] - points[f, k // 3, k % 3])
            _add_limbs(limbs, held >= limits[2], points[f], matrix, right_side)
            step = np.linalg.solve(matrix, right_side)
            for k in range(3 * num_joints):
                moved = min(max(step[k], -limits[3]), limits[3])
                points[f, k // 3, k % 3] += moved
                longest = max(longest, abs(moved))
        if longest < limits[4]:
            break


@compiled_in_order
def _add_views(  # noqa: PLR0913, PLR0917 - a loop takes plain arrays
    cameras: tuple[Floats, NDArray[np.int64], float],
    peaks: tuple[Floats, Floats, NDArray[np.bool_]],
    odds: tuple[float, float],
    step_mm: float,
    points: Floats,
    matrix: Floats,
    right_side: Floats,
) -> Floats:
    """Add what the peaks of a frame say to the system, and return (J,) how many of them are right."""
    num_views, num_joints = cameras[0].shape[0], points.shape[0]
    probes = np.empty((1, 4 * num_joints, 3))
    for n in range(4 * num_joints):
        probes[0, n] = points[n // 4]
        if n % 4 > 0:
            probes[0, n, n % 4 - 1] += step_mm
    pixels, valid = np.empty((num_views, 4 * num_joints, 2)), np.empty((num_views, 4 * num_joints), np.bool_)
    project_points(cameras[0], cameras[1], cameras[2], probes, pixels, valid)
    held = np.zeros(num_joints)
    for n in range(num_views * num_joints):
        v, j = n // num_joints, n % num_joints
        if peaks[2][v, j] and valid[v, 4 * j : 4 * j + 4].all():
            across = (pixels[v, 4 * j + 1 : 4 * j + 4] - pixels[v, 4 * j]) / step_mm
            off = peaks[0][v, j] - pixels[v, 4 * j]
            held[j] += _add_peak(across, off, peaks[1][v, j], odds, 3 * j, (matrix, right_side))
    return held


@compiled_in_order
def _add_peak(
    across: Floats,
    off: Floats,
    variance: float,
    odds: tuple[float, float],
    first: int,
    system: tuple[Floats, Floats],
) -> float:
    """Add a peak to the rows from `first` on, and return how likely it is a right one.

    Args:
        across: (3, 2) pixels per mm.
        off: (2,) of the peak from the joint, pixels.
        variance: of right peaks, px^2.
        odds: as for `take_steps`.
        first: the first of the joint's three rows.
        system: matrix and right side.
    """
    log_odds = odds[0] - (off[0] * off[0] + off[1] * off[1]) / variance / 2 * (1 - odds[1])
    right: float = 1 / (1 + np.exp(-log_odds))
    precision = (right + (1 - right) * odds[1]) / variance
    for a in range(3):
        system[1][first + a] += precision * (across[a, 0] * off[0] + across[a, 1] * off[1])
        for b in range(3):
            both = across[a, 0] * across[b, 0] + across[a, 1] * across[b, 1]
            system[0][first + a, first + b] += precision * both
    return right


@compiled_in_order
def _add_limbs(
    limbs: tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats],
    held: NDArray[np.bool_],
    points: Floats,
    matrix: Floats,
    right_side: Floats,
) -> None:
    """Add the limbs with two held ends to the system."""
    for n in range(limbs[0].shape[0]):
        i, j = limbs[0][n], limbs[1][n]
        if not (held[i] and held[j]):
            continue
        x, y, z = points[i, 0] - points[j, 0], points[i, 1] - points[j, 1], points[i, 2] - points[j, 2]
        length = max(np.sqrt(x * x + y * y + z * z), 1e-6)
        along = (x / length, y / length, z / length)
        pull = (limbs[2][n] - length) * limbs[3][n]
        for a in range(3):
            right_side[3 * i + a] += pull * along[a]
            right_side[3 * j + a] -= pull * along[a]
            for b in range(3):
                tie = limbs[3][n] * along[a] * along[b]
                matrix[3 * i + a, 3 * i + b] += tie
                matrix[3 * j + a, 3 * j + b] += tie
                matrix[3 * i + a, 3 * j + b] -= tie
                matrix[3 * j + a, 3 * i + b] -= tie
