"""Ranking and honesty of uncertainty: by hand, by law, and on normal errors whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from poseharvest.errors import ShapeError
from poseharvest.evaluation.uncertainty import (
    ELLIPSOID_LEVELS,
    ellipsoid_coverage,
    expected_calibration_error,
    kept_errors,
    rank_correlation,
    rank_correlation_by_joint,
    risk_coverage,
    squared_mahalanobis,
)

NAN = np.nan


def normal_errors(num: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Error vectors (num, 1, 3) drawn from their own covariances (num, 1, 3, 3)."""
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(num, 1, 3, 3)) * rng.uniform(2, 30, (num, 1, 1, 1))
    errors = np.einsum("njab,njb->nja", roots, rng.normal(size=(num, 1, 3)))
    return errors, roots @ np.swapaxes(roots, -1, -2)


def test_rank_correlation_by_hand():
    """Ranks 1 2 3 4 against 1 3 2 4: rho = 1 - 6 * 2 / (4 * 15)."""
    score = rank_correlation(np.array([[1.0, 10, 100, 1000, NAN]]), np.array([[2.0, 5, 4, 9, 7]]))
    assert score.value == pytest.approx(0.8)
    assert str(score.protocol) == "rank correlation with the error, alignment none, 4 joints, 1 frame, 1"


def test_within_joints_the_difference_between_joints_does_not_count():
    rng = np.random.default_rng(0)
    level = np.array([1.0, 100.0])
    errors, doubt = (level * rng.uniform(1, 2, (400, 2)) for _ in range(2))
    assert rank_correlation(doubt, errors).value > 0.7
    assert all(abs(score.value) < 0.15 for score in rank_correlation_by_joint(doubt, errors, ("a", "b")).values())


def test_a_constant_knows_nothing():
    assert np.isnan(rank_correlation(np.ones((3, 1)), np.arange(3.0)[:, None]).value)


def test_risk_coverage_by_hand():
    curve = risk_coverage(np.array([[3.0, 1, 2, NAN]]), np.array([[9.0, 1, 2, 100]]))
    np.testing.assert_allclose(curve.coverage, [1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(curve.risk, [1, 1.5, 4])
    assert curve.area == pytest.approx(6.5 / 3)
    assert curve.at(0.7) == 1.5


def test_the_best_order_has_the_least_area_and_no_order_the_mean():
    rng = np.random.default_rng(1)
    errors = rng.exponential(20, (50, 4))
    best = risk_coverage(errors, errors).area
    for _ in range(20):
        assert best < risk_coverage(rng.normal(size=errors.shape), errors).area
    assert risk_coverage(np.zeros_like(errors), errors).area == pytest.approx(errors.mean())


def test_only_the_order_counts():
    rng = np.random.default_rng(2)
    doubt, errors = rng.uniform(1, 9, (30, 2)), rng.uniform(1, 9, (30, 2))
    assert risk_coverage(doubt**6, errors).area == risk_coverage(doubt, errors).area


def test_the_same_share_of_every_joint_is_kept():
    rng = np.random.default_rng(3)
    errors = rng.exponential(20, (40, 3)) * [1, 5, 25]
    doubt = errors.copy()
    doubt[:30, 2] = NAN
    kept = kept_errors(doubt, errors, share=0.7)
    assert np.isfinite(kept).sum(0).tolist() == [28, 28, 10]
    for joint in (0, 1):
        np.testing.assert_array_equal(np.sort(kept[:, joint])[:28], np.sort(errors[:, joint])[:28])
    errors[:20, 0] = NAN
    assert np.isfinite(kept_errors(doubt, errors)).sum(0)[0] == 14


def test_mahalanobis_by_hand_and_in_any_frame():
    cov = np.diag([4.0, 9, 25])
    assert squared_mahalanobis(np.array([2.0, 3, 5]), cov) == pytest.approx(3)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    assert squared_mahalanobis(turn @ [2.0, 3, 5], turn @ cov @ turn.T) == pytest.approx(3)


def test_a_covariance_that_is_none_is_not_judged():
    errors = np.ones((3, 3))
    covs = np.stack([np.eye(3), np.zeros((3, 3)), np.full((3, 3), NAN)])
    assert np.isnan(squared_mahalanobis(errors, covs)).tolist() == [False, True, True]


def test_normal_errors_are_covered_as_they_should_be():
    squared = squared_mahalanobis(*normal_errors(20_000))
    for level in ELLIPSOID_LEVELS:
        assert ellipsoid_coverage(squared, level).value == pytest.approx(100 * level, abs=1)
    assert expected_calibration_error(squared).value < 0.6


def test_too_small_a_covariance_is_found_out():
    errors, cov = normal_errors(20_000)
    squared = squared_mahalanobis(errors, cov / 4)
    assert ellipsoid_coverage(squared, 0.9).value < 60
    assert expected_calibration_error(squared).value > 15
    assert "90 % ellipsoids, chi-square 3 dof" in str(ellipsoid_coverage(squared, 0.9).protocol)


def test_no_value_is_nan():
    nothing = np.full((2, 1), NAN)
    assert np.isnan(ellipsoid_coverage(nothing, 0.9).value)
    assert np.isnan(expected_calibration_error(nothing).value)
    assert np.isnan(rank_correlation(nothing, nothing).value)
    assert np.isnan(risk_coverage(nothing, nothing).area)


def test_sizes_must_fit():
    with pytest.raises(ShapeError, match=r"uncertainty: expected shape \(2, 1\)"):
        rank_correlation(np.ones((1, 1)), np.ones((2, 1)))
    with pytest.raises(ShapeError, match=r"covariances: expected shape \(4, 3, 3\)"):
        squared_mahalanobis(np.ones((4, 3)), np.ones((3, 3)))
