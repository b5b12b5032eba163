"""How well noise of some power explains each measurement of one coordinate: fast loops over frames.

The model is that of `kalman_loops` with M = 1, with every entry of the 3 x 3 matrices in a variable of its own: it runs
once for every cut-off frequency that is tried. Positions are not computed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from poseharvest.compiled import compiled

Floats = NDArray[np.float64]
Six = tuple[float, float, float, float, float, float]


class Coordinates(NamedTuple):
    """Measurements of one joint; its A coordinates are independent of each other.

    Attributes:
        place: (A, T) measured positions; ignored where the variance is infinite.
        variance: (A, T) their variances; infinite where nothing was measured.
        time: (T,) seconds, ascending.
        start: (A, 3) mean position, velocity and acceleration of the first frame, before its measurement.
    """

    place: Floats
    variance: Floats
    time: Floats
    start: Floats


class Differences(NamedTuple):
    """Differences between measurements and predictions, over all coordinates; 0 where nothing was measured.

    Attributes:
        ahead: (T,) squared Mahalanobis distance from the prediction by the frames before.
        ahead_logdet: (T,) log determinant of the difference's covariance.
        around: (T,) squared Mahalanobis distance from the prediction by all other frames.
        around_logdet: (T,) log determinant of that difference's covariance.
    """

    ahead: Floats
    ahead_logdet: Floats
    around: Floats
    around_logdet: Floats


@compiled
def score(known: Coordinates, power: float, spread: Floats, found: Differences) -> None:
    """Add the differences of all coordinates to `found`.

    Args:
        known: the measurements.
        power: of the noise in the third derivative, unit of variance / s^5.
        spread: (3,) variances of position, velocity and acceleration of the first frame, before its measurement.
        found: filled with zeros.
    """
    frames = len(known.time)
    difference, total, gain = np.zeros(frames), np.ones(frames), np.zeros((frames, 3))
    for axis in range(len(known.place)):
        _predict_from_before(known, axis, power, spread, (difference, total, gain))
        for k in range(frames):
            if np.isfinite(known.variance[axis, k]):
                found.ahead[k] += difference[k] ** 2 / total[k]
                found.ahead_logdet[k] += np.log(total[k])
        _predict_from_all_others(known, axis, (difference, total, gain), found)


@compiled
def _predict_from_before(
    known: Coordinates, axis: int, power: float, spread: Floats, steps: tuple[Floats, Floats, Floats]
) -> None:
    """Fill each frame's difference from the prediction (T,), its variance (T,) and the gain (T, 3)."""
    difference, total, gain = steps
    x, v, a = known.start[axis, 0], known.start[axis, 1], known.start[axis, 2]
    p: Six = (spread[0], 0.0, 0.0, spread[1], 0.0, spread[2])
    for k in range(len(known.time)):
        if k > 0:
            h = known.time[k] - known.time[k - 1]
            x, v = x + h * v + h * h / 2 * a, v + h * a
            p = _moved_on(p, h, power)
        if np.isfinite(known.variance[axis, k]):
            s = p[0] + known.variance[axis, k]
            d, g, gv, ga = known.place[axis, k] - x, p[0] / s, p[1] / s, p[2] / s
            x, v, a = x + g * d, v + gv * d, a + ga * d
            p = (
                p[0] - g * p[0],
                p[1] - g * p[1],
                p[2] - g * p[2],
                p[3] - gv * p[1],
                p[4] - gv * p[2],
                p[5] - ga * p[2],
            )
            difference[k], total[k] = d, s
            gain[k, 0], gain[k, 1], gain[k, 2] = g, gv, ga


@compiled
def _predict_from_all_others(
    known: Coordinates, axis: int, steps: tuple[Floats, Floats, Floats], found: Differences
) -> None:
    """Add each frame's difference from the prediction by all other frames, after `_predict_from_before`."""
    difference, total, gain = steps
    r, rv, ra = 0.0, 0.0, 0.0  # what later frames say of the state: its gradient, and n, its precision
    n: Six = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for k in range(len(known.time) - 1, -1, -1):
        if np.isfinite(known.variance[axis, k]):
            g, gv, ga = gain[k, 0], gain[k, 1], gain[k, 2]
            b = n[0] * g + n[1] * gv + n[2] * ga
            bv = n[1] * g + n[3] * gv + n[4] * ga
            ba = n[2] * g + n[4] * gv + n[5] * ga
            precision = 1 / total[k] + g * b + gv * bv + ga * ba
            pull = difference[k] / total[k] - (g * r + gv * rv + ga * ra)
            found.around[k] += pull * pull / precision
            found.around_logdet[k] -= np.log(precision)
            r += pull
            n = (n[0] - 2 * b + precision, n[1] - bv, n[2] - ba, n[3], n[4], n[5])
        if k > 0:
            h = known.time[k] - known.time[k - 1]
            rv, ra = rv + h * r, ra + h * rv + h * h / 2 * r
            n = _moved_back(n, h)


@compiled
def _moved_on(p: Six, h: float, power: float) -> Six:
    """Return the upper triangle of F P F' + Q, for a step of h seconds."""
    s = h * h / 2
    # rows of F P
    a0, a1, a2 = p[0] + h * p[1] + s * p[2], p[1] + h * p[3] + s * p[4], p[2] + h * p[4] + s * p[5]
    b1, b2 = p[3] + h * p[4], p[4] + h * p[5]
    return (
        a0 + h * a1 + s * a2 + power * h**5 / 20,
        a1 + h * a2 + power * h**4 / 8,
        a2 + power * h**3 / 6,
        b1 + h * b2 + power * h**3 / 3,
        b2 + power * h**2 / 2,
        p[5] + power * h,
    )


@compiled
def _moved_back(n: Six, h: float) -> Six:
    """Return the upper triangle of F' N F, for a step of h seconds."""
    s = h * h / 2
    # rows of F' N
    b0, b1 = n[1] + h * n[0], n[3] + h * n[1]
    c0, c1, c2 = n[2] + h * n[1] + s * n[0], n[4] + h * n[3] + s * n[1], n[5] + h * n[4] + s * n[2]
    return (n[0], b0, c0, b1 + h * b0, c1 + h * c0, c2 + h * c1 + s * c0)
