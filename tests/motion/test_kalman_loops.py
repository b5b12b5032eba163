"""The filter and its backward pass against a solution of all frames at once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm

from poseharvest.motion.kalman_loops import Measured, run_both_ways
from poseharvest.motion.lasting_score_loops import Lasting, score_lasting
from poseharvest.motion.score_loops import Coordinates, Differences, score

NUM_FRAMES = 9
SHARE = 0.7  # of the variance that lasts


def make_measured(axes: int, seed: int = 3, missing: tuple[int, ...] = (4,), rate: float = 0.0) -> Measured:
    """Uneven times, correlated covariances, noise that differs from step to step; errors that last with a rate."""
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(NUM_FRAMES, axes, axes))
    return Measured(
        place=rng.normal(size=(NUM_FRAMES, axes)) * 10,
        cov=roots @ roots.swapaxes(1, 2) * 5 + np.eye(axes),
        is_known=~np.isin(np.arange(NUM_FRAMES), missing),
        time=np.cumsum(rng.uniform(0.05, 0.2, NUM_FRAMES)),
        noise=rng.uniform(100, 5000, NUM_FRAMES),
        root=rng.normal(size=(NUM_FRAMES, axes, axes)) * 3 * (rate > 0),
        rate=rate,
    )


def make_start(axes: int, rate: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    variances = [50.0, 400.0, 3000.0] + [1.0, rate**2] * (rate > 0)
    start = np.arange(3.0 * axes), np.zeros(2 * axes * (rate > 0))
    return np.concatenate(start), np.diag(np.repeat(variances, axes))


def step_and_noise(h: float, power: float, axes: int, rate: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """How a state moves on: white noise in the third derivative of the position, and in the second of the errors.

    The noise is an integral over the step, by Gauss-Legendre quadrature: exact for the position, which is a polynomial.
    """
    generator = np.zeros((5, 5)) if rate > 0 else np.zeros((3, 3))
    generator[0, 1] = generator[1, 2] = 1
    driven = np.zeros((len(generator), len(generator)))
    driven[2, 2] = power
    if rate > 0:
        generator[3:, 3:] = [[0, 1], [-(rate**2), -2 * rate]]
        driven[4, 4] = 4 * rate**3
    nodes, weights = np.polynomial.legendre.leggauss(12)
    moves = [expm(generator * (h - time)) for time in (nodes + 1) * h / 2]
    noise = sum(weight * h / 2 * move @ driven @ move.T for weight, move in zip(weights, moves, strict=True))
    return np.kron(expm(generator * h), np.eye(axes)), np.kron(noise, np.eye(axes))


def shows(measured: Measured, k: int) -> np.ndarray:
    """The matrix that takes a state to what a measurement shows: the position, and the error that lasts."""
    axes = measured.place.shape[1]
    parts = [np.eye(axes), np.zeros((axes, 2 * axes))]
    if measured.rate > 0:
        parts += [measured.root[k], np.zeros((axes, axes))]
    return np.hstack(parts)


def least_squares(measured: Measured, start: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple]:
    """Positions (T, M) and covariances that minimise the sum of all squared, weighted residuals at once; all states."""
    frames, axes = measured.place.shape
    size = len(start)
    information, pull = np.zeros((frames * size, frames * size)), np.zeros(frames * size)
    information[:size, :size] = np.linalg.inv(spread)
    pull[:size] = np.linalg.solve(spread, start)
    for k in range(1, frames):
        duration = measured.time[k] - measured.time[k - 1]
        step, noise = step_and_noise(duration, measured.noise[k], axes, measured.rate)
        both = np.zeros((size, frames * size))
        both[:, (k - 1) * size : k * size], both[:, k * size : (k + 1) * size] = -step, np.eye(size)
        information += both.T @ np.linalg.solve(noise, both)
    for k in np.flatnonzero(measured.is_known):
        shown, own = shows(measured, k), slice(k * size, (k + 1) * size)
        information[own, own] += shown.T @ np.linalg.solve(measured.cov[k], shown)
        pull[own] += shown.T @ np.linalg.solve(measured.cov[k], measured.place[k])
    covariance = np.linalg.inv(information)
    states = (covariance @ pull).reshape(frames, size)
    blocks = np.stack([covariance[k * size : (k + 1) * size, k * size : (k + 1) * size] for k in range(frames)])
    return states[:, :axes], blocks[:, :axes, :axes], (states, blocks)


@pytest.mark.parametrize("rate", [0.0, 9.0])
@pytest.mark.parametrize("axes", [1, 3])
def test_both_passes_give_the_least_squares_solution(axes, rate):
    measured, (start, spread) = make_measured(axes, rate=rate), make_start(axes, rate)
    smoothed = run_both_ways(measured, start, spread)[1]
    positions, covariances, _ = least_squares(measured, start, spread)
    np.testing.assert_allclose(smoothed.place, positions, rtol=1e-8, atol=1e-7)
    np.testing.assert_allclose(smoothed.spread, covariances, rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize("rate", [0.0, 9.0])
@pytest.mark.parametrize("axes", [1, 3])
def test_a_left_out_frame_is_predicted_as_if_it_had_not_been_measured(axes, rate):
    measured, (start, spread) = make_measured(axes, rate=rate), make_start(axes, rate)
    smoothed = run_both_ways(measured, start, spread)[1]
    for k in (0, 3, NUM_FRAMES - 1):
        others = measured.is_known & (np.arange(NUM_FRAMES) != k)
        _, _, (states, spreads) = least_squares(measured._replace(is_known=others), start, spread)
        shown = shows(measured, k)
        wanted = shown @ spreads[k] @ shown.T + measured.cov[k]
        np.testing.assert_allclose(np.linalg.inv(smoothed.precision[k]), wanted, rtol=1e-7)
        difference = np.linalg.solve(smoothed.precision[k], smoothed.pull[k])
        np.testing.assert_allclose(difference, measured.place[k] - shown @ states[k], rtol=1e-6, atol=1e-6)


def scores_of(measured: Measured, power: float, start: np.ndarray, spread: np.ndarray) -> Differences:
    """The fast scores of one coordinate; the error that lasts has a share of the variance."""
    found = Differences(*np.zeros((4, NUM_FRAMES)))
    variance = np.where(measured.is_known, measured.cov[:, 0, 0] + measured.root[:, 0, 0] ** 2, np.inf)
    coordinates = Coordinates(measured.place.T.copy(), variance[None], measured.time, start[None, :3].copy())
    variances = np.diag(spread)[:3].copy()
    if measured.rate > 0:
        score_lasting(coordinates, power, variances, Lasting(SHARE, measured.rate), found)
    else:
        score(coordinates, power, variances, found)
    return found


@pytest.mark.parametrize("rate", [0.0, 9.0])
def test_the_fast_scores_of_a_coordinate_are_those_of_the_general_filter(rate):
    power, measured = 700.0, make_measured(1, missing=(2, 5), rate=rate)
    root = np.sqrt(SHARE / (1 - SHARE) * measured.cov) * (rate > 0)
    measured = measured._replace(noise=np.full(NUM_FRAMES, power), root=root)
    start, spread = make_start(1, rate)
    before, around = run_both_ways(measured, start, spread)
    found = scores_of(measured, power, start, spread)
    is_known = measured.is_known
    pairs = (
        (found.ahead, found.ahead_logdet, before.innovation[:, 0] ** 2 * before.precision[:, 0, 0], before.precision),
        (found.around, found.around_logdet, around.pull[:, 0] ** 2, around.precision),
    )
    for distance, logdet, square, precision in pairs:
        own = precision[is_known, 0, 0]
        wanted = square[is_known] if distance is found.ahead else square[is_known] / own
        np.testing.assert_allclose(distance[is_known], wanted, rtol=1e-8)
        np.testing.assert_allclose(logdet[is_known], -np.log(own), rtol=1e-8)
        assert (distance[~is_known] == 0).all()


def test_the_predictions_of_the_frames_before_give_the_likelihood_of_all_frames():
    power, measured = 700.0, make_measured(1, missing=())
    measured = measured._replace(noise=np.full(NUM_FRAMES, power))
    start, spread = make_start(1)
    found = Differences(*np.zeros((4, NUM_FRAMES)))
    variance = measured.cov[:, 0, 0]
    coordinates = Coordinates(measured.place.T.copy(), variance[None].copy(), measured.time, start[None])
    score(coordinates, power, np.diag(spread).copy(), found)
    moves = [np.eye(3)]
    covariances = [spread]
    for k in range(1, NUM_FRAMES):
        step, noise = step_and_noise(measured.time[k] - measured.time[k - 1], power, 1)
        moves.append(step)
        covariances.append(step @ covariances[-1] @ step.T + noise)
    mean, joint = np.zeros(NUM_FRAMES), np.diag(variance)
    for i in range(NUM_FRAMES):
        move = np.eye(3)
        for j in range(i, NUM_FRAMES):
            move = moves[j] @ move if j > i else move
            between = (move @ covariances[i])[0, 0]
            joint[j, i] += between
            joint[i, j] += between if j > i else 0
    state = start
    for k in range(NUM_FRAMES):
        state = moves[k] @ state
        mean[k] = state[0]
    off = measured.place[:, 0] - mean
    assert (found.ahead.sum() + found.ahead_logdet.sum()) == pytest.approx(
        off @ np.linalg.solve(joint, off) + np.linalg.slogdet(joint)[1], rel=1e-9
    )
