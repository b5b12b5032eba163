"""A Kalman filter and its backward pass for one moving point, compiled for the processor.

The state is position, velocity and acceleration, M numbers each, so D = 3 M; white noise drives the third derivative.
M is 3 for a joint in the world and 1 for one coordinate of it. The backward pass gives the same positions as the
smoother of Rauch, Tung and Striebel, without inverting a state's covariance, and the position of every frame without
the frame's own measurement (P. de Jong, "Smoothing and interpolation with the state-space model", JASA 1989).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from poseharvest.compiled import compiled

Floats = NDArray[np.float64]


class Measured(NamedTuple):
    """Measurements of one point.

    Attributes:
        place: (T, M) measured positions; ignored where the weight is 0.
        cov: (T, M, M) their covariances.
        weight: (T,) the covariance is divided by it; 0 where nothing was measured.
        time: (T,) seconds, ascending.
        noise: (T,) power of the noise between the frame before and this one, unit of place^2 / s^5; the first is
            ignored.
    """

    place: Floats
    cov: Floats
    weight: Floats
    time: Floats
    noise: Floats


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


@compiled
def run_forward(measured: Measured, filtered: Filtered) -> None:
    """Fill `filtered` from its first mean and spread."""
    num_frames, num_axes = measured.place.shape
    size = 3 * num_axes
    state, spread = filtered.mean[0].copy(), filtered.spread[0].copy()
    step, work, noise = np.zeros((size, size)), np.zeros((size, size)), np.zeros((size, size))
    for k in range(num_frames):
        if k > 0:
            duration = measured.time[k] - measured.time[k - 1]
            _fill_step(duration, num_axes, step)
            _fill_noise(duration, measured.noise[k], num_axes, noise)
            state = _applied(step, state)
            _sandwich(step, spread, work)
            spread += noise
        filtered.mean[k] = state
        filtered.spread[k] = spread
        if measured.weight[k] > 0:
            _update(k, measured, filtered, state, spread)


@compiled
def run_backward(measured: Measured, filtered: Filtered, smoothed: Smoothed) -> None:
    """Fill `smoothed` from the result of the forward pass."""
    num_frames, num_axes = measured.place.shape
    size = 3 * num_axes
    pull, precision = np.zeros(size), np.zeros((size, size))  # what later frames say, about the predicted state
    step, work = np.zeros((size, size)), np.zeros((size, size))
    for k in range(num_frames - 1, -1, -1):
        if measured.weight[k] > 0:
            _leave_out(k, filtered, smoothed, pull, precision)
            pull[:num_axes] += smoothed.pull[k]
        _combine(k, filtered, smoothed, pull, precision)
        if k > 0:
            _fill_step(measured.time[k] - measured.time[k - 1], num_axes, work)
            step[:] = work.T
            pull = _applied(step, pull)
            _sandwich(step, precision, work)


@compiled
def _fill_step(duration: float, num_axes: int, step: Floats) -> None:
    """Fill the matrix that moves a state on by some seconds."""
    step[:] = 0
    for i in range(num_axes):
        j, k = i + num_axes, i + 2 * num_axes
        step[i, i] = step[j, j] = step[k, k] = 1
        step[i, j] = step[j, k] = duration
        step[i, k] = duration * duration / 2


@compiled
def _fill_noise(duration: float, power: float, num_axes: int, noise: Floats) -> None:
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
def _update(k: int, measured: Measured, filtered: Filtered, state: Floats, spread: Floats) -> None:
    """Bring the measurement of frame `k` into the state."""
    num_axes, size = measured.place.shape[1], len(state)
    innovation, precision, gain = filtered.innovation[k], filtered.precision[k], filtered.gain[k]
    innovation[:] = measured.place[k] - state[:num_axes]
    _invert(spread[:num_axes, :num_axes] + measured.cov[k] / measured.weight[k], precision)
    for i in range(size):
        for j in range(num_axes):
            gain[i, j] = _dot(spread[i, :num_axes], precision[:, j])
    for i in range(size):
        state[i] += _dot(gain[i], innovation)
        for j in range(i, size):
            spread[i, j] -= _dot(gain[i], filtered.spread[k, :num_axes, j])
            spread[j, i] = spread[i, j]


@compiled
def _leave_out(k: int, filtered: Filtered, smoothed: Smoothed, pull: Floats, precision: Floats) -> None:
    """Fill the left-out difference of frame `k`, and bring its precision into that of the predicted state."""
    num_axes, size = filtered.innovation.shape[1], len(pull)
    gain, own = filtered.gain[k], smoothed.precision[k]
    late = np.zeros((size, num_axes))
    for j in range(num_axes):
        smoothed.pull[k, j] = _dot(filtered.precision[k, j], filtered.innovation[k]) - _dot(gain[:, j], pull)
        for i in range(size):
            late[i, j] = _dot(precision[i], gain[:, j])
    for i in range(num_axes):
        for j in range(num_axes):
            own[i, j] = filtered.precision[k, i, j] + _dot(gain[:, i], late[:, j])
    precision[:, :num_axes] -= late
    precision[:num_axes] -= late.T
    precision[:num_axes, :num_axes] += own


@compiled
def _combine(k: int, filtered: Filtered, smoothed: Smoothed, pull: Floats, precision: Floats) -> None:
    """Fill the smoothed position of frame `k` and its covariance."""
    num_axes, size = filtered.innovation.shape[1], len(pull)
    spread = filtered.spread[k]
    for i in range(num_axes):
        smoothed.place[k, i] = filtered.mean[k, i] + _dot(spread[i], pull)
        row = np.zeros(size)
        for j in range(size):
            row[j] = _dot(precision[j], spread[i])
        for j in range(num_axes):
            smoothed.spread[k, i, j] = spread[i, j] - _dot(row, spread[j])


@compiled
def _applied(matrix: Floats, vector: Floats) -> Floats:
    """Return matrix times vector."""
    out = np.zeros(len(vector))
    for i in range(len(out)):
        out[i] = _dot(matrix[i], vector)
    return out


@compiled
def _sandwich(step: Floats, spread: Floats, work: Floats) -> None:
    """Replace `spread` (symmetric) by step @ spread @ step.T, exactly symmetric: rounding errors would grow."""
    size = len(step)
    for i in range(size):
        for j in range(size):
            work[i, j] = _dot(step[i], spread[j])
    for i in range(size):
        for j in range(i, size):
            spread[i, j] = _dot(work[i], step[j])
            spread[j, i] = spread[i, j]


@compiled
def _dot(a: Floats, b: Floats) -> float:
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
