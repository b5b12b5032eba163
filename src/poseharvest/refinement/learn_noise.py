"""The detector's errors, learned from how far the views' peaks lie from what the other views say (choice D12)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from poseharvest.refinement.observations import (
    USUAL_ERROR,
    USUAL_WRONG_SHARE,
    WIDER,
    DetectorNoise,
    Observations,
    height_ratio,
)
from poseharvest.refinement.residuals import Residuals

_STRETCHES = 4  # of the frames, whose means are compared
_USUAL_COUNT = 30.0  # of coordinates that the usual error counts for
_TOGETHER_COUNT = 20.0  # of coordinates that what all views and joints say counts for, at one view and joint
_WRONG_SHARES = (0.002, 0.4)
_WIDER = (4.0, 20.0)
_LEAST_WRONG = 5.0  # peaks, from which on their width is learned
_MOST_CONSTANT = 0.95
_HEIGHT_POWERS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
_TINY = 1e-9
_LEAST_GAIN = 2.0  # of the log-likelihood
_LEAST_FREE = 0.2  # of a peak's two coordinates
_LEAST_RESIDUALS = 10
_MEDIAN = 0.69  # of the square of a normal error in a plane, a coordinate: ln 2
_SMALLEST_OF_USUAL = 0.02


def learn_noise(seen: Observations, residuals: Residuals) -> DetectorNoise:
    """Return the errors that explain the residuals: one step of expectation-maximisation.

    The size for a view and a joint is the product of a factor of the view and one of the joint, drawn to its own
    residuals as far as these are many independent ones.

    Args:
        seen: the peaks of F frames.
        residuals: of a fit under the errors so far.
    """
    usual_height = _usual_heights(seen)
    power = _height_power(seen, residuals, usual_height)
    weight = height_ratio(seen.height, usual_height) ** (2 * power)
    squares, free = residuals.precision * residuals.squares * weight, residuals.free
    constant = _constant_variance(residuals)
    total = (squares.sum() + _USUAL_COUNT * USUAL_ERROR**2) / (free.sum() + _USUAL_COUNT)
    constant_share = float((constant / total).clamp(0, _MOST_CONSTANT))
    variance = _by_view_and_joint(
        squares.sum(0), free.sum(0), total, _Counts(constant_share, residuals.independent_share)
    )
    wrong_share, wider = _wrong_peaks(residuals, weight, variance)
    return DetectorNoise(variance.sqrt(), wrong_share, wider, constant_share, power, usual_height)


def first_noise(residuals: Residuals) -> DetectorNoise:
    """Return errors to begin with: medians, which few wrong peaks do not move, for each view and joint.

    Where fewer than ten residuals are known the median of all counts.
    """
    known = residuals.free > _LEAST_FREE
    squares = torch.where(known, residuals.squares / residuals.free.clamp_min(_LEAST_FREE), torch.nan)
    of_all = squares.flatten().nanmedian().nan_to_num(USUAL_ERROR**2 * _MEDIAN)
    medians = torch.where(known.sum(0) >= _LEAST_RESIDUALS, squares.nanmedian(0).values, of_all)
    floor = (_SMALLEST_OF_USUAL * USUAL_ERROR) ** 2
    return DetectorNoise((medians / _MEDIAN).clamp_min(floor).sqrt())


class _Counts(NamedTuple):
    """How many of the residuals are draws of their own: what is constant is one, and frames in a row err alike."""

    constant_share: float
    independent_share: float

    def of(self, free: Tensor) -> Tensor:
        """Return how many coordinates count of `free` ones, (V, J)."""
        counted = free * self.independent_share
        return counted / (1 + self.constant_share / (1 - self.constant_share) * counted)


def _by_view_and_joint(squares: Tensor, free: Tensor, total: Tensor, counts: _Counts) -> Tensor:
    """Return variances (V, J) of sums of squares and of free coordinates, (V, J) each."""
    of_view = (squares.sum(1) + _TOGETHER_COUNT * total) / (free.sum(1) + _TOGETHER_COUNT)
    of_joint = (squares.sum(0) + _TOGETHER_COUNT * total) / (free.sum(0) + _TOGETHER_COUNT)
    expected = of_view[:, None] * of_joint / total
    independent = counts.of(free)
    own = squares / free.clamp_min(_TINY)
    return (independent * own + _TOGETHER_COUNT * expected) / (independent + _TOGETHER_COUNT)


def _constant_variance(residuals: Residuals) -> Tensor:
    """Return the variance, along an axis, of the part of the errors that is the same in all frames.

    Residuals of distant frames share nothing else: the products of the means of different stretches have its square as
    their mean.
    """
    stretches = torch.arange(len(residuals.right)).chunk(_STRETCHES)
    sums = torch.stack([(residuals.right[s, ..., None] * residuals.share[s]).sum(0) for s in stretches])
    counts = torch.stack([residuals.right[s].sum(0) for s in stretches])
    free = torch.stack([(residuals.right[s] * residuals.free[s]).sum(0) / 2 for s in stretches])
    products = sums.sum(0).square().sum(-1) - sums.square().sum((0, -1))
    pairs = counts.sum(0) * free.sum(0) - (counts * free).sum(0)
    return (products.sum() / (2 * pairs.sum()).clamp_min(_TINY)).clamp_min(0)


def _wrong_peaks(residuals: Residuals, weight: Tensor, variance: Tensor) -> tuple[float, float]:
    """Return the share of wrong peaks, and their standard deviation over that of right ones."""
    compared = residuals.free > 0
    wrong = torch.where(compared, 1 - residuals.right, 0.0)
    share = (float(wrong.sum()) + USUAL_WRONG_SHARE * _USUAL_COUNT) / (float(compared.sum()) + _USUAL_COUNT)
    wider = WIDER
    if float(wrong.sum()) > _LEAST_WRONG:
        squares = (wrong * residuals.squares * weight / variance).sum()
        wider = float((squares / (2 * wrong.sum())).sqrt())
    return min(max(share, _WRONG_SHARES[0]), _WRONG_SHARES[1]), min(max(wider, _WIDER[0]), _WIDER[1])


def _usual_heights(seen: Observations) -> Tensor:
    """Return (V, J) the median height of the peaks that are there, 0 where none is."""
    height = torch.where(seen.seen, seen.height, torch.nan)
    return height.nanmedian(0).values.nan_to_num(0.0)


def _height_power(seen: Observations, residuals: Residuals, usual_height: Tensor) -> float:
    """Return the power of the height with which errors fall, by the likelihood of the residuals."""
    log_ratio = height_ratio(seen.height, usual_height).log()
    free = residuals.free * residuals.right
    squares = residuals.right * residuals.squares

    def likelihood(power: float) -> float:
        variance = (squares * torch.exp(2 * power * log_ratio)).sum() / free.sum().clamp_min(_TINY)
        return float((power * free * log_ratio).sum() - free.sum() / 2 * variance.clamp_min(1e-30).log())

    # No dependence is the rule; a power has to tell more than few residuals can by chance.
    best = max(_HEIGHT_POWERS, key=likelihood)
    gain = (likelihood(best) - likelihood(0.0)) * residuals.independent_share
    return best if gain > _LEAST_GAIN else 0.0
