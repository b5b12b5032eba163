"""The filter and its backward pass against a solution of all frames at once."""

from __future__ import annotations

import numpy as np
import pytest

from poseharvest.motion.kalman_loops import Measured
from poseharvest.motion.score_loops import Coordinates, Differences, score
from poseharvest.motion.smoother import run_both_ways

NUM_FRAMES = 9


def make_measured(axes: int, seed: int = 3, missing: tuple[int, ...] = (4,)) -> Measured:
    """Uneven times, correlated covariances, noise that differs from step to step."""
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(NUM_FRAMES, axes, axes))
    weight = rng.uniform(0.3, 1, NUM_FRAMES)
    weight[list(missing)] = 0
    return Measured(
        place=rng.normal(size=(NUM_FRAMES, axes)) * 10,
        cov=roots @ roots.swapaxes(1, 2) * 5 + np.eye(axes),
        weight=weight,
        time=np.cumsum(rng.uniform(0.05, 0.2, NUM_FRAMES)),
        noise=rng.uniform(100, 5000, NUM_FRAMES),
    )


def make_start(axes: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(3.0 * axes), np.diag(np.repeat([50.0, 400.0, 3000.0], axes))


def step_and_noise(h: float, power: float, axes: int) -> tuple[np.ndarray, np.ndarray]:
    """The motion of a state under white noise in its third derivative, from the textbook's integrals."""
    step = np.array([[1, h, h**2 / 2], [0, 1, h], [0, 0, 1]])
    noise = np.array([[h**5 / 20, h**4 / 8, h**3 / 6], [h**4 / 8, h**3 / 3, h**2 / 2], [h**3 / 6, h**2 / 2, h]])
    return np.kron(step, np.eye(axes)), np.kron(power * noise, np.eye(axes))


def least_squares(measured: Measured, start: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The positions (T, M) and their covariances that minimise the sum of all squared, weighted residuals at once."""
    frames, axes = measured.place.shape
    size = 3 * axes
    information, pull = np.zeros((frames * size, frames * size)), np.zeros(frames * size)
    information[:size, :size] = np.linalg.inv(spread)
    pull[:size] = np.linalg.solve(spread, start)
    for k in range(1, frames):
        step, noise = step_and_noise(measured.time[k] - measured.time[k - 1], measured.noise[k], axes)
        both = np.zeros((size, frames * size))
        both[:, (k - 1) * size : k * size], both[:, k * size : (k + 1) * size] = -step, np.eye(size)
        information += both.T @ np.linalg.solve(noise, both)
    for k in np.flatnonzero(measured.weight > 0):
        precision = np.linalg.inv(measured.cov[k]) * measured.weight[k]
        own = slice(k * size, k * size + axes)
        information[own, own] += precision
        pull[own] += precision @ measured.place[k]
    covariance = np.linalg.inv(information)
    positions = (covariance @ pull).reshape(frames, size)[:, :axes]
    blocks = [covariance[k * size : k * size + axes, k * size : k * size + axes] for k in range(frames)]
    return positions, np.stack(blocks)


@pytest.mark.parametrize("axes", [1, 3])
def test_both_passes_give_the_least_squares_solution(axes):
    measured, (start, spread) = make_measured(axes), make_start(axes)
    smoothed = run_both_ways(measured, start, spread)
    positions, covariances = least_squares(measured, start, spread)
    np.testing.assert_allclose(smoothed.place, positions, rtol=1e-8, atol=1e-7)
    np.testing.assert_allclose(smoothed.spread, covariances, rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize("axes", [1, 3])
def test_a_left_out_frame_is_predicted_as_if_it_had_not_been_measured(axes):
    measured, (start, spread) = make_measured(axes), make_start(axes)
    smoothed = run_both_ways(measured, start, spread)
    for k in (0, 3, NUM_FRAMES - 1):
        weight = np.array([0.0 if i == k else w for i, w in enumerate(measured.weight)])
        positions, covariances = least_squares(measured._replace(weight=weight), start, spread)
        wanted = covariances[k] + measured.cov[k] / measured.weight[k]
        np.testing.assert_allclose(np.linalg.inv(smoothed.precision[k]), wanted, rtol=1e-8)
        difference = np.linalg.solve(smoothed.precision[k], smoothed.pull[k])
        np.testing.assert_allclose(difference, measured.place[k] - positions[k], rtol=1e-7, atol=1e-7)


def test_the_fast_scores_of_a_coordinate_are_those_of_the_general_filter():
    power, known = 700.0, make_measured(1, missing=(2, 5))
    measured = known._replace(weight=np.where(known.weight > 0, 1.0, 0.0), noise=np.full(NUM_FRAMES, power))
    start, spread = make_start(1)
    smoothed = run_both_ways(measured, start, spread)
    variance = np.where(measured.weight > 0, measured.cov[:, 0, 0], np.inf)
    found = Differences(*np.zeros((4, NUM_FRAMES)))
    coordinates = Coordinates(measured.place.T.copy(), variance[None], measured.time, start[None])
    score(coordinates, power, np.diag(spread).copy(), found)
    is_known = measured.weight > 0
    distance = smoothed.pull[:, 0] ** 2 / np.where(is_known, smoothed.precision[:, 0, 0], 1)
    np.testing.assert_allclose(found.around, distance, rtol=1e-9)
    np.testing.assert_allclose(found.around_logdet[is_known], -np.log(smoothed.precision[is_known, 0, 0]), rtol=1e-9)
    assert (found.around[~is_known] == 0).all()


def test_the_predictions_of_the_frames_before_give_the_likelihood_of_all_frames():
    power, measured = 700.0, make_measured(1, missing=())
    measured = measured._replace(weight=np.ones(NUM_FRAMES), noise=np.full(NUM_FRAMES, power))
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
