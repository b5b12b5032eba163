"""Laws of the smoother: what may not change it, and what it must recover."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lasting_errors_kit import mixed_errors
from poseharvest.errors import ConfigError, ShapeError
from poseharvest.motion import JointTrack, MotionOptions, smooth
from poseharvest.motion.cutoff_scores import noise_power
from poseharvest.motion.error_times import ErrorTimes

RATE = 50.0
SIGMA_MM = 7.0
PAIR = ((0, 1),)


def swing(frames: int, joints: int = 2, hz: float = 0.7) -> np.ndarray:
    """Smooth positions (T, J, 3), mm."""
    times = np.arange(frames)[:, None, None] / RATE
    phase = np.arange(joints)[:, None] + np.arange(3)
    return 400 * np.sin(2 * np.pi * hz * times + phase) + 300 * times


def make_track(truth: np.ndarray, seed: int = 5, sigma_mm: float = SIGMA_MM) -> JointTrack:
    """The positions with noise of correlated axes, and its covariances."""
    rng = np.random.default_rng(seed)
    roots = np.eye(3) + 0.3 * rng.normal(size=(*truth.shape, 3))
    cov = sigma_mm**2 * roots @ roots.swapaxes(-1, -2)
    noise = (sigma_mm * roots @ rng.normal(size=(*truth.shape, 1)))[..., 0]
    known = np.ones(truth.shape[:2], dtype=bool)
    return JointTrack(np.arange(len(truth)) / RATE, truth + noise, cov, known)


def without(track: JointTrack, frames: slice, joint: int = 0) -> JointTrack:
    known = track.known.copy()
    known[frames, joint] = False
    return replace(track, known=known)


def rms(errors: np.ndarray) -> float:
    return float(np.sqrt((errors**2).mean()))


def test_motion_at_constant_velocity_is_not_changed():
    truth = np.arange(60)[:, None, None] / RATE * np.array([1500.0, -300.0, 20.0]) + np.zeros((60, 2, 3))
    track = replace(make_track(truth), mean=truth)
    np.testing.assert_allclose(smooth(track, PAIR).mean, truth, atol=1e-6)


def test_turning_and_shifting_the_world_turns_and_shifts_the_result():
    track = make_track(swing(80))
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    shift = np.array([5000.0, -200.0, 90.0])
    moved = replace(track, mean=track.mean @ turn.T + shift, cov=turn @ track.cov @ turn.T)
    one, other = smooth(track, PAIR), smooth(moved, PAIR)
    np.testing.assert_allclose(other.mean, one.mean @ turn.T + shift, atol=1e-6)
    np.testing.assert_allclose(other.sigma_mm, one.sigma_mm, rtol=1e-6)


def test_another_unit_of_length_gives_the_same_result_in_that_unit():
    track = make_track(swing(80))
    one, other = smooth(track, PAIR), smooth(replace(track, mean=track.mean / 1000, cov=track.cov / 1e6), PAIR)
    np.testing.assert_allclose(other.mean, one.mean / 1000, atol=1e-9)
    np.testing.assert_allclose(other.sigma_mm, one.sigma_mm / 1000, rtol=1e-6)
    np.testing.assert_allclose(other.cutoff_hz, one.cutoff_hz, rtol=1e-6)


def test_only_ratios_of_covariances_count():
    track = make_track(swing(80))
    one, other = smooth(track, PAIR), smooth(replace(track, cov=track.cov * 9), PAIR)
    np.testing.assert_allclose(other.mean, one.mean, atol=1e-6)
    np.testing.assert_allclose(other.sigma_mm, one.sigma_mm, rtol=1e-6)
    np.testing.assert_allclose(other.noise_factor, one.noise_factor / 9, rtol=1e-6)


def test_time_may_run_backwards():
    track = without(make_track(swing(80)), slice(30, 35))
    turned = JointTrack(track.times_s, track.mean[::-1], track.cov[::-1], track.known[::-1])
    one, other = smooth(track, PAIR), smooth(turned, PAIR)
    np.testing.assert_allclose(other.mean[::-1], one.mean, atol=0.02)  # the wide start differs
    np.testing.assert_allclose(other.sigma_mm[::-1], one.sigma_mm, rtol=2e-3)


def test_what_is_not_known_does_not_count():
    track = without(make_track(swing(80)), slice(30, 35))
    mean, cov = track.mean.copy(), track.cov.copy()
    mean[30:35, 0], cov[30:35, 0] = np.nan, np.nan
    one, other = smooth(track, PAIR), smooth(replace(track, mean=mean, cov=cov), PAIR)
    np.testing.assert_array_equal(other.mean, one.mean)


def test_in_a_gap_the_uncertainty_grows_towards_its_middle():
    smoothed = smooth(without(make_track(swing(80)), slice(30, 39)), PAIR)
    sigma = smoothed.sigma_mm[29:40, 0]
    assert (np.diff(sigma[:5]) > 0).all()
    assert (np.diff(sigma[6:]) < 0).all()
    assert smoothed.filled[30:39, 0].all()
    assert smoothed.filled.sum() == 9


@pytest.mark.parametrize(("gap", "is_filled"), [(9, True), (10, False)])
def test_gaps_are_filled_up_to_the_longest_one(gap, is_filled):
    track = without(make_track(swing(80)), slice(30, 30 + gap))
    smoothed = smooth(track, PAIR, MotionOptions(longest_gap_s=0.2))  # ten steps
    assert np.isfinite(smoothed.mean[30 : 30 + gap, 0]).all() == is_filled
    assert smoothed.filled.any() == is_filled
    assert np.isfinite(smoothed.mean[:, 1]).all()
    assert np.isfinite(smoothed.mean[29, 0]).all()
    assert np.isfinite(smoothed.mean[30 + gap, 0]).all()


def test_nothing_is_said_before_the_first_and_after_the_last_measurement():
    track = without(without(make_track(swing(80)), slice(0, 3)), slice(76, None))
    smoothed = smooth(track, PAIR)
    assert np.isfinite(smoothed.mean[:, 0, 0]).tolist() == [3 <= k < 76 for k in range(80)]
    assert not smoothed.filled.any()


def test_a_joint_that_is_never_known_has_no_position():
    smoothed = smooth(without(make_track(swing(80)), slice(None)), PAIR)
    assert np.isnan(smoothed.mean[:, 0]).all()
    assert np.isfinite(smoothed.mean[:, 1]).all()


def test_a_single_measurement_stays_where_it_is():
    track = without(without(make_track(swing(80)), slice(0, 40)), slice(41, None))
    smoothed = smooth(track, PAIR)
    np.testing.assert_allclose(smoothed.mean[40, 0], track.mean[40, 0], atol=1e-6)


def from_the_model(frames: int, cutoff_hz: float, seed: int) -> np.ndarray:
    """Motion (T, 3) that white noise in the third derivative makes, as much of it as the cut-off frequency says."""
    rng, fine = np.random.default_rng(seed), 20
    power = float(noise_power(np.float64(cutoff_hz), SIGMA_MM**2, 1 / RATE))
    h = 1 / RATE / fine
    jerk = rng.normal(size=(frames * fine, 3)) * np.sqrt(power / h)
    position = np.cumsum(np.cumsum(np.cumsum(jerk, 0) * h, 0) * h, 0) * h
    return position[::fine]


@pytest.mark.parametrize("cutoff_hz", [2.0, 5.0, 9.0])
def test_the_noise_that_made_the_motion_is_recovered(cutoff_hz):
    truth = np.stack([from_the_model(600, cutoff_hz, seed) for seed in (1, 2)], 1)
    track = make_track(truth)
    track = replace(track, cov=np.broadcast_to(np.eye(3) * SIGMA_MM**2, track.cov.shape))
    rng = np.random.default_rng(4)
    track = replace(track, mean=truth + rng.normal(size=truth.shape) * SIGMA_MM)
    smoothed = smooth(track, PAIR)
    assert np.median(smoothed.cutoff_hz) == pytest.approx(cutoff_hz, rel=0.15)
    assert smoothed.noise_factor == pytest.approx([1.0, 1.0], rel=0.2)
    wanted = float(noise_power(np.float64(cutoff_hz), SIGMA_MM**2, 1 / RATE))
    assert np.log(smoothed.process_noise / wanted) == pytest.approx(0, abs=1)  # it goes with the sixth power
    errors = (smoothed.mean - truth) / smoothed.sigma_mm[..., None]
    assert rms(errors) == pytest.approx(1, abs=0.12)


def calibrated_track(truth: np.ndarray, errors: ErrorTimes, seed: int = 7) -> JointTrack:
    """Positions with errors of those kinds whose covariance is known."""
    shares = (errors.constant_share, errors.lasting_share)
    noise = SIGMA_MM * mixed_errors(truth.shape, shares, max(errors.rate, 1.0), 1 / RATE, seed)
    cov = np.broadcast_to(np.eye(3) * SIGMA_MM**2, (*truth.shape, 3))
    known = np.ones(truth.shape[:2], dtype=bool)
    return JointTrack(np.arange(len(truth)) / RATE, truth + noise, cov, known, errors, is_calibrated=True)


@pytest.mark.parametrize("constant", [0.0, 0.5])
@pytest.mark.parametrize("lasting", [0.0, 0.9])
def test_sigma_is_the_error_however_long_errors_last(constant, lasting):
    errors = ErrorTimes(constant, lasting, 36.0 if lasting else 0.0)
    truth = np.stack([from_the_model(600, 2.0, seed) for seed in range(8)], 1)
    smoothed = smooth(calibrated_track(truth, errors), [(j,) for j in range(8)])
    assert rms((smoothed.mean - truth) / smoothed.sigma_mm[..., None]) == pytest.approx(1, abs=0.15)
    assert smoothed.noise_factor == pytest.approx([1 - constant] * 8)


def test_knowing_that_errors_last_brings_the_result_nearer_to_the_truth():
    errors = ErrorTimes(0.0, 0.9, 36.0)
    truth = swing(400)
    track = calibrated_track(truth, errors)
    knowing, not_knowing = (smooth(one, PAIR).mean for one in (track, replace(track, errors=ErrorTimes())))
    assert rms(knowing - truth) < 0.95 * rms(not_knowing - truth) < 0.95 * rms(track.mean - truth)


def test_lasting_errors_of_changing_covariances_turn_with_the_world():
    errors = ErrorTimes(0.2, 0.7, 36.0)
    track = replace(make_track(swing(80)), errors=errors, is_calibrated=True)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    turned = replace(track, mean=track.mean @ turn.T, cov=turn @ track.cov @ turn.T)
    one, other = smooth(track, PAIR), smooth(turned, PAIR)
    np.testing.assert_allclose(other.mean, one.mean @ turn.T, atol=1e-6)
    np.testing.assert_allclose(other.sigma_mm, one.sigma_mm, rtol=1e-6)


def test_calibrated_covariances_are_taken_at_their_word():
    track = replace(make_track(swing(80)), is_calibrated=True)
    one, other = smooth(track, PAIR), smooth(replace(track, cov=track.cov * 9), PAIR)
    assert (one.noise_factor == 1).all()
    assert (other.sigma_mm > one.sigma_mm).all()
    assert rms(np.diff(other.mean, n=2, axis=0)) < rms(np.diff(one.mean, n=2, axis=0))


def test_covariances_that_are_too_small_are_found_out():
    track = make_track(swing(400))
    smoothed = smooth(replace(track, cov=track.cov / 25), PAIR)
    assert smoothed.noise_factor == pytest.approx([25, 25], rel=0.25)


def test_a_gross_error_moves_the_result_by_less_than_the_noise():
    truth = swing(100)
    track = make_track(truth)
    mean = track.mean.copy()
    mean[50, 0] += [0.0, 400.0, 0.0]
    one, other = smooth(track, PAIR), smooth(replace(track, mean=mean), PAIR)
    assert np.linalg.norm(other.mean - one.mean, axis=-1).max() < SIGMA_MM


def test_where_motion_is_fast_the_frequency_is_higher_and_the_error_less_than_at_any_constant_one():
    times = np.arange(500) / RATE
    speed = np.where((times > 4) & (times < 6), 8.0, 1.0)
    phase = 2 * np.pi * 0.4 * np.cumsum(speed) / RATE
    truth = 300 * np.stack([np.sin(phase), np.cos(phase), np.sin(phase + 1)], -1)[:, None] + np.zeros((1, 2, 1))
    track = make_track(truth)
    smoothed = smooth(track, PAIR)
    assert smoothed.cutoff_hz[225:275].mean() > 2 * smoothed.cutoff_hz[25:175].mean()
    ours = rms(smoothed.mean - truth)
    for fixed in (1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0):
        assert ours < rms(at_constant_cutoff(track, fixed) - truth)


def at_constant_cutoff(track: JointTrack, cutoff_hz: float) -> np.ndarray:
    from poseharvest.motion.cutoffs import Learned
    from poseharvest.motion.smoother import smooth_run

    frames, joints = track.known.shape
    learned = Learned(np.full(frames, cutoff_hz), np.ones(frames), 1.0)
    return np.stack([smooth_run(track, joint, slice(0, frames), learned).place for joint in range(joints)], 1)


def test_the_smoother_at_a_constant_frequency_is_a_butterworth_filter_of_third_order():
    frames, hz, cutoff = 401, 4.0, 5.0
    times = np.arange(frames) / RATE
    truth = np.zeros((frames, 1, 3))
    truth[:, 0, 0] = np.cos(2 * np.pi * hz * (times - times[200]))
    cov = np.broadcast_to(np.eye(3), (frames, 1, 3, 3))
    track = JointTrack(times, truth, cov, np.ones((frames, 1), dtype=bool))
    gain = at_constant_cutoff(track, cutoff)[200, 0, 0]
    assert gain == pytest.approx(1 / (1 + (hz / cutoff) ** 6), abs=0.01)  # forwards and backwards: the gain squared


def test_wrong_tracks_and_options_are_refused():
    track = make_track(swing(10))
    with pytest.raises(ShapeError, match="times that ascend"):
        replace(track, times_s=track.times_s[::-1])
    with pytest.raises(ShapeError, match="expected times, means and covariances of shapes"):
        replace(track, mean=track.mean[:, :1])
    with pytest.raises(ConfigError, match="longest gap: expected seconds from 0, got -1"):
        MotionOptions(longest_gap_s=-1)
