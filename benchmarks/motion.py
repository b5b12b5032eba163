"""Smoothing over time on simulated takes whose true positions are known, beside a Butterworth filter of 6 Hz.

    python benchmarks/motion.py --seeds 20 21 22 23 24 25 26 27 28 29

A person of the simulation moves through activities, at the simulation's pace (slow), three and a half times faster
(fast), or with fast stretches in a slow take (mixed). Each of 16 joints is measured with normal noise of 7 mm along
each axis, or with 60 mm in one measurement of twenty (outliers). All covariances given to the smoother are equal, and
nine times too large. The model's settings were chosen on seeds 100 to 104, and on keypoints of the balance
capture, measured and simulated; the default seeds were not looked at for it. Errors are mean distances from the truth.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import butter, filtfilt

from poseharvest.annotations.smoothing import joint_groups
from poseharvest.motion import JointTrack, SmoothTrack, smooth
from poseharvest.simulation.body import make_actor
from poseharvest.skeleton.definitions import MPII16

FRAME_RATE = 50.0
SIGMA_MM, OUTLIER_MM, OUTLIER_SHARE = 7.0, 60.0, 0.05
CUTOFF_HZ = 6.0
_TOO_LARGE = 9.0
_WITHIN = 6.251  # squared Mahalanobis distance of 90 % of a normal distribution in 3D

Floats = NDArray[np.float64]


def paces() -> dict[str, Callable[[Floats], Floats]]:
    """Return by name how many times faster than the simulation the person moves, at times in seconds."""
    return {
        "slow": np.ones_like,
        "fast": lambda times: np.full_like(times, 3.5),
        "mixed": lambda times: np.where(np.sin(2 * np.pi * times / 5) > 0.5, 4.0, 1.0),
    }


def true_positions(seed: int, pace: Callable[[Floats], Floats], num_frames: int) -> Floats:
    """Return (T, J, 3) mm; the pace changes within a third of a second."""
    times = np.arange(num_frames) / FRAME_RATE
    window = np.hanning(15) / np.hanning(15).sum()
    speed = np.convolve(np.pad(pace(times), 7, mode="edge"), window, "valid")
    phase = torch.from_numpy(np.cumsum(speed) / FRAME_RATE)
    return np.asarray(make_actor(seed).points(phase)[:, : len(MPII16)].numpy())


def measure(truth: Floats, seed: int, *, outliers: bool) -> JointTrack:
    """Return measurements of true positions."""
    rng = np.random.default_rng(seed)
    is_gross = rng.random((*truth.shape[:2], 1)) < (OUTLIER_SHARE if outliers else 0)
    noise = rng.normal(size=truth.shape) * np.where(is_gross, OUTLIER_MM, SIGMA_MM)
    cov = np.broadcast_to(np.eye(3) * SIGMA_MM**2 * _TOO_LARGE, (*truth.shape, 3))
    known = np.ones(truth.shape[:2], dtype=bool)
    return JointTrack(np.arange(len(truth)) / FRAME_RATE, truth + noise, cov, known)


def butterworth(positions: Floats, cutoff_hz: float = CUTOFF_HZ, order: int = 2) -> Floats:
    """Return positions after a filter, of second order if nothing else is asked for, forwards and backwards."""
    b, a = butter(order, cutoff_hz / (FRAME_RATE / 2))
    return np.asarray(filtfilt(b, a, positions, axis=0))


def mean_error(positions: Floats, truth: Floats) -> float:
    return float(np.linalg.norm(positions - truth, axis=-1).mean())


def row(result: SmoothTrack, track: JointTrack, truth: Floats) -> tuple[float, ...]:
    """Return the errors of raw, filtered and smooth positions, the share in 90 % spheres, and the median cut-off."""
    distance = ((result.mean - truth) ** 2).sum(-1) / result.sigma_mm**2
    positions = (track.mean, butterworth(track.mean), result.mean)
    errors = [mean_error(one, truth) for one in positions]
    return (*errors, 100 * float((distance < _WITHIN).mean()), float(np.median(result.cutoff_hz)))


def study(seeds: Sequence[int], num_frames: int) -> None:
    groups = joint_groups(MPII16)
    header = f"{'take':16s}{'raw':>8s}{'6 Hz':>8s}{'smooth':>8s}{'in 90 %':>9s}{'cut-off':>9s}{'ms/frame':>10s}"
    print(f"{len(seeds)} takes of {num_frames} frames at {FRAME_RATE:g} Hz; mean error in mm\n{header}")
    smooth(measure(true_positions(seeds[0], np.ones_like, 50), 0, outliers=False), groups)  # compiles the loops
    for name, pace in paces().items():
        for outliers in (False, True):
            rows, cpu_s = [], 0.0
            for seed in seeds:
                truth = true_positions(seed, pace, num_frames)
                track = measure(truth, seed, outliers=outliers)
                start = time.process_time()
                result = smooth(track, groups)
                cpu_s += time.process_time() - start
                rows.append(row(result, track, truth))
            raw, filtered, ours, within, cutoff = np.mean(rows, 0)
            label = name + (", outliers" if outliers else "")
            per_frame = 1000 * cpu_s / (len(seeds) * num_frames)
            print(f"{label:16s}{raw:8.2f}{filtered:8.2f}{ours:8.2f}{within:9.1f}{cutoff:9.1f}{per_frame:10.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(20, 30)))
    parser.add_argument("--frames", type=int, default=500)
    arguments = parser.parse_args()
    study(arguments.seeds, arguments.frames)


if __name__ == "__main__":
    main()
