"""How well noise of some power explains each measurement of one coordinate whose errors last: fast loops over frames.

The model is that of `kalman_loops` with M = 1 and lasting errors, so the state has five numbers. It runs once for every
cut-off frequency that is tried, without asking for memory in each frame. Positions are not computed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from poseharvest.compiled import compiled
from poseharvest.motion.kalman_loops import dot, fill_error_noise, fill_noise, fill_step, sandwich
from poseharvest.motion.score_loops import Coordinates, Differences

Floats = NDArray[np.float64]

SIZE = 5
"""Position, velocity and acceleration; a lasting error of variance 1, and its velocity."""


class Lasting(NamedTuple):
    """Which errors last.

    Attributes:
        share: of the variance, 0 to less than 1; the rest is new in each frame.
        rate: how fast they change, 1 / s.
    """

    share: float
    rate: float


class _Filtered(NamedTuple):
    """What the frames before say of each measurement."""

    difference: Floats  # (T,) from its prediction
    total: Floats  # (T,) variance of that
    gain: Floats  # (T, 5)
    root: Floats  # (T,) standard deviation of the lasting error


class _Work(NamedTuple):
    """Room for the numbers of one frame."""

    state: Floats  # (5,)
    spread: Floats  # (5, 5)
    step: Floats
    noise: Floats
    product: Floats
    seen: Floats  # (5,)


@compiled
def score_lasting(known: Coordinates, power: float, spread: Floats, lasting: Lasting, found: Differences) -> None:
    """Add the differences of all coordinates to `found`, as `score` does without lasting errors.

    Args:
        known: the measurements.
        power: of the noise in the third derivative, unit of variance / s^5.
        spread: (3,) variances of position, velocity and acceleration of the first frame, before its measurement.
        lasting: which errors last.
        found: filled with zeros.
    """
    frames = len(known.time)
    steps = _Filtered(np.zeros(frames), np.ones(frames), np.zeros((frames, SIZE)), np.zeros(frames))
    square = (SIZE, SIZE)
    work = _Work(np.zeros(SIZE), np.zeros(square), np.zeros(square), np.zeros(square), np.zeros(square), np.zeros(SIZE))
    for axis in range(len(known.place)):
        _start(known, axis, spread, lasting, work)
        _predict_from_before(known, axis, power, lasting, steps, work)
        for k in range(frames):
            if np.isfinite(known.variance[axis, k]):
                found.ahead[k] += steps.difference[k] ** 2 / steps.total[k]
                found.ahead_logdet[k] += np.log(steps.total[k])
        _predict_from_all_others(known, axis, lasting, steps, work, found)


@compiled
def _start(known: Coordinates, axis: int, spread: Floats, lasting: Lasting, work: _Work) -> None:
    work.state[:] = 0
    work.spread[:] = 0
    for i in range(3):
        work.state[i] = known.start[axis, i]
        work.spread[i, i] = spread[i]
    work.spread[3, 3], work.spread[4, 4] = 1, lasting.rate**2


@compiled
def _predict_from_before(
    known: Coordinates, axis: int, power: float, lasting: Lasting, steps: _Filtered, work: _Work
) -> None:
    """Fill `steps`."""
    state, seen, before = work.state, work.seen, -1.0
    for k in range(len(known.time)):
        if k > 0:
            duration = known.time[k] - known.time[k - 1]
            if duration != before:
                fill_step(duration, 1, lasting.rate, work.step)
                fill_noise(duration, power, 1, work.noise)
                fill_error_noise(lasting.rate, 1, work.step, work.noise)
                before = duration
            for i in range(SIZE):
                seen[i] = dot(work.step[i], state)
            state[:] = seen
            sandwich(work.step, work.spread, work.product)
            work.spread[:] += work.noise
        if np.isfinite(known.variance[axis, k]):
            _measure(known.place[axis, k], known.variance[axis, k], lasting.share, (k, steps), work)


@compiled
def _measure(place: float, variance: float, share: float, at: tuple[int, _Filtered], work: _Work) -> None:
    """Fill one frame of the steps, and bring its measurement into the state."""
    k, steps = at
    state, spread, seen, root = work.state, work.spread, work.seen, np.sqrt(share * variance)
    for i in range(SIZE):
        seen[i] = spread[i, 0] + root * spread[i, 3]
    total = seen[0] + root * seen[3] + (1 - share) * variance
    difference = place - state[0] - root * state[3]
    steps.root[k], steps.total[k], steps.difference[k] = root, total, difference
    for i in range(SIZE):
        steps.gain[k, i] = seen[i] / total
        state[i] += seen[i] / total * difference
        for j in range(i, SIZE):
            spread[i, j] -= seen[i] * seen[j] / total
            spread[j, i] = spread[i, j]


@compiled
def _predict_from_all_others(
    known: Coordinates, axis: int, lasting: Lasting, steps: _Filtered, work: _Work, found: Differences
) -> None:
    """Add each frame's difference from the prediction by all other frames, after `_predict_from_before`."""
    said, precision, late, before = work.state, work.spread, work.seen, -1.0  # what later frames say of the state
    said[:], precision[:] = 0, 0
    for k in range(len(known.time) - 1, -1, -1):
        if np.isfinite(known.variance[axis, k]):
            gain, root = steps.gain[k], steps.root[k]
            for i in range(SIZE):
                late[i] = dot(precision[i], gain)
            own = 1 / steps.total[k] + dot(gain, late)
            pull = steps.difference[k] / steps.total[k] - dot(gain, said)
            found.around[k] += pull * pull / own
            found.around_logdet[k] -= np.log(own)
            said[0] += pull
            said[3] += root * pull
            for i in range(SIZE):
                shown = 1.0 if i == 0 else (root if i == 3 else 0.0)
                precision[i, 0] += shown * own - late[i]
                precision[i, 3] += root * (shown * own - late[i])
                precision[0, i] -= late[i]
                precision[3, i] -= root * late[i]
        if k > 0:
            duration = known.time[k] - known.time[k - 1]
            if duration != before:
                fill_step(duration, 1, lasting.rate, work.noise)
                work.step[:] = work.noise.T
                before = duration
            for i in range(SIZE):
                late[i] = dot(work.step[i], said)
            said[:] = late
            sandwich(work.step, precision, work.product)
