"""Quality of the uncertainty: whether it ranks the joints by their errors, and whether covariances are calibrated.

Of N joints, each with an error vector e and a covariance C:

- Rank correlation: Spearman's rho between an uncertainty (det C, say) and |e|: 1 if the order is the same.
- Risk-coverage curve (Geifman and El-Yaniv, "Selective classification for deep neural networks", NeurIPS 2017): the
  mean error of the k most certain joints, over k / N. AURC is its mean. The best possible curve sorts by the error
  itself; an uninformative uncertainty gives the overall mean.
- Ellipsoid coverage: if e were normal with covariance C, then e' C^-1 e would follow chi-square with 3 degrees of
  freedom, and the q ellipsoid would hold a share q of the truths.
- Expected calibration error: the mean over levels q = 5 % to 95 % of |share held - q| (Kuleshov et al., "Accurate
  uncertainties for deep learning using calibrated regression", ICML 2018, with an absolute in place of a square).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, spearmanr

from poseharvest.errors import ShapeError
from poseharvest.evaluation.pairs import Floats
from poseharvest.evaluation.scores import MetricProtocol, Score

ELLIPSOID_LEVELS = (0.5, 0.9, 0.95)
_CALIBRATION_LEVELS = np.arange(1, 20) / 20
_DEGREES_OF_FREEDOM = 3


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """Mean error as a function of the share of joints that is kept.

    Attributes:
        coverage: (N,) share of kept joints, 1/N to 1.
        risk: (N,) mean error of the kept joints.
    """

    coverage: Floats
    risk: Floats

    @property
    def area(self) -> float:
        """AURC: the mean risk over all shares; the errors' unit."""
        return float(self.risk.mean()) if self.risk.size else float("nan")

    def at(self, share: float) -> float:
        """Return the mean error of the most certain `share` of the joints."""
        count = max(1, round(share * len(self.risk)))
        return float(self.risk[count - 1]) if self.risk.size else float("nan")


def rank_correlation(uncertainty: Floats, errors: Floats) -> Score:
    """Return Spearman's rho over all values at once; entries that are not finite on either side are left out.

    Args:
        uncertainty: (F, J), higher is less certain.
        errors: (F, J) mm.
    """
    _check_alike(uncertainty, errors)
    known = np.isfinite(uncertainty) & np.isfinite(errors)
    return Score(_spearman(uncertainty[known], errors[known]), _protocol("rank correlation with the error", "1", known))


def rank_correlation_by_joint(uncertainty: Floats, errors: Floats, joints: tuple[str, ...]) -> dict[str, Score]:
    """Return Spearman's rho within each joint: whether the uncertainty separates good frames from bad ones."""
    _check_alike(uncertainty, errors)
    return {joint: rank_correlation(uncertainty[:, [k]], errors[:, [k]]) for k, joint in enumerate(joints)}


def risk_coverage(uncertainty: Floats, errors: Floats) -> RiskCoverage:
    """Return the curve over all values at once; values of equal uncertainty all get their mean error."""
    _check_alike(uncertainty, errors)
    known = np.isfinite(uncertainty) & np.isfinite(errors)
    uncertainty, errors = uncertainty[known], errors[known]
    order = np.argsort(uncertainty, kind="stable")
    _, group, size = np.unique(uncertainty[order], return_inverse=True, return_counts=True)
    level = np.bincount(group, errors[order], minlength=len(size)) / np.maximum(size, 1)
    count = np.arange(1, len(order) + 1)
    return RiskCoverage(count / max(len(order), 1), np.cumsum(level[group]) / count)


def kept_errors(uncertainty: Floats, errors: Floats, *, share: float = 0.7) -> Floats:
    """Return the errors (F, J) of the most certain `share` of every joint, as Sec. 3.3 selects; NaN for the others.

    A joint whose uncertainty is not finite is never kept.
    """
    _check_alike(uncertainty, errors)
    known = np.isfinite(errors)
    rankable = known & np.isfinite(uncertainty)
    order = np.where(rankable, uncertainty, np.inf).argsort(0, kind="stable").argsort(0, kind="stable")
    is_certain = rankable & (order < np.round(share * known.sum(0)))
    return np.where(is_certain, errors, np.nan)


def squared_mahalanobis(error_vectors: Floats, covariances: Floats) -> Floats:
    """Return e' C^-1 e (...) of error vectors (..., 3) and covariances (..., 3, 3); NaN where one is not usable."""
    if covariances.shape != (*error_vectors.shape, 3):
        raise ShapeError(f"covariances: expected shape {(*error_vectors.shape, 3)}, got {covariances.shape}")
    usable = np.asarray(np.isfinite(error_vectors).all(-1) & np.isfinite(covariances).all((-2, -1)))
    usable &= np.where(usable, np.linalg.det(np.where(usable[..., None, None], covariances, np.eye(3))), 0.0) > 0
    solved = np.linalg.solve(np.where(usable[..., None, None], covariances, np.eye(3)), error_vectors[..., None])
    return np.where(usable, (error_vectors * solved[..., 0]).sum(-1), np.nan)


def ellipsoid_coverage(squared_distance: Floats, level: float) -> Score:
    """Return the percentage of truths within the ellipsoid that should hold a share `level` of them.

    Args:
        squared_distance: (F, J) from `squared_mahalanobis`.
        level: 0 to 1.
    """
    known = np.isfinite(squared_distance)
    held = np.asarray(squared_distance[known] <= chi2.ppf(level, _DEGREES_OF_FREEDOM))
    value = 100 * float(held.mean()) if held.size else float("nan")
    return Score(value, _protocol("ellipsoid coverage", "%", known, f"{100 * level:g} % ellipsoids, chi-square 3 dof"))


def expected_calibration_error(squared_distance: Floats) -> Score:
    """Return the mean difference between the shares of truths that ellipsoids hold and should hold, percent."""
    known = np.isfinite(squared_distance)
    limits = chi2.ppf(_CALIBRATION_LEVELS, _DEGREES_OF_FREEDOM)
    held = (squared_distance[known][:, None] <= limits).mean(0) if known.any() else np.full(len(limits), np.nan)
    value = 100 * float(np.abs(held - _CALIBRATION_LEVELS).mean())
    return Score(value, _protocol("expected calibration error", "%", known, "19 ellipsoids of 5 % to 95 %"))


def _spearman(a: Floats, b: Floats) -> float:
    if a.size < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(spearmanr(a, b).statistic)


def _protocol(metric: str, unit: str, known: np.ndarray, details: str = "") -> MetricProtocol:
    table = known.reshape(len(known), -1)
    return MetricProtocol(
        metric=metric,
        unit=unit,
        num_joints=int(table.any(0).sum()),
        num_frames=int(table.any(1).sum()),
        num_values=int(table.sum()),
        alignment="none",
        details=details,
    )


def _check_alike(uncertainty: Floats, errors: Floats) -> None:
    if uncertainty.shape != errors.shape:
        raise ShapeError(f"uncertainty: expected shape {errors.shape} as the errors', got {uncertainty.shape}")
