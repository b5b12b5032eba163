"""How well each of some cut-off frequencies predicts the measurements of a joint.

The power q of the noise that drives the motion is told by a frequency f: with measurements of variance r every dt
seconds, q = r dt (2 pi f)^6, and the smoother is then, far from the ends, a Butterworth filter of third order with that
cut-off. So f means the same whatever the units, the frame rate and the size of the covariances are. (Where errors last,
f still names the power, but the smoother is no such filter: it knows which frequencies the errors have.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from poseharvest.motion.error_times import ErrorTimes
from poseharvest.motion.joint_tracks import Flags, Floats, JointTrack
from poseharvest.motion.lasting_score_loops import Lasting, score_lasting
from poseharvest.motion.score_loops import Coordinates, Differences, score

CUTOFFS_HZ: Floats = 1.4 ** np.arange(10.0)
"""The frequencies that are tried."""

_ORDER = 3  # the first measurements only place the state
_WIDE = 1e4  # variance of the state before the first frame, relative to what the frequency allows
_FIRST = 6  # measurements that place it


@dataclass(frozen=True, eq=False)
class Scores:
    """How well each frequency predicts one joint; NaN where nothing was measured or predicted.

    Attributes:
        ahead: (2, G, T) squared Mahalanobis distances from the predictions by the frames before and after.
        ahead_logdet: (2, G, T) log determinants of their covariances.
        around: (1, G, T) the same by all other frames.
        around_logdet: (1, G, T).
    """

    ahead: Floats
    ahead_logdet: Floats
    around: Floats
    around_logdet: Floats


def reference_variance(track: JointTrack, joint: int) -> float:
    """Return the median variance of a joint's measurements along an axis, mm^2; 1 if there are none."""
    known = track.known[:, joint]
    return float(np.median(np.trace(track.cov[known, joint], axis1=1, axis2=2))) / 3 if known.any() else 1.0


def noise_power(cutoff_hz: Floats | float, variance: float, step_s: float) -> Floats:
    """Return the power of the noise in the third derivative, unit of variance / s^5."""
    return np.asarray(variance * step_s * (2 * np.pi * np.asarray(cutoff_hz)) ** 6)


def start_of(times_s: Floats, place: Floats, known: Flags) -> Floats:
    """Return position, velocity and acceleration (3, M) at the first time, by a line through the first measurements."""
    frames = np.flatnonzero(known)[:_FIRST]
    line = np.stack((np.ones(len(frames)), times_s[frames] - times_s[0]), 1)
    fitted = np.linalg.lstsq(line, place[frames], rcond=None)[0]
    return np.concatenate((fitted, np.zeros((1, place.shape[1]))))


def start_variances(cutoff_hz: float, variance: float) -> Floats:
    """Return wide variances (3,) of position, velocity and acceleration at the first time."""
    return np.asarray(_WIDE * variance * (2 * np.pi * cutoff_hz) ** np.array([0.0, 2.0, 4.0]))


def with_errors(start: Floats, variances: Floats, errors: ErrorTimes) -> tuple[Floats, Floats]:
    """Return the mean (D,) and the covariance (D, D) of the whole state at the first time.

    Args:
        start: (3 M,) position, velocity and acceleration.
        variances: (3 M,) of them.
        errors: if some last, the state has them and their velocities too.
    """
    if errors.lasting_share == 0:
        return start, np.diag(variances)
    axes = len(start) // 3
    whole = np.concatenate((variances, np.repeat([1.0, errors.rate**2], axes)))
    return np.concatenate((start, np.zeros(2 * axes))), np.diag(whole)


def joint_scores(track: JointTrack, joint: int, runs: Sequence[slice]) -> Scores:
    """Return how well each frequency predicts the measurements of a joint, run by run.

    The three coordinates along the principal axes of the mean covariance are taken as independent.
    """
    known = track.known[:, joint]
    shape = (len(CUTOFFS_HZ), len(known))
    found = Scores(*(np.full((number, *shape), np.nan) for number in (2, 2, 1, 1)))
    if not known.any():
        return found
    axes = np.linalg.eigh(track.cov[known, joint].mean(0))[1]
    cov = np.where(known[:, None, None], track.cov[:, joint], np.eye(3))
    variance = np.where(known[:, None], np.einsum("ia,tij,ja->ta", axes, cov, axes), np.inf)
    place = np.where(known[:, None], track.mean[:, joint], 0.0) @ axes
    scale = _Scale(reference_variance(track, joint), track.step_s, track.errors)
    for run in runs:
        times = track.times_s[run]
        ways = ((times, slice(None)), (times[-1] - times[::-1], slice(None, None, -1)))
        for way, (time, order) in enumerate(ways):
            part = _score_run(time, place[run][order], variance[run][order], scale)
            found.ahead[way][:, run], found.ahead_logdet[way][:, run] = (part[i][:, order] for i in (0, 1))
            if way == 0:
                found.around[0][:, run], found.around_logdet[0][:, run] = part[2:]
    return found


class _Scale(NamedTuple):
    """What a frequency means for a joint: the usual variance, the usual seconds between frames, how errors last."""

    usual: float
    step_s: float
    errors: ErrorTimes


def _score_run(times_s: Floats, place: Floats, variance: Floats, scale: _Scale) -> Floats:
    """Return (4, G, T): distances and log determinants, by the frames before and by all others; NaN where unknown.

    Args:
        times_s: (T,) seconds, ascending.
        place: (T, 3) positions along independent axes.
        variance: (T, 3) their variances; infinite where not known.
        scale: of the joint.
    """
    known = np.isfinite(variance[:, 0])
    start = start_of(times_s, place, known)
    coordinates = Coordinates(*(np.ascontiguousarray(x) for x in (place.T, variance.T, times_s, start.T)))
    found = np.zeros((4, len(CUTOFFS_HZ), len(times_s)))
    for g, cutoff in enumerate(CUTOFFS_HZ.tolist()):
        power = float(noise_power(cutoff, scale.usual, scale.step_s))
        variances, differences = start_variances(cutoff, scale.usual), Differences(*found[:, g])
        if scale.errors.lasting_share > 0:
            lasting = Lasting(scale.errors.lasting_share, scale.errors.rate)
            score_lasting(coordinates, power, variances, lasting, differences)
        else:
            score(coordinates, power, variances, differences)
    found[:, :, ~known] = np.nan
    found[:2, :, np.flatnonzero(known)[:_ORDER]] = np.nan
    return found
