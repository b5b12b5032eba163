"""Whether the covariances of the fit mean what they say: each view's peaks predicted by the other views (choice D12).

A view is left out, the others are fitted, and the distance of its peaks from where the fit says they are is compared
with ``S = J C J' + s^2 I``: the doubt of the pose, seen by the view, and the peak's own error. One factor on the
covariances makes these distances most likely.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from poseharvest.refinement.observations import DetectorNoise, Observations, look
from poseharvest.refinement.pose_fit import PoseFit, fit_poses, is_held, linearise
from poseharvest.refinement.rigid_limbs import RigidLimbs

_FACTORS = tuple(math.exp(step / 10) for step in range(21))
_PRIOR_SPREAD = 0.7  # of the factor's logarithm
_LEAST_PEAKS = 30
_STEPS = 6


def covariance_factor(seen: Observations, fit: PoseFit, noise: DetectorNoise, limbs: RigidLimbs) -> float | None:
    """Return the factor on the covariances of fits, 0.37 to 7.4, that predicts left-out views best.

    None where fewer than 30 peaks can be predicted: where two views are all that there are, none can.

    Args:
        seen: peaks of F frames and V views.
        fit: to all of them.
        noise: of the detector.
        limbs: lengths and tolerances.
    """
    likelihoods, count = torch.zeros(len(_FACTORS), dtype=torch.float64), 0
    for view in range(seen.seen.shape[1]):
        others = fit_poses(seen.without(view), fit.points, noise, limbs, most_steps=_STEPS)
        poses = PosesOfOthers(others.points, others.cov, is_held(others.linear))
        peaks = LeftOutPeaks.of(view, seen, poses, noise)
        likelihoods += torch.stack([peaks.log_likelihood(noise, factor) for factor in _FACTORS])
        count += len(peaks.residual)
    if count < _LEAST_PEAKS:
        return None
    likelihoods -= torch.tensor(_FACTORS).double().log().square() / (2 * _PRIOR_SPREAD**2)
    return _FACTORS[int(likelihoods.argmax())]


class PosesOfOthers(NamedTuple):
    """F poses by the other views.

    Attributes:
        points: (F, J, 3) mm.
        cov: (F, J, 3, 3) mm^2.
        is_held: (F, J) bool, joints that have one place.
    """

    points: Tensor
    cov: Tensor
    is_held: Tensor


class LeftOutPeaks(NamedTuple):
    """N peaks of a view that was left out, and what the others say of them.

    Attributes:
        residual: (N, 2) peaks less predictions, pixels.
        of_pose: (N, 2, 2) covariances of the predictions, px^2.
        of_peak: (N, 2, 2) of right peaks, px^2.
    """

    residual: Tensor
    of_pose: Tensor
    of_peak: Tensor

    @classmethod
    def of(cls, view: int, seen: Observations, pose: PosesOfOthers, noise: DetectorNoise) -> LeftOutPeaks:
        """Return the peaks of a view of all V in `seen`."""
        sigma = noise.sigma_px(seen)
        linear, usable = (
            linearise(seen, look(seen.cameras, pose.points), noise, sigma),
            pose.is_held & seen.seen[:, view],
        )
        jacobian = linear.jacobian[:, view][usable]
        return cls(
            linear.residual[:, view][usable],
            torch.einsum("nab,nbc,ndc->nad", jacobian, pose.cov[usable], jacobian),
            sigma[:, view][usable][:, None, None] ** 2 * torch.eye(2, dtype=torch.float64),
        )

    def log_likelihood(self, noise: DetectorNoise, factor: float = 1.0) -> Tensor:
        """Return the log-likelihood of the peaks, were the covariances of the poses some times as large."""
        right, wrong = (
            _log_normal(self.residual, factor * self.of_pose + width * self.of_peak) for width in (1.0, noise.wider**2)
        )
        both = torch.stack((right + math.log1p(-noise.wrong_share), wrong + math.log(max(noise.wrong_share, 1e-6))))
        return torch.logsumexp(both, 0).sum()


def _log_normal(residual: Tensor, cov: Tensor) -> Tensor:
    """Return (N,) log-densities of residuals (N, 2) under covariances (N, 2, 2)."""
    squares = (residual * torch.linalg.solve(cov, residual[..., None]).squeeze(-1)).sum(-1)
    log_density: Tensor = -squares / 2 - torch.logdet(cov) / 2 - math.log(2 * math.pi)
    return log_density
