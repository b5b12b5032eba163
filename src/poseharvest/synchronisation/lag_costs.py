"""How well two views agree if one of them were so much later: a cost for each lag, and the offsets of all views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from poseharvest.synchronisation.epipolar import apart, without_bias
from poseharvest.synchronisation.view_joints import Floats, ViewRays

_FARTHEST = 10.0  # usual errors; a larger distance counts no more
_LEAST_JOINTS = 3  # a pair of people needs so many joints that both views show
_LEAST_OVERLAP = 0.3  # share of the largest number of pairs at any lag, for a lag to be judged
_NEAR = 3  # pictures; lags that are so near are one

Pair = tuple[int, int]


def sampled(view: ViewRays, start_s: float, step_s: float, count: int) -> Floats:
    """Return (T, P, J, 3) directions of a view at regular times of its own clock."""
    return view.at(np.asarray(start_s + step_s * np.arange(count), dtype=np.float64))


def lag_costs(first: ViewRays, second: ViewRays, sampled_pair: tuple[Floats, Floats], max_lag: int) -> Floats:
    """Return what each lag from -max_lag to max_lag costs: the second view shows at t + lag what the first shows at t.

    A person of the first view is compared with that person of the second who fits best. The cost of a distance r, in
    usual errors, is log(1 + r^2), so that wrong detections count little.

    Args:
        first: a view.
        second: another view.
        sampled_pair: their directions at the same regular times.
        max_lag: the largest lag, in those times.

    Returns:
        (3, 2 * max_lag + 1) mean costs of all times, of the first half and of the second half of them; NaN where too
        few people are shown by both views.
    """
    one, two = sampled_pair
    count = len(one)
    sums, counts = np.zeros((2, 2 * max_lag + 1)), np.zeros((2, 2 * max_lag + 1))
    for place, lag in enumerate(range(-max_lag, max_lag + 1)):
        times = np.arange(max(0, -lag), min(count, count - lag))
        cost = _costs_of_people(first, second, one[times], two[times + lag])
        known = np.isfinite(cost)
        is_late = times >= count / 2
        for half in (0, 1):
            counted = known & (is_late == half)[:, None]
            sums[half, place], counts[half, place] = cost[counted].sum(), counted.sum()
    sums, counts = (np.stack((part.sum(0), *part)) for part in (sums, counts))
    enough = counts >= np.maximum(1.0, _LEAST_OVERLAP * counts.max(1, keepdims=True))
    return np.where(enough, sums / np.maximum(counts, 1), np.nan)


def _costs_of_people(first: ViewRays, second: ViewRays, one: Floats, two: Floats) -> Floats:
    """Return (T, P) the mean cost over the joints of each person of the first view, beside who fits best."""
    best = np.full(one.shape[:2], np.inf)
    for place in range(two.shape[1]):
        distances = without_bias(apart(first, second, one, two[:, place : place + 1]).clip(-_FARTHEST, _FARTHEST))
        cost = np.log1p(distances**2)  # NaN stays NaN
        known = np.isfinite(cost)
        num_known = known.sum(-1)
        mean = np.where(known, cost, 0.0).sum(-1) / np.maximum(num_known, 1)
        best = np.minimum(best, np.where(num_known >= _LEAST_JOINTS, mean, np.inf))
    return np.where(np.isfinite(best), best, np.nan)


def best_lags(costs: Mapping[Pair, Floats], num_views: int, max_lag: int) -> list[int]:
    """Return for each view how much later than view 0 it shows the same, under which all pairs cost least.

    From every view in turn, the others take the lag that fits that one best. Then each view in turn takes the lag that
    fits all others best, until nothing changes. The start that ends with the lowest cost wins.
    """
    candidates = []
    for start in range(num_views):
        lags = [_best_of(_curve(costs, start, view, 0, max_lag)) if view != start else 0 for view in range(num_views)]
        for _ in range(2 * num_views):
            before = list(lags)
            for view in range(num_views):
                curves = profile(costs, lags, view, max_lag)
                lags[view] = _best_of(curves)
            if lags == before:
                break
        candidates.append((total_cost(costs, lags, max_lag), lags))
    _, best = min(candidates, key=lambda one: one[0])
    return [lag - best[0] for lag in best]


def profile(costs: Mapping[Pair, Floats], lags: Sequence[int], view: int, max_lag: int) -> Floats:
    """Return (4 * max_lag + 1,) what each lag of a view costs if the others keep theirs: from -2 max_lag to 2 max_lag.

    NaN where no other view says anything about the lag.
    """
    others = [other for other in range(len(lags)) if other != view]
    curves = np.stack([_curve(costs, other, view, lags[other], max_lag) for other in others])
    known = np.isfinite(curves)
    num_known = known.sum(0)
    mean = np.where(known, curves, 0.0).sum(0) / np.maximum(num_known, 1)
    # A lag that fewer views can judge than any other is not better for it.
    return np.where(num_known >= max(1, (num_known.max() + 1) // 2), mean, np.nan)


def total_cost(costs: Mapping[Pair, Floats], lags: Sequence[int], max_lag: int) -> float:
    """Return the mean cost of all pairs at these lags; a pair that says nothing counts as the worst of its lags."""
    values = []
    for (first, second), one in costs.items():
        place = lags[second] - lags[first] + max_lag
        known = one[np.isfinite(one)]
        if len(known):
            inside = 0 <= place < len(one) and np.isfinite(one[place])
            values.append(one[place] if inside else known.max())
    return float(np.mean(values)) if values else float("inf")


def _curve(costs: Mapping[Pair, Floats], other: int, view: int, lag_of_other: int, max_lag: int) -> Floats:
    """Return (4 * max_lag + 1,) the costs of the view's lags by one other view, which has a lag of its own."""
    means = costs[other, view] if (other, view) in costs else costs[view, other][::-1]
    curve = np.full(4 * max_lag + 1, np.nan)
    first = lag_of_other - max_lag + 2 * max_lag
    places = first + np.arange(len(means))
    inside = (places >= 0) & (places < len(curve))
    curve[places[inside]] = means[inside]
    return curve


def _best_of(curve: Floats) -> int:
    known = np.isfinite(curve)
    return int(np.argmin(np.where(known, curve, np.inf))) - len(curve) // 2 if known.any() else 0


@dataclass(frozen=True)
class Distinctness:
    """How clearly a view's lag is better than others.

    Attributes:
        depth: share by which it costs less than lags usually do, at most 1; NaN if nothing is known.
        lead: what the best other lag costs more, over what lags usually cost more. It counts minima of the cost alone:
            0 for one that is as good, infinite if there is none.
    """

    depth: float
    lead: float


def distinctness(costs: Mapping[Pair, Floats], lags: Sequence[int], view: int, max_lag: int) -> Distinctness:
    """Return how clearly a view's lag is better than its other lags, if the other views keep theirs."""
    curve = profile(costs, lags, view, max_lag)
    place = lags[view] + len(curve) // 2
    own = curve[place] if 0 <= place < len(curve) else np.nan
    if np.isnan(own):
        return Distinctness(float("nan"), 0.0)
    usual = np.nanmedian(curve)
    if own >= usual:
        return Distinctness(0.0, 0.0)
    inner = curve[1:-1]
    is_minimum = (inner <= curve[:-2]) & (inner <= curve[2:])  # never beside a lag that is not known
    is_minimum &= np.abs(np.arange(1, len(curve) - 1) - place) > _NEAR
    rival = float(inner[is_minimum].min()) if is_minimum.any() else float("inf")
    return Distinctness(float(1 - own / usual), float((rival - own) / (usual - own)))
