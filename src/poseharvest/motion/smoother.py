"""Smoothing a track: each joint by its own Kalman filter, run forwards and backwards."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from poseharvest.motion.cutoff_scores import (
    noise_power,
    reference_variance,
    start_of,
    start_variances,
    with_errors,
)
from poseharvest.motion.cutoffs import Learned, learn, noise_factors, share_around
from poseharvest.motion.joint_tracks import Floats, JointTrack, SmoothTrack
from poseharvest.motion.kalman_loops import Measured, Smoothed, run_both_ways
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
    # A frame's lasting error is in its neighbours too, so being predicted by them tells nothing of the motion.
    share = share_around(factors) * (1 - track.errors.lasting_share)
    for group in groups:
        all_learned = learn(track, group, [runs[j] for j in group], factors=[factors[j] for j in group], share=share)
        for joint, learned in zip(group, all_learned, strict=True):
            for run in runs[joint]:
                smoothed = smooth_run(track, joint, run, learned)
                mean[run, joint] = smoothed.place
                sigma[run, joint] = _sigma(track, joint, run, smoothed, learned.noise_factor)
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
    cov = np.where(known[:, None, None], track.cov[run, joint], np.eye(3))
    lasting = track.errors.lasting_share
    # A gross error is one that is new in its frame: what lasts stays as large.
    factor = np.where(known, 1 / np.where(known, learned.weight[run], 1.0), 1.0) - lasting
    measured = Measured(
        place=np.ascontiguousarray(place),
        cov=factor[:, None, None] * cov,
        is_known=np.ascontiguousarray(known),
        time=np.ascontiguousarray(times),
        noise=noise_power(between, usual, track.step_s),
        root=_root(cov) * lasting**0.5,
        rate=track.errors.rate,
    )
    start = start_of(times, place, known).ravel()
    spread = start_variances(float(np.exp(np.log(cutoff).mean())), usual)
    return run_both_ways(measured, *with_errors(start, np.repeat(spread, 3), track.errors))[1]


def _root(cov: Floats) -> Floats:
    """Return the symmetric square roots of covariances (T, 3, 3): they turn with the world, others do not."""
    values, axes = np.linalg.eigh(cov)
    return np.ascontiguousarray((axes * np.sqrt(np.maximum(values, 0))[:, None]) @ axes.swapaxes(-1, -2))


def _sigma(track: JointTrack, joint: int, run: slice, smoothed: Smoothed, factor: float) -> Floats:
    """Return det^(1/6) of the covariances (T,), mm: what stays the same does not average out over time."""
    usual = reference_variance(track, joint) * np.eye(3)
    measured = np.where(track.known[run, joint, None, None], track.cov[run, joint], usual)
    stays = track.errors.constant_share / (1 - track.errors.constant_share)
    det = np.linalg.det(factor * (smoothed.spread + stays * measured))
    return np.asarray(np.maximum(det, 0) ** (1 / 6))
