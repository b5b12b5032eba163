"""The inverse of a Brown-Conrady lens, compiled for the processor; `Distortion.undistort` has it as tensors.

A view has a dozen joints, and each tensor operation on so few takes longer than all the numbers do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poseharvest.compiled import compiled_in_order
from poseharvest.geometry.projection_loops import bent


@compiled_in_order
def undistort_points(
    k: NDArray[np.float64],
    max_radius: float,
    targets: NDArray[np.float64],
    guesses: NDArray[np.float64],
    num_steps: int,
) -> None:
    """Take Newton steps from `guesses` (N, 2), in place, towards the points that the lens shows at `targets` (N, 2).

    A point that stays where it is, or jumps to and fro by a rounding error, is taken no further.

    Args:
        k: (12,) coefficients.
        max_radius: largest undistorted radius that the lens shows.
        targets: distorted normalised points.
        guesses: undistorted normalised points.
        num_steps: most steps.
    """
    for n in range(len(targets)):
        x, y = guesses[n, 0], guesses[n, 1]
        before_x, before_y = np.nan, np.nan
        for _ in range(num_steps):
            next_x, next_y = _step(k, max_radius, (x, y), (targets[n, 0], targets[n, 1]))
            has_ended = (next_x == x and next_y == y) or (next_x == before_x and next_y == before_y)
            before_x, before_y, x, y = x, y, next_x, next_y
            if has_ended:
                break
        guesses[n, 0], guesses[n, 1] = x, y


@compiled_in_order
def _step(
    k: NDArray[np.float64], max_radius: float, point: tuple[float, float], target: tuple[float, float]
) -> tuple[float, float]:
    """Return a point after one Newton step, with the analytic Jacobian; a coordinate that has no step stays."""
    x, y = point
    r2 = x * x + y * y
    top, bottom = 1 + r2 * (k[0] + r2 * (k[1] + r2 * k[4])), 1 + r2 * (k[5] + r2 * (k[6] + r2 * k[7]))
    top_slope = k[0] + r2 * (2 * k[1] + 3 * k[4] * r2)
    bottom_slope = k[5] + r2 * (2 * k[6] + 3 * k[7] * r2)
    radial, slope = top / bottom, (top_slope * bottom - top * bottom_slope) / (bottom * bottom)
    across = 2 * x * y * slope + 2 * k[2] * x + 2 * k[3] * y
    along_x, along_y = k[8] + 2 * k[9] * r2, k[10] + 2 * k[11] * r2  # of the prism
    xx = radial + 2 * x * x * slope + 2 * k[2] * y + 6 * k[3] * x + 2 * x * along_x
    xy = across + 2 * y * along_x  # of x by y
    yx = across + 2 * x * along_y
    yy = radial + 2 * y * y * slope + 6 * k[2] * y + 2 * k[3] * x + 2 * y * along_y
    shown_x, shown_y, _ = bent(k, max_radius, x, y)
    off_x, off_y = shown_x - target[0], shown_y - target[1]
    determinant = xx * yy - xy * yx
    step_x, step_y = (yy * off_x - xy * off_y) / determinant, (xx * off_y - yx * off_x) / determinant
    return x - step_x if np.isfinite(step_x) else x, y - step_y if np.isfinite(step_y) else y
