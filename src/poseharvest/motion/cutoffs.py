"""Learning from the footage how fast its joints move: a cut-off frequency for every frame.

Each frequency of a list gets two scores in each frame (`cutoff_scores`). One is its likelihood by the
frames before it and by those after it: in sum the marginal likelihood, and symmetric in time. The other is its
likelihood by all other frames. Where it is not known how large the errors are and how long they last, the first smooths
more where they last for several frames, and the second follows motion more closely where they are independent;
`share_around` says which one counts more. The frequency may change over time, so a hidden Markov model over the list
joins neighbouring frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poseharvest.compiled import compiled
from poseharvest.motion.cutoff_scores import CUTOFFS_HZ, joint_scores
from poseharvest.motion.joint_tracks import Floats, JointTrack

DEGREES_OF_FREEDOM = 8.0
"""Of the Student-t distribution of the differences: gross errors are frequent."""

GATE = 11.34
"""The squared Mahalanobis distance that one good measurement in a hundred exceeds; beyond it, weights fall."""

_CHANGES_PER_S = 1.5  # from a frequency to the next higher one; as often to the next lower one
_LARGEST_SHARE = 0.9  # of the score by all other frames
_INDEPENDENT, _LASTING = 1.05, 1.3  # ratios of the two noise factors at which that share is largest, and none
_CHI2_MEDIAN = 2.366  # of three degrees of freedom
_ENOUGH = 12  # measurements to judge their covariances by
_SMALLEST_FACTOR = 1e-4


@dataclass(frozen=True)
class NoiseFactors:
    """What the covariances of a joint must be multiplied by, estimated in two ways; NaN if too little is known.

    Attributes:
        ahead: by the predictions of the frames before and after.
        around: by the predictions of all other frames.
    """

    ahead: float
    around: float


@dataclass(frozen=True, eq=False)
class Learned:
    """What is learned of one joint.

    Attributes:
        cutoff_hz: (T,) the frequency by frame.
        weight: (T,) 0 to 1, less than 1 for a gross error.
        noise_factor: of the covariances.
    """

    cutoff_hz: Floats
    weight: Floats
    noise_factor: float


def noise_factors(track: JointTrack, joint: int, runs: Sequence[slice]) -> NoiseFactors:
    """Return both noise factors of a joint, from its stretches without long gaps."""
    if track.is_calibrated:
        changing = 1 - track.errors.constant_share
        return NoiseFactors(changing, changing)
    scores = joint_scores(track, joint, runs)
    return NoiseFactors(
        ahead=noise_factor(scores.ahead, scores.ahead_logdet), around=noise_factor(scores.around, scores.around_logdet)
    )


def share_around(factors: Sequence[NoiseFactors]) -> float:
    """Return how much the score by all other frames counts, from what the joints of one person tell: 0 to 0.9.

    If errors last for several frames, the frequency that predicts a frame best from all others follows the errors, and
    its noise factor is too small. The frequency that predicts best from the frames before cannot do that.
    """
    ratios = [one.ahead / one.around for one in factors if np.isfinite(one.ahead) and np.isfinite(one.around)]
    ratio = float(np.median(ratios)) if ratios else _INDEPENDENT
    return _LARGEST_SHARE * float(np.clip((_LASTING - ratio) / (_LASTING - _INDEPENDENT), 0, 1))


def learn(
    track: JointTrack,
    group: Sequence[int],
    runs: Sequence[Sequence[slice]],
    *,
    factors: Sequence[NoiseFactors],
    share: float,
) -> list[Learned]:
    """Return what the track tells of the joints of a group, in its order.

    Args:
        track: T frames, J joints.
        group: joints that share their frequency, such as left and right.
        runs: of every joint of the group, its stretches without long gaps.
        factors: of every joint of the group.
        share: 0 to 1, how much the score by all other frames counts.
    """
    around, ahead = (_completed([getattr(one, name) for one in factors]) for name in ("around", "ahead"))
    scores = [joint_scores(track, joint, of_joint) for joint, of_joint in zip(group, runs, strict=True)]
    total = np.zeros((len(CUTOFFS_HZ), len(track.times_s)))
    for one, factor_around, factor_ahead in zip(scores, around, ahead, strict=True):
        total += log_densities(one.around, one.around_logdet, factor_around) * share
        total += log_densities(one.ahead, one.ahead_logdet, factor_ahead) * (1 - share)
    # Errors of the joints of a group go together: they count for less than independent ones.
    chances = share_out(total / len(group) ** 0.5, track.times_s)
    cutoff = np.exp(chances @ np.log(CUTOFFS_HZ))
    distances = [np.nansum(chances.T * one.around[0], 0) / factor for one, factor in zip(scores, around, strict=True)]
    return [Learned(cutoff, weights(d), factor) for d, factor in zip(distances, around, strict=True)]


def weights(distance: Floats) -> Floats:
    """Return the weights of measurements at squared Mahalanobis distances from what all other frames predict."""
    return np.minimum(1.0, (DEGREES_OF_FREEDOM + GATE) / (DEGREES_OF_FREEDOM + distance))


def log_densities(distance: Floats, logdet: Floats, factor: float) -> Floats:
    """Return the mean Student-t log densities (G, T) up to a constant; 0 where nothing is known.

    Args:
        distance: (N, G, T) squared Mahalanobis distances.
        logdet: (N, G, T) log determinants of their covariances.
        factor: of those covariances.
    """
    nu = DEGREES_OF_FREEDOM
    log_density = -0.5 * ((nu + 3) * np.log1p(distance / (nu * factor)) + logdet + 3 * np.log(factor))
    return np.asarray(np.nan_to_num(log_density).mean(0))


def noise_factor(distance: Floats, logdet: Floats) -> float:
    """Return the factor of the covariances that fits best; NaN if too few differences are known.

    For each frequency it is that which gives the distances the median of a chi-square distribution, so gross errors do
    not count; the likeliest frequency decides.

    Args:
        distance: (N, G, T) squared Mahalanobis distances.
        logdet: (N, G, T) log determinants of their covariances.
    """
    if np.isfinite(distance[0, 0]).sum() < _ENOUGH:
        return float("nan")
    factors = np.maximum(np.nanmedian(distance, axis=(0, 2)) / _CHI2_MEDIAN, _SMALLEST_FACTOR)
    totals = [log_densities(distance[:, [g]], logdet[:, [g]], float(factor)).sum() for g, factor in enumerate(factors)]
    return float(factors[int(np.argmax(totals))])


def share_out(scores: Floats, times_s: Floats) -> Floats:
    """Return the chances (T, G) of each frequency in each frame, by a hidden Markov model.

    Args:
        scores: (G, T) log likelihoods of the frames.
        times_s: (T,) seconds, ascending.
    """
    likelihood = np.ascontiguousarray(np.exp(scores - scores.max(0)).T)
    moves = 0.5 * (1 - np.exp(-2 * _CHANGES_PER_S * np.diff(times_s, prepend=times_s[0])))
    chances = np.empty_like(likelihood)
    _forward_backward(likelihood, moves, chances)
    return chances


@compiled
def _forward_backward(likelihood: Floats, moves: Floats, chances: Floats) -> None:
    """Fill `chances` (T, G); `moves` is the chance of a step to each neighbour since the frame before."""
    frames, states = likelihood.shape
    belief = np.full(states, 1.0 / states)
    for k in range(frames):
        belief = _blurred(belief, moves[k]) * likelihood[k]
        belief /= belief.sum()
        chances[k] = belief
    later = np.ones(states)
    for k in range(frames - 1, -1, -1):
        chances[k] *= later
        chances[k] /= chances[k].sum()
        later = _blurred(later * likelihood[k], moves[k])
        later /= later.sum()


@compiled
def _blurred(belief: Floats, move: float) -> Floats:
    """Return a belief after a possible step to a neighbour; there is no step beyond the ends."""
    out = belief.copy()
    for g in range(len(belief) - 1):
        passed = move * (belief[g] - belief[g + 1])
        out[g] -= passed
        out[g + 1] += passed
    return out


def _completed(factors: Sequence[float]) -> list[float]:
    """Return the factors of a group; where one is not known, the median of the others, or 1."""
    known = [factor for factor in factors if np.isfinite(factor)]
    usual = float(np.median(known)) if known else 1.0
    return [factor if np.isfinite(factor) else usual for factor in factors]
