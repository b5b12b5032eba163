"""When do the cameras show the same moment? Offsets, and rates over long takes, from the motion of people alone.

The joints of a person lie on one ray for each view. At the right offset the rays of all views meet, at any other one
they miss each other where the person moves. Every offset is tried for every pair of views (`lag_costs`), the offsets
of all views that fit best together are taken, and refined to a fraction of a picture (`clock_fit`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from poseharvest.synchronisation.clock_fit import ClockFit, Clocks, fit_clocks
from poseharvest.synchronisation.lag_costs import (
    Pair,
    best_lags,
    distinctness,
    lag_costs,
    profile,
    sampled,
)
from poseharvest.synchronisation.view_joints import Floats, ViewRays

_MIN_DEPTH, _MIN_LEAD = 0.2, 0.25  # of the cost of an offset, see `Distinctness`
_MAX_HALVES_APART = 3  # pictures
_NUM_BLOCKS = 8  # stretches of a window that are taken for independent of one another
_SIGMA_OF_BIAS_S = 0.004  # of four views and a second: detectors' biases change with the pose
_MAX_SIGMA_PICTURES = 0.5
_MAX_REFINED_PICTURES = 1.5  # by which the refined offset may leave the best whole one
_MAX_APART = 3.0  # usual errors between the rays of two views, on average
_MIN_RATE_WINDOWS = 3

Window = tuple[float, float]
"""First and last time of a stretch of the take, by the views' own clocks, seconds."""


@dataclass(frozen=True)
class ViewClock:
    """The clock of one view.

    Attributes:
        view: the camera's name.
        offset_s: time to add to its time stamps, seconds; for the first view 0. With a rate, in the take's middle.
        sigma_s: standard deviation of the offset, seconds.
        rate: seconds to add for each second since the take's middle; 0 for clocks that run alike.
        rate_sigma: standard deviation of the rate; 0 if it was not looked for.
        doubt: why the offset is not sure, in words; empty if it is sure.
    """

    view: str
    offset_s: float
    sigma_s: float
    rate: float = 0.0
    rate_sigma: float = 0.0
    doubt: str = ""

    @property
    def is_sure(self) -> bool:
        """Whether nothing speaks against the offset."""
        return not self.doubt


@dataclass(frozen=True)
class ClocksFound:
    """The clocks of all views.

    Attributes:
        clocks: one for each view; the first is the reference.
        middle_s: the time at which the offsets hold alone if there are rates, seconds.
        period_s: time from one picture to the next of the slowest view, seconds.
    """

    clocks: tuple[ViewClock, ...]
    middle_s: float
    period_s: float

    @property
    def are_sure(self) -> bool:
        """Whether the offsets of all views are sure."""
        return all(clock.is_sure for clock in self.clocks)


@dataclass(frozen=True, eq=False)
class _Coarse:
    """The offsets of all views in one stretch, in whole pictures.

    Attributes:
        lags: how much later each view shows the same than the first one.
        costs: of all lags of each pair of views.
        of_halves: the same of both halves of the stretch.
        max_lag: the largest lag of a pair.
        middle_s: time in the middle of the stretch, seconds.
    """

    lags: list[int]
    costs: Mapping[Pair, Floats]
    of_halves: tuple[Mapping[Pair, Floats], ...]
    max_lag: int
    middle_s: float


def find_clocks(views: Sequence[ViewRays], windows: Sequence[Window], *, max_offset_s: float) -> ClocksFound:
    """Return the clocks of all views.

    Args:
        views: two views or more, of cameras that stand still.
        windows: stretches of the take to look at; with three or more of them, rates are looked for too.
        max_offset_s: the largest offset between two views, seconds.
    """
    period_s = max(view.period_s for view in views)
    max_lag = max(1, round(max_offset_s / period_s))
    coarse = [_coarse(views, window, period_s, max_lag) for window in windows]
    middle_s = float(np.mean([one.middle_s for one in coarse]))
    with_rates = len(coarse) >= _MIN_RATE_WINDOWS
    start = _through(coarse, period_s, middle_s, with_rates=with_rates)
    times_s, blocks = _compared_times(windows, period_s)
    fit = fit_clocks(views, start, times_s, blocks, with_rates=with_rates)
    clocks = [ViewClock(views[0].view, 0.0, 0.0)]
    for number in range(1, len(views)):
        clocks.append(_clock(views, number, start, fit, coarse, period_s))
    return ClocksFound(tuple(clocks), middle_s, period_s)


def _coarse(views: Sequence[ViewRays], window: Window, period_s: float, max_lag: int) -> _Coarse:
    start_s, stop_s = window
    count = max(1, round((stop_s - start_s) / period_s) + 1)
    shown = [sampled(view, start_s, period_s, count) for view in views]
    costs = {
        (one, other): lag_costs(views[one], views[other], (shown[one], shown[other]), max_lag)
        for one, other in combinations(range(len(views)), 2)
    }
    whole, *halves = ({pair: one[part] for pair, one in costs.items()} for part in range(3))
    return _Coarse(best_lags(whole, len(views), max_lag), whole, tuple(halves), max_lag, (start_s + stop_s) / 2)


def _halves_disagree(coarse: _Coarse, view: int) -> bool:
    """Return whether one half of a stretch says clearly that a view's offset is another one."""
    for costs in coarse.of_halves:
        curve = profile(costs, coarse.lags, view, coarse.max_lag)
        if not np.isfinite(curve).any():
            continue
        lags = list(coarse.lags)
        lags[view] = int(np.nanargmin(curve)) - len(curve) // 2
        is_clear = distinctness(costs, lags, view, coarse.max_lag).depth >= _MIN_DEPTH
        if is_clear and abs(lags[view] - coarse.lags[view]) > _MAX_HALVES_APART:
            return True
    return False


def _through(coarse: Sequence[_Coarse], period_s: float, middle_s: float, *, with_rates: bool) -> Clocks:
    """Return the clocks on the line through the offsets of all stretches, by the median of the lines of pairs."""
    offsets_s = -period_s * np.array([one.lags for one in coarse], dtype=np.float64)
    since_s = np.array([one.middle_s for one in coarse]) - middle_s
    rates = np.zeros(offsets_s.shape[1])
    if with_rates:
        pairs = list(combinations(range(len(coarse)), 2))
        rates = np.median(
            [(offsets_s[two] - offsets_s[one]) / (since_s[two] - since_s[one]) for one, two in pairs], axis=0
        )
    return Clocks(np.median(offsets_s - since_s[:, None] * rates, axis=0), rates, middle_s)


def _compared_times(windows: Sequence[Window], period_s: float) -> tuple[Floats, np.ndarray]:
    times, blocks = [], []
    for number, (start_s, stop_s) in enumerate(windows):
        count = max(1, round((stop_s - start_s) / period_s) + 1)
        times.append(start_s + period_s * np.arange(count))
        blocks.append(number * _NUM_BLOCKS + np.arange(count) * _NUM_BLOCKS // count)
    return np.concatenate(times), np.concatenate(blocks)


def _clock(
    views: Sequence[ViewRays],
    number: int,
    start: Clocks,
    fit: ClockFit,
    coarse: Sequence[_Coarse],
    period_s: float,
) -> ViewClock:
    num_clocks = len(views) - 1
    place = number - 1
    sigma_s = float(np.hypot(np.sqrt(fit.covariance[place, place]), _sigma_of_bias_s(len(views), fit.duration_s)))
    has_rates = len(fit.covariance) > num_clocks
    rate_sigma = float(np.sqrt(fit.covariance[num_clocks + place, num_clocks + place])) if has_rates else 0.0
    offset_s, rate = float(fit.clocks.offsets_s[number]), float(fit.clocks.rates[number])
    moved = abs(offset_s - float(start.offsets_s[number])) / period_s
    clear = [distinctness(one.costs, one.lags, number, one.max_lag) for one in coarse]
    depth, lead = (float(np.median([getattr(one, name) for one in clear])) for name in ("depth", "lead"))
    doubt = ""
    if not np.isfinite(sigma_s) or np.isnan(depth):
        doubt = "the views show too little of the same people"
    elif fit.apart > _MAX_APART:
        doubt = "the views agree at no offset: the calibration does not fit, or they show different people"
    elif depth < _MIN_DEPTH:
        doubt = "every offset fits as well: people hardly move"
    elif lead < _MIN_LEAD:
        doubt = "another offset fits nearly as well: people repeat their movements"
    elif 2 * sum(_halves_disagree(one, number) for one in coarse) >= len(coarse):
        doubt = "the first and the second half of the footage say different offsets"
    elif max(abs(one.lags[number]) for one in coarse) >= coarse[0].max_lag:
        doubt = "it lies at the limit of what was tried: --max-offset"
    elif sigma_s > _MAX_SIGMA_PICTURES * period_s or moved > _MAX_REFINED_PICTURES:
        doubt = "people move too little in this view to say it exactly"
    return ViewClock(views[number].view, offset_s, sigma_s, rate, rate_sigma, doubt)


def _sigma_of_bias_s(num_views: int, duration_s: float) -> float:
    """Return what detectors' biases add: each further view and each further second is another bias."""
    return float(_SIGMA_OF_BIAS_S * np.sqrt(3 / (num_views - 1) / max(duration_s, 1e-3)))
