"""Fitting a recalibration: it makes other footage's ellipsoids hold what they should, also with heavy tails."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from poseharvest.errors import ConfigError, HarvestError
from poseharvest.evaluation.recalibrate import RecalibrationOptions, fit_recalibration
from poseharvest.evaluation.uncertainty import ellipsoid_coverage, squared_mahalanobis


def biased(num: int, seed: int, *, heavy: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Errors and covariances of which the small ones are claimed far too small: true sigma = 8 sigma^0.6."""
    rng = np.random.default_rng(seed)
    claimed = np.exp(rng.uniform(np.log(3), np.log(60), num))
    noise = rng.standard_t(3, (num, 3)) if heavy else rng.normal(size=(num, 3))
    errors = noise * (8 * claimed**0.6)[:, None]
    return errors, np.eye(3) * claimed[:, None, None] ** 2


@pytest.mark.parametrize("heavy", [False, True])
@pytest.mark.parametrize("level", [0.5, 0.9])
def test_other_footage_is_covered_as_asked(heavy, level):
    options = RecalibrationOptions(level=level)
    found = fit_recalibration(*biased(8000, 0, heavy=heavy), fitted_on="seed 0", options=options)
    errors, cov = biased(8000, 1, heavy=heavy)
    assert ellipsoid_coverage(squared_mahalanobis(errors, cov), level).value < 100 * level - 10
    calibrated = found.apply(torch.from_numpy(cov)).numpy()
    squared = squared_mahalanobis(errors, calibrated)
    assert ellipsoid_coverage(squared, level).value == pytest.approx(100 * level, abs=2)
    for part in (cov[:, 0, 0] < 100, cov[:, 0, 0] > 900):  # not only on average
        assert ellipsoid_coverage(squared[part], level).value == pytest.approx(100 * level, abs=4)


def test_honest_covariances_are_left_nearly_as_they_are():
    errors, cov = biased(20_000, 3)
    true = cov * (8 * cov[:, :1, :1] ** -0.2) ** 2
    found = fit_recalibration(errors, true, fitted_on="honest")
    sigma = torch.tensor(found.sigma_mm, dtype=torch.float64)
    assert (found.factors(sigma) - 1).abs().max() < 0.1


def test_the_curve_rises_though_the_bins_do_not():
    rng = np.random.default_rng(4)
    sigma = np.exp(rng.uniform(0, 4, 400))
    errors = rng.normal(size=(400, 3)) * 20  # unrelated to sigma
    found = fit_recalibration(errors, np.eye(3) * sigma[:, None, None] ** 2, fitted_on="noise")
    assert list(found.calibrated_mm) == sorted(found.calibrated_mm)


def test_equal_sigmas_give_one_factor():
    found = fit_recalibration(
        np.random.default_rng(0).normal(0, 6, (900, 3)), np.tile(4 * np.eye(3), (900, 1, 1)), fitted_on="equal"
    )
    assert found.sigma_mm == pytest.approx((2,))
    assert found.calibrated_mm[0] == pytest.approx(6, rel=0.1)


def test_errors_that_are_zero_do_not_break_it():
    found = fit_recalibration(np.zeros((100, 3)), np.tile(np.eye(3), (100, 1, 1)), fitted_on="zero")
    assert found.calibrated_mm[0] > 0


def test_too_little_truth_is_refused():
    with pytest.raises(HarvestError, match="expected at least 50 joints with truth, got 10"):
        fit_recalibration(*biased(10, 0), fitted_on="ten")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"level": 0.0}, "level: expected a number between 0 and 1"), ({"num_bins": 0}, "num_bins: expected at least 1")],
)
def test_nonsense_is_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        RecalibrationOptions(**arguments)
