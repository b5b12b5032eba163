"""Smoothing a track: each joint by its own Kalman filter, run forwards and backwards."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from poseharvest.motion.cutoffs import (
    Learned,
    learn,
    noise_factors,
    noise_power,
    reference_variance,
    share_around,
    start_of,
    start_variances,
)
from poseharvest.motion.joint_tracks import Floats, JointTrack, SmoothTrack
from poseharvest.motion.kalman_loops import Filtered, Measured, Smoothed, run_backward, run_forward
from poseharvest.motion.motion_options import MotionOptions


def smooth(track: JointTrack, groups: Sequence[Sequence[int]], options: MotionOptions | None = None) -> SmoothTrack:
    """Return a track's smooth positions; gaps up to the longest one are filled.

    Args:
        track: one person's measured joints.
        groups: indices of joints that move equally fast, such as left and right; every joint is in one group.
        options: the defaults if None.
    """
    options = options or MotionOptions()
    frames, joints = track.known.shape
    runs = [track.runs(joint, options) for joint in range(joints)]
    mean, sigma, cutoff = (np.full((frames, joints, *more), np.nan) for more in ((3,), (), ()))
    factor, power = np.empty(joints), np.empty(joints)
    factors = [noise_factors(track, joint, runs[joint]) for joint in range(joints)]
    share = share_around(factors)
    for group in groups:
        all_learned = learn(track, group, [runs[j] for j in group], factors=[factors[j] for j in group], share=share)
        for joint, learned in zip(group, all_learned, strict=True):
            for run in runs[joint]:
                smoothed = smooth_run(track, joint, run, learned)
                det = np.linalg.det(smoothed.spread * learned.noise_factor)
                mean[run, joint], sigma[run, joint] = smoothed.place, np.maximum(det, 0) ** (1 / 6)
            noise = noise_power(learned.cutoff_hz, reference_variance(track, joint), track.step_s)
            cutoff[:, joint], factor[joint] = learned.cutoff_hz, learned.noise_factor
            power[joint] = learned.noise_factor * float(np.median(noise))
    return SmoothTrack(mean, sigma, np.isfinite(sigma) & ~track.known, cutoff, factor, power)


def smooth_run(track: JointTrack, joint: int, run: slice, learned: Learned) -> Smoothed:
    """Return the smooth positions (T, 3) of a joint in a run; their covariances lack the noise factor."""
    usual, known = reference_variance(track, joint), track.known[run, joint]
    times, place = track.times_s[run], np.where(known[:, None], track.mean[run, joint], 0.0)
    cutoff = learned.cutoff_hz[run]
    between = np.exp((np.log(cutoff) + np.log(np.concatenate((cutoff[:1], cutoff[:-1])))) / 2)
    measured = Measured(
        place=np.ascontiguousarray(place),
        cov=np.ascontiguousarray(track.cov[run, joint]),
        weight=np.where(known, learned.weight[run], 0.0),
        time=np.ascontiguousarray(times),
        noise=noise_power(between, usual, track.step_s),
    )
    start = start_of(times, place, known).ravel()
    spread = np.repeat(start_variances(float(np.exp(np.log(cutoff).mean())), usual), 3)
    return run_both_ways(measured, start, np.diag(spread))


def run_both_ways(measured: Measured, start: Floats, spread: Floats) -> Smoothed:
    """Return the smoothed positions of one point with M coordinates.

    Args:
        measured: T measurements.
        start: (3 M,) mean position, velocity and acceleration before the first measurement.
        spread: (3 M, 3 M) their covariance.
    """
    frames, axes = measured.place.shape
    size = 3 * axes
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
    return smoothed
