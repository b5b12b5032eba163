"""How long the errors of single frames last, told by what the views leave over.

The distance of a view's peak from the projection of the joint that all views agree on is made of the same errors as the
joint's own, so both are alike over time. Nothing else is needed than the footage: where the person moves, projection
and peak move together.

The autocorrelation of those distances is taken for the sum of three parts: errors that are new in each frame, errors
that last for some frames, and errors that stay (a detector's own idea of a joint in a view). The second part is a
process of second order that is critically damped, with the autocorrelation (1 + r t) exp(-r t) after t seconds. What
changes more slowly than at a rate of 25 a second, with about 2.5 Hz, counts as staying: a person moves as slowly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseharvest.errors import ConfigError

Floats = NDArray[np.float64]

_LONGEST_S = 0.15  # after which what is still alike stays
_FEWEST_LAGS = 3
_SLOWEST, _FASTEST_A_STEP = 25.0, 1.5  # rates that are tried: per second, and per step between frames
_RATES = 40
_GROSS = 4.0  # standard deviations, beyond which a peak is no error of the usual kind
_MAD = 1.4826  # standard deviations in the median distance from zero
_FEWEST_PAIRS = 200
_MOST = 0.95  # of the variance that stays, and of the rest that lasts
_HALF = 1.678  # (1 + x) exp(-x) is a half there
_LEAST = 0.1  # of the rest that lasts: with less, errors count as new in each frame


@dataclass(frozen=True)
class ErrorTimes:
    """How the errors of single frames go together over time.

    Attributes:
        constant_share: share of their variance that stays, or changes as slowly as a person moves, 0 to less than 1.
        lasting_share: share of the rest that lasts for some frames, 0 to less than 1; the others are new in each frame.
        rate: how fast that part changes, 1 / s; 0 if there is none.

    Raises:
        ConfigError: a share is no share, or there are lasting errors without a rate.
    """

    constant_share: float = 0.0
    lasting_share: float = 0.0
    rate: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.constant_share < 1 and 0 <= self.lasting_share < 1):
            raise ConfigError(
                f"error times: expected shares from 0 to less than 1, got {self.constant_share}, {self.lasting_share}"
            )
        if not (math.isfinite(self.rate) and self.rate >= 0) or (self.lasting_share > 0) != (self.rate > 0):
            raise ConfigError(
                f"error times: expected a rate above 0 exactly where errors last, got {self.rate} 1/s for a share of "
                f"{self.lasting_share}"
            )

    @property
    def half_after_s(self) -> float:
        """Seconds after which the lasting errors' autocorrelation is a half; 0 if none last."""
        return _HALF / self.rate if self.rate > 0 else 0.0


def learn_error_times(residuals: Sequence[Floats], step_s: float) -> ErrorTimes:
    """Return how long errors last; with too few residuals, that they are new in each frame.

    Args:
        residuals: stretches of (T, J, C) distances from what the views agree on: of J joints C coordinates, in evenly
            numbered frames, in any unit; NaN where unknown.
        step_s: seconds between frames.
    """
    from scipy.optimize import nnls  # slow to import, and only smoothing needs it

    lags = max(_FEWEST_LAGS, round(_LONGEST_S / step_s))
    alike = autocorrelation(residuals, lags)
    if len(alike) < _FEWEST_LAGS:
        return ErrorTimes()
    times = step_s * np.arange(1, len(alike) + 1)
    best, rate, shares = math.inf, 0.0, (0.0, max(float(alike.mean()), 0.0))
    fastest = _FASTEST_A_STEP / step_s
    for tried in np.geomspace(_SLOWEST, fastest, _RATES).tolist() if fastest > _SLOWEST else []:
        shapes = np.stack(((1 + tried * times) * np.exp(-tried * times), np.ones_like(times)), 1)
        found, misfit = nnls(shapes, alike)
        if misfit < best:
            best, rate, shares = misfit, tried, (float(found[0]), float(found[1]))
    constant = min(shares[1], _MOST)
    lasting = min(shares[0] / (1 - constant), _MOST)
    return ErrorTimes(constant, lasting, rate) if lasting > _LEAST else ErrorTimes(constant)


def autocorrelation(residuals: Sequence[Floats], lags: int) -> Floats:
    """Return how alike residuals are after 1, 2, ... frames, -1 to 1; none after too many frames for enough pairs.

    Every joint counts alike, however large its errors are. Gross errors do not count.

    Args:
        residuals: as for `learn_error_times`.
        lags: the largest number of frames.
    """
    together = np.abs(np.concatenate(residuals))
    sizes = [np.median(own) if len(own := joint[np.isfinite(joint)]) else 0 for joint in np.moveaxis(together, 1, 0)]
    usual = np.where(np.array(sizes) > 0, _MAD * np.array(sizes), np.nan)[:, None]
    parts = [np.where(np.abs(part / usual) < _GROSS, part / usual, np.nan) for part in residuals]
    known = np.concatenate([part[np.isfinite(part)] for part in parts])
    if not len(known):
        return np.zeros(0)
    alike = []
    for lag in range(1, lags + 1):
        pairs = np.concatenate([(part[lag:] * part[:-lag]).ravel() for part in parts])
        pairs = pairs[np.isfinite(pairs)]
        if len(pairs) < _FEWEST_PAIRS:
            break
        alike.append(float(pairs.mean()))
    return np.array(alike) / float(np.square(known).mean())
