"""The clocks of all views to a fraction of a picture: offsets, and rates over long takes, with their uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from poseharvest.synchronisation.epipolar import apart, without_bias
from poseharvest.synchronisation.lag_costs import Pair
from poseharvest.synchronisation.view_joints import Floats, ViewRays

_MOST_STEPS = 60
_FARTHEST = 10.0  # usual errors; a larger distance counts no more
_STEP = 0.2  # pictures


@dataclass(frozen=True, eq=False)
class Clocks:
    """The clocks of V views: common time = own time + offset + rate * (own time - middle).

    Attributes:
        offsets_s: (V,) time to add in the middle of the take, seconds; 0 for the first view.
        rates: (V,) seconds to add per second, such as 1e-3 for a clock that runs 0.1 % too slow; 0 for the first view.
        middle_s: the time at which the offsets hold alone, seconds.
    """

    offsets_s: Floats
    rates: Floats
    middle_s: float

    def own_times(self, view: int, times_s: Floats) -> Floats:
        """Return the times of a view's own clock at common times (T,), seconds."""
        since: Floats = times_s - self.middle_s
        own: Floats = self.middle_s + (since - self.offsets_s[view]) / (1 + self.rates[view])
        return own


@dataclass(frozen=True, eq=False)
class ClockFit:
    """Clocks that fit best, and how well they are known.

    Attributes:
        clocks: the clocks.
        covariance: (N, N) of the offsets of the views 1 to V - 1 (seconds), followed by their rates if those were
            fitted. It is estimated from how much stretches of time disagree.
        apart: median distance between the rays of two views, in usual errors of the detector.
        duration_s: for how long two views show the same people, seconds.
    """

    clocks: Clocks
    covariance: Floats
    apart: float
    duration_s: float


def fit_clocks(
    views: Sequence[ViewRays], start: Clocks, times_s: Floats, blocks: NDArray[np.int64], *, with_rates: bool
) -> ClockFit:
    """Return the clocks under which the rays of all views meet best.

    Args:
        views: V views.
        start: clocks that are right to about a picture.
        times_s: (T,) common times at which the rays are compared, seconds.
        blocks: (T,) the stretch of time of each, from 0. Stretches are independent of one another, times within one
            are not.
        with_rates: whether the clocks' rates are fitted; else they keep those of `start`.
    """
    fit = _Fit(views, start, times_s, with_rates=with_rates)
    first = fit.residuals(fit.numbers)
    used = np.isfinite(first)
    if not used.any():
        return ClockFit(start, np.full((len(fit.numbers),) * 2, np.inf), float("inf"), 0.0)

    def residuals(numbers: Floats) -> Floats:
        # A joint that is lost on the way neither speaks for the clocks nor against them.
        now = fit.residuals(numbers)
        return np.where(np.isfinite(now), now, first)[used]

    def jacobian(numbers: Floats) -> Floats:
        steps = _STEP * np.eye(len(numbers))
        return np.stack([(residuals(numbers + step) - residuals(numbers - step)) / (2 * _STEP) for step in steps], 1)

    result = least_squares(residuals, fit.numbers, jac=jacobian, loss="cauchy", max_nfev=_MOST_STEPS)
    by_time = np.concatenate([np.repeat(blocks, fit.num_distances(pair)) for pair in fit.pairs])[used]
    by_joint = np.concatenate([np.tile(fit.joints, fit.num_people(pair) * len(times_s)) for pair in fit.pairs])[used]
    covariance = _covariance(jacobian(result.x), residuals(result.x), (by_time, by_joint))
    covariance *= np.outer(fit.units, fit.units)
    known = np.abs(residuals(result.x))
    clocks = fit.clocks(result.x)
    duration_s = fit.num_shown(clocks) * float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
    return ClockFit(clocks, covariance, float(np.median(known)) if len(known) else float("inf"), duration_s)


class _Fit:
    """The numbers that are fitted, and how far the rays are apart under them.

    The numbers are offsets in pictures, and rates in pictures from the middle of the take to its end.
    """

    def __init__(self, views: Sequence[ViewRays], start: Clocks, times_s: Floats, *, with_rates: bool) -> None:
        self._views, self._start, self._times_s, self._with_rates = views, start, times_s, with_rates
        num_clocks = len(views) - 1
        period_s = max(view.period_s for view in views)
        span_s = max(period_s, float(np.ptp(times_s)) / 2)
        self.units = np.full(num_clocks, period_s)
        values = start.offsets_s[1:]
        if with_rates:
            self.units = np.concatenate((self.units, np.full(num_clocks, period_s / span_s)))
            values = np.concatenate((values, start.rates[1:]))
        self.numbers = values / self.units
        self.pairs = tuple(combinations(range(len(views)), 2))
        shown = self._shown(start)
        self._people = [_who_fits(views, shown, pair) for pair in self.pairs]

    def clocks(self, numbers: Floats) -> Clocks:
        """Return the clocks of fitted numbers."""
        values, num_clocks = numbers * self.units, len(self._views) - 1
        offsets_s = np.concatenate(([0.0], values[:num_clocks]))
        rates = np.concatenate(([0.0], values[num_clocks:])) if self._with_rates else self._start.rates
        return Clocks(offsets_s, rates, self._start.middle_s)

    @property
    def joints(self) -> NDArray[np.int64]:
        """(J,) numbers of the joints."""
        return np.arange(self._views[0].directions.shape[2])

    def num_people(self, pair: Pair) -> int:
        """Return the number of people who are compared for a pair of views."""
        return int(self._views[pair[0]].directions.shape[1])

    def num_distances(self, pair: Pair) -> int:
        """Return the number of distances of a pair of views at each time."""
        return self.num_people(pair) * len(self.joints)

    def residuals(self, numbers: Floats) -> Floats:
        """Return the distances of all pairs in usual errors, pair after pair, and within one time after time."""
        shown = self._shown(self.clocks(numbers))
        return np.concatenate([
            _distances(self._views, shown, pair, people).ravel()
            for pair, people in zip(self.pairs, self._people, strict=True)
        ])

    def num_shown(self, clocks: Clocks) -> int:
        """Return the number of times at which two views or more show somebody."""
        shown = np.stack([np.isfinite(one).all(-1).any(-1).any(-1) for one in self._shown(clocks)])
        return int((shown.sum(0) > 1).sum())

    def _shown(self, clocks: Clocks) -> list[Floats]:
        return [view.at(clocks.own_times(number, self._times_s)) for number, view in enumerate(self._views)]


def _distances(views: Sequence[ViewRays], shown: Sequence[Floats], pair: Pair, people: NDArray[np.int64]) -> Floats:
    """Return (T, P, J) distances of a view's people from the people (T, P) of another view, in usual errors."""
    one, other = pair
    theirs = np.take_along_axis(shown[other], people[..., None, None], axis=1)
    return without_bias(apart(views[one], views[other], shown[one], theirs).clip(-_FARTHEST, _FARTHEST))


def _who_fits(views: Sequence[ViewRays], shown: Sequence[Floats], pair: Pair) -> NDArray[np.int64]:
    """Return (T, P) for each person of a view that person of the other view who fits best."""
    num_others = shown[pair[1]].shape[1]
    costs = []
    for other in range(num_others):
        people = np.full(shown[pair[0]].shape[:2], other)
        distances = np.abs(_distances(views, shown, pair, people))
        known = np.isfinite(distances)
        total = np.where(known, distances, 0.0).sum(-1) / np.maximum(known.sum(-1), 1)
        costs.append(np.where(known.any(-1), total, np.inf))
    return np.asarray(np.argmin(np.stack(costs), axis=0), dtype=np.int64)


def _covariance(jacobian: Floats, residuals: Floats, groupings: Sequence[NDArray[np.int64]]) -> Floats:
    """Return the covariance of fitted numbers by the sandwich rule: how much groups of residuals disagree about them.

    Args:
        jacobian: (N, P) of the residuals.
        residuals: (N,) at the fit.
        groupings: each gives (N,) the group of each residual. What is grouped errs together: the times of one stretch,
            and a joint, which a detector sees too far to one side wherever it moves. Their covariances add up.
    """
    weights = 1 / (1 + residuals**2)  # of Cauchy's loss
    normal = (jacobian * weights[:, None]).T @ jacobian
    inverse = np.linalg.pinv(normal)
    covariance = np.zeros_like(normal)
    for groups in groupings:
        scores = np.zeros((int(groups.max(initial=0)) + 1, jacobian.shape[1]))
        np.add.at(scores, groups, jacobian * (weights * residuals)[:, None])
        num_groups = len(np.unique(groups))
        covariance += num_groups / max(1, num_groups - 1) * inverse @ (scores.T @ scores) @ inverse
    # A number that nothing depends on is not known to be 0.
    unknown = np.diag(normal) <= 1e-12 * max(1.0, float(np.diag(normal).max(initial=0)))
    covariance[unknown, unknown] = np.inf
    return covariance
