"""Fitting a recalibration on footage with known truth (`selection/recalibration.py` explains recalibrations).

Joints are sorted by sigma and cut into bins of equal number. Each bin gives a factor for sigma, such that the
ellipsoids of `level` hold that share of the truths. A factor from the mean of squares would depend mainly on the few
joints with gross errors. Isotonic regression then makes the calibrated sigmas increase with sigma (pool adjacent
violators; Zadrozny and Elkan, KDD 2002, for probabilities).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.stats import chi2

from poseharvest.errors import ConfigError, HarvestError
from poseharvest.evaluation.pairs import Floats
from poseharvest.evaluation.uncertainty import squared_mahalanobis
from poseharvest.selection.recalibration import Recalibration

_MIN_VALUES = 50


@dataclass(frozen=True)
class RecalibrationOptions:
    """How a recalibration is fitted.

    Attributes:
        level: 0 to 1, the share of truths that the fitted ellipsoids should hold.
        num_bins: number of bins of sigma.
    """

    level: float = 0.9
    num_bins: int = 20

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise ConfigError(f"recalibration level: expected a number between 0 and 1, got {self.level}")
        if self.num_bins < 1:
            raise ConfigError(f"recalibration num_bins: expected at least 1, got {self.num_bins}")


_DEFAULT = RecalibrationOptions()


def fit_recalibration(
    error_vectors: Floats, covariances: Floats, *, fitted_on: str, options: RecalibrationOptions = _DEFAULT
) -> Recalibration:
    """Return the recalibration under which ellipsoids of `options.level` hold their share of these truths.

    It must be judged on other footage.

    Args:
        error_vectors: (..., 3) estimate minus truth, mm; NaN where not judged.
        covariances: (..., 3, 3) mm^2.
        fitted_on: description of the footage, for the record.
        options: level and bins.

    Raises:
        HarvestError: fewer than 50 joints are judged.
    """
    squared = squared_mahalanobis(error_vectors, covariances).ravel()
    known = np.isfinite(squared)
    if int(known.sum()) < _MIN_VALUES:
        raise HarvestError(f"recalibration: expected at least {_MIN_VALUES} joints with truth, got {int(known.sum())}")
    sigma = np.linalg.det(covariances.reshape(-1, 3, 3)[known]) ** (1 / 6)
    order = np.argsort(sigma, kind="stable")
    sigma, ratio = sigma[order], np.sqrt(squared[known][order] / chi2.ppf(options.level, 3))
    count = min(options.num_bins, len(sigma) // _MIN_VALUES)
    bins = [(s, r) for s, r in zip(np.array_split(sigma, count), np.array_split(ratio, count), strict=True)]
    knots = np.array([np.median(s) for s, _ in bins])
    # Within a bin all sigmas get the same factor, so the quantile of the ratio is the factor of the knot.
    needed = np.log(knots * np.array([max(float(np.quantile(r, options.level)), 1e-6) for _, r in bins]))
    rising = isotonic_regression(needed, weights=np.array([len(s) for s, _ in bins], dtype=float)).x
    unique, first = np.unique(knots, return_index=True)
    return Recalibration(
        sigma_mm=tuple(unique.tolist()),
        calibrated_mm=tuple(np.exp(rising[first]).tolist()),
        level=options.level,
        num_values=len(sigma),
        fitted_on=fitted_on,
    )
