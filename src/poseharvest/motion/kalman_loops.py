"""A Kalman filter and its backward pass for one moving point, compiled for the processor.

The state is position, velocity and acceleration, M numbers each, so D = 3 M; white noise drives the third derivative.
Where errors last, the state also has the error and its velocity, D = 5 M: a process of second order that is critically
damped. M is 3 for a joint in the world and 1 for one coordinate of it. The backward pass gives the same positions as
the smoother of Rauch, Tung and Striebel, without inverting a state's covariance, and the position of every frame
without the frame's own measurement (P. de Jong, "Smoothing and interpolation with the state-space model", JASA 1989).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from poseharvest.compiled import compiled

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Measured(NamedTuple):
    """Measurements of one point.

    Attributes:
        place: (T, M) measured positions; ignored where the weight is 0.
        cov: (T, M, M) covariances of the errors that are new in each frame; ignored where nothing was measured.
        is_known: (T,) bool, False where nothing was measured.
        time: (T,) seconds, ascending.
        noise: (T,) power of the noise between the frame before and this one, unit of place^2 / s^5; the first is
            ignored.
        root: (T, M, M) the error that lasts is this matrix times M independent processes of variance 1; ignored where
            none lasts.
        rate: of these processes, 1 / s; 0 where no error lasts.
    """

    place: Floats
    cov: Floats
    is_known: Flags
    time: Floats
    noise: Floats
    root: Floats
    rate: float


class Filtered(NamedTuple):
    """What the forward pass finds; the first `mean` and `spread` are given.

    Attributes:
        mean: (T, D) states predicted from the frames before.
        spread: (T, D, D) their covariances.
        innovation: (T, M) measurement minus prediction.
        precision: (T, M, M) inverse covariances of the innovations.
        gain: (T, D, M) Kalman gains; 0 where nothing was measured.
    """

    mean: Floats
    spread: Floats
    innovation: Floats
    precision: Floats
    gain: Floats


class Smoothed(NamedTuple):
    """What the backward pass finds.

    Attributes:
        place: (T, M) positions from all frames.
        spread: (T, M, M) their covariances.
        pull: (T, M) `precision` times (measurement minus its prediction from all other frames).
        precision: (T, M, M) inverse covariances of that difference.
    """

    place: Floats
    spread: Floats
    pull: Floats
    precision: Floats


def run_both_ways(measured: Measured, start: Floats, spread: Floats) -> tuple[Filtered, Smoothed]:
    """Return what both passes find of one point.

    Args:
        measured: T measurements.
        start: (D,) mean state before the first measurement.
        spread: (D, D) its covariance.
    """
    frames, axes = measured.place.shape
    size = len(start)
    filtered = Filtered(
        np.zeros((frames, size)),
        np.zeros((frames, size, size)),
        np.zeros((frames, axes)),
        np.zeros((frames, axes, axes)),
        np.zeros((frames, size, axes)),
    )
    filtered.mean[0], filtered.spread[0] = start, spread
    run_forward(measured, filtered)
    smoothed = Smoothed(
        np.zeros((frames, axes)),
        np.zeros((frames, axes, axes)),
        np.zeros((frames, axes)),
        np.zeros((frames, axes, axes)),
    )
    run_backward(measured, filtered, smoothed)
    return filtered, smoothed


@compiled
def run_forward(measured: Measured, filtered: Filtered) -> None:
    """Fill `filtered` from its first mean and spread."""
    num_frames, num_axes = measured.place.shape
    size = filtered.mean.shape[1]
    state, spread = filtered.mean[0].copy(), filtered.spread[0].copy()
    step, work, noise = np.zeros((size, size)), np.zeros((size, size)), np.zeros((size, size))
    for k in range(num_frames):
        if k > 0:
            duration = measured.time[k] - measured.time[k - 1]
            fill_step(duration, num_axes, measured.rate, step)
            fill_noise(duration, measured.noise[k], num_axes, noise)
            if size > 3 * num_axes:
                fill_error_noise(measured.rate, num_axes, step, noise)
            state = _applied(step, state)
            sandwich(step, spread, work)
            spread += noise
        filtered.mean[k] = state
        filtered.spread[k] = spread
        if measured.is_known[k]:
            _update(k, measured, filtered, state, spread)


@compiled
def run_backward(measured: Measured, filtered: Filtered, smoothed: Smoothed) -> None:
    """Fill `smoothed` from the result of the forward pass."""
    num_frames, num_axes = measured.place.shape
    size = filtered.mean.shape[1]
    pull, precision = np.zeros(size), np.zeros((size, size))  # what later frames say, about the predicted state
    step, work = np.zeros((size, size)), np.zeros((size, size))
    for k in range(num_frames - 1, -1, -1):
        if measured.is_known[k]:
            _leave_out(k, measured, filtered, smoothed, pull, precision)
        _combine(k, filtered, smoothed, pull, precision)
        if k > 0:
            fill_step(measured.time[k] - measured.time[k - 1], num_axes, measured.rate, work)
            step[:] = work.T
            pull = _applied(step, pull)
            sandwich(step, precision, work)


@compiled
def fill_step(duration: float, num_axes: int, rate: float, step: Floats) -> None:
    """Fill the matrix that moves a state on by some seconds."""
    step[:] = 0
    for i in range(num_axes):
        j, k = i + num_axes, i + 2 * num_axes
        step[i, i] = step[j, j] = step[k, k] = 1
        step[i, j] = step[j, k] = duration
        step[i, k] = duration * duration / 2
    if len(step) == 3 * num_axes:
        return
    turned = rate * duration
    left = np.exp(-turned)
    for i in range(3 * num_axes, 4 * num_axes):
        j = i + num_axes
        step[i, i], step[i, j] = (1 + turned) * left, duration * left
        step[j, i], step[j, j] = -rate * turned * left, (1 - turned) * left


@compiled
def fill_noise(duration: float, power: float, num_axes: int, noise: Floats) -> None:
    """Fill the covariance that white noise of some power in the third derivative adds in some seconds."""
    noise[:] = 0
    t = duration
    for i in range(num_axes):
        j, k = i + num_axes, i + 2 * num_axes
        noise[i, i] = power * t**5 / 20
        noise[i, j] = noise[j, i] = power * t**4 / 8
        noise[i, k] = noise[k, i] = power * t**3 / 6
        noise[j, j] = power * t**3 / 3
        noise[j, k] = noise[k, j] = power * t**2 / 2
        noise[k, k] = power * t


@compiled
def fill_error_noise(rate: float, num_axes: int, step: Floats, noise: Floats) -> None:
    """Fill what keeps the variance of the lasting errors at 1, and that of their velocities at the rate's square."""
    square = rate * rate
    for i in range(3 * num_axes, 4 * num_axes):
        j = i + num_axes
        noise[i, i] = 1 - step[i, i] ** 2 - step[i, j] ** 2 * square
        noise[i, j] = noise[j, i] = -step[i, i] * step[j, i] - step[i, j] * step[j, j] * square
        noise[j, j] = square - step[j, i] ** 2 - step[j, j] ** 2 * square


@compiled
def _seen(k: int, measured: Measured, vector: Floats) -> Floats:
    """Return what a measurement in frame `k` shows of a state: the position, and the error that lasts."""
    num_axes = measured.place.shape[1]
    out = vector[:num_axes].copy()
    if len(vector) > 3 * num_axes:
        for i in range(num_axes):
            out[i] += dot(measured.root[k, i], vector[3 * num_axes : 4 * num_axes])
    return out


@compiled
def _update(k: int, measured: Measured, filtered: Filtered, state: Floats, spread: Floats) -> None:
    """Bring the measurement of frame `k` into the state."""
    num_axes, size = measured.place.shape[1], len(state)
    innovation, precision, gain = filtered.innovation[k], filtered.precision[k], filtered.gain[k]
    innovation[:] = measured.place[k] - _seen(k, measured, state)
    shown = np.zeros((num_axes, size))  # covariances of what is seen with the state
    for i in range(size):
        shown[:, i] = _seen(k, measured, spread[i])
    total = measured.cov[k].copy()
    for i in range(num_axes):
        total[i] += _seen(k, measured, shown[i])
    _invert(total, precision)
    for i in range(size):
        for j in range(num_axes):
            gain[i, j] = dot(shown[:, i], precision[:, j])
    for i in range(size):
        state[i] += dot(gain[i], innovation)
        for j in range(i, size):
            spread[i, j] -= dot(gain[i], shown[:, j])
            spread[j, i] = spread[i, j]


@compiled
def _leave_out(
    k: int, measured: Measured, filtered: Filtered, smoothed: Smoothed, pull: Floats, precision: Floats
) -> None:
    """Fill the left-out difference of frame `k`, and bring it into what is said about the predicted state."""
    num_axes, size = filtered.innovation.shape[1], len(pull)
    gain, own = filtered.gain[k], smoothed.precision[k]
    late = np.zeros((size, num_axes))
    for j in range(num_axes):
        smoothed.pull[k, j] = dot(filtered.precision[k, j], filtered.innovation[k]) - dot(gain[:, j], pull)
        for i in range(size):
            late[i, j] = dot(precision[i], gain[:, j])
    for i in range(num_axes):
        for j in range(num_axes):
            own[i, j] = filtered.precision[k, i, j] + dot(gain[:, i], late[:, j])
    _bring_in(k, measured, smoothed, late, (pull, precision))


@compiled
def _bring_in(k: int, measured: Measured, smoothed: Smoothed, late: Floats, said: tuple[Floats, Floats]) -> None:
    """Add what frame `k` shows to what later frames say of its state: pull (D,) and precision (D, D)."""
    pull, precision = said
    num_axes, size = measured.place.shape[1], len(pull)
    shows = np.zeros((num_axes, size))  # the matrix that takes a state to what a measurement shows of it
    for i in range(num_axes):
        shows[i, i] = 1
        if size > 3 * num_axes:
            shows[i, 3 * num_axes : 4 * num_axes] = measured.root[k, i]
    half = _times(smoothed.precision[k], shows)
    for i in range(size):
        pull[i] += dot(shows[:, i], smoothed.pull[k])
        for j in range(i, size):
            precision[i, j] += dot(shows[:, i], half[:, j]) - dot(late[i], shows[:, j]) - dot(late[j], shows[:, i])
            precision[j, i] = precision[i, j]


@compiled
def _combine(k: int, filtered: Filtered, smoothed: Smoothed, pull: Floats, precision: Floats) -> None:
    """Fill the smoothed position of frame `k` and its covariance."""
    num_axes, size = filtered.innovation.shape[1], len(pull)
    spread = filtered.spread[k]
    for i in range(num_axes):
        smoothed.place[k, i] = filtered.mean[k, i] + dot(spread[i], pull)
        row = np.zeros(size)
        for j in range(size):
            row[j] = dot(precision[j], spread[i])
        for j in range(num_axes):
            smoothed.spread[k, i, j] = spread[i, j] - dot(row, spread[j])


@compiled
def _times(a: Floats, b: Floats) -> Floats:
    """Return the product of two matrices."""
    out = np.zeros((len(a), b.shape[1]))
    for i in range(len(a)):
        for j in range(b.shape[1]):
            out[i, j] = dot(a[i], b[:, j])
    return out


@compiled
def _applied(matrix: Floats, vector: Floats) -> Floats:
    """Return matrix times vector."""
    out = np.zeros(len(vector))
    for i in range(len(out)):
        out[i] = dot(matrix[i], vector)
    return out


@compiled
def sandwich(step: Floats, spread: Floats, work: Floats) -> None:
    """Replace `spread` (symmetric) by step @ spread @ step.T, exactly symmetric: rounding errors would grow."""
    size = len(step)
    for i in range(size):
        for j in range(size):
            work[i, j] = dot(step[i], spread[j])
    for i in range(size):
        for j in range(i, size):
            spread[i, j] = dot(work[i], step[j])
            spread[j, i] = spread[i, j]


@compiled
def dot(a: Floats, b: Floats) -> float:
    """Return the inner product."""
    total = 0.0
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


@compiled
def _invert(matrix: Floats, inverse: Floats) -> None:
    """Fill the inverse of a symmetric matrix, 1 x 1 or 3 x 3."""
    if len(matrix) == 1:
        inverse[0, 0] = 1 / matrix[0, 0]
        return
    a, b, c = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    d, e, f = matrix[1, 1], matrix[1, 2], matrix[2, 2]
    x, y, z = d * f - e * e, c * e - b * f, b * e - c * d
    det = a * x + b * y + c * z
    inverse[0, 0], inverse[1, 1], inverse[2, 2] = x / det, (a * f - c * c) / det, (a * d - b * b) / det
    inverse[0, 1] = inverse[1, 0] = y / det
    inverse[0, 2] = inverse[2, 0] = z / det
    inverse[1, 2] = inverse[2, 1] = (b * c - a * e) / det
