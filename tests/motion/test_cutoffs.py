"""Learning of the cut-off frequency: the hidden Markov model, the noise factors, and which score counts."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from poseharvest.motion import JointTrack, MotionOptions
from poseharvest.motion.cutoffs import CUTOFFS_HZ, NoiseFactors, noise_factors, share_around, share_out, weights

RATE = 50.0


def test_chances_equal_the_sum_over_all_paths():
    rng, steps = np.random.default_rng(1), 4
    scores, times = rng.normal(size=(len(CUTOFFS_HZ), steps)) * 3, np.array([0.0, 0.02, 0.5, 0.52])
    states = range(len(CUTOFFS_HZ))
    wanted = np.zeros((steps, len(CUTOFFS_HZ)))
    for path in product(states, repeat=steps):
        chance = np.exp(sum(scores[state, k] for k, state in enumerate(path)))
        for k in range(1, steps):
            move = 0.5 * (1 - np.exp(-3 * (times[k] - times[k - 1])))  # 1.5 a second to either side
            stay = 1 - move * (2 - (path[k - 1] in {0, len(CUTOFFS_HZ) - 1}))
            apart = abs(path[k] - path[k - 1])
            chance *= stay if apart == 0 else move if apart == 1 else 0
        for k, state in enumerate(path):
            wanted[k, state] += chance
    np.testing.assert_allclose(share_out(scores, times), wanted / wanted.sum(1, keepdims=True), rtol=1e-9)


def test_without_scores_all_frequencies_are_equally_likely():
    chances = share_out(np.zeros((len(CUTOFFS_HZ), 5)), np.arange(5.0))
    np.testing.assert_allclose(chances, 1 / len(CUTOFFS_HZ))


def test_good_measurements_have_full_weight_and_gross_ones_less_the_grosser_they_are():
    assert weights(np.array([0.0, 3.0, 11.0])).tolist() == [1, 1, 1]
    falling = weights(np.array([12.0, 100.0, 1e4, 1e8]))
    assert (np.diff(falling) < 0).all()
    assert falling[-1] < 1e-6


def make_track(lasting_mm: float, white_mm: float, seed: int) -> JointTrack:
    """A slow swing of eight joints, with independent errors and errors that last for 0.06 s."""
    rng, frames = np.random.default_rng(seed), 400
    times = np.arange(frames) / RATE
    lasting = np.zeros((frames, 8, 3))
    keep = np.exp(-1 / RATE / 0.06)
    for k in range(1, frames):
        lasting[k] = keep * lasting[k - 1] + np.sqrt(1 - keep**2) * rng.normal(size=(8, 3))
    truth = 300 * np.sin(2 * np.pi * 0.4 * times[:, None, None] + rng.uniform(0, 6, (8, 3)))
    mean = truth + lasting_mm * lasting + white_mm * rng.normal(size=truth.shape)
    known = np.ones((frames, 8), dtype=bool)
    return JointTrack(times, mean, np.broadcast_to(np.eye(3) * 49, (frames, 8, 3, 3)), known)


def factors_of(track: JointTrack) -> list[NoiseFactors]:
    runs = [track.runs(joint, MotionOptions()) for joint in range(track.known.shape[1])]
    return [noise_factors(track, joint, run) for joint, run in enumerate(runs)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_errors_that_last_are_told_from_independent_ones(seed):
    independent, lasting = (share_around(factors_of(make_track(*sizes, seed))) for sizes in ((0, 7), (6.5, 2.5)))
    assert independent > 0.6
    assert lasting < 0.3


def test_the_share_falls_from_nine_tenths_to_nothing():
    shares = [share_around([NoiseFactors(ratio, 1.0)] * 3) for ratio in (0.5, 1.05, 1.175, 1.3, 5.0)]
    assert shares == pytest.approx([0.9, 0.9, 0.45, 0, 0])


def test_joints_of_which_too_little_is_known_do_not_decide():
    nothing = NoiseFactors(float("nan"), float("nan"))
    assert share_around([nothing, NoiseFactors(1.3, 1.0), nothing]) == pytest.approx(0)
    assert share_around([nothing]) == pytest.approx(0.9)
    few = make_track(0, 7, 1)
    known = few.known & (np.arange(400) < 10)[:, None]
    assert all(np.isnan(one.around) for one in factors_of(JointTrack(few.times_s, few.mean, few.cov, known)))
