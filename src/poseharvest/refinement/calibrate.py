"""Whether the covariances of the fit mean what they say: each view's peaks predicted by the other views (choice D12).

A view is left out, the others are fitted, and the distance of its peaks from where the fit says they are is compared
with ``S = J C J' + s^2 I``: the doubt of the pose, seen by the view, and the peak's own error. One factor on the
covariances makes these distances most likely.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from poseharvest.refinement.noise import DetectorNoise
from poseharvest.refinement.observations import Observations, look
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
    likelihoods, count = torch.zeros(len(_FACTORS), dtype=torch.float64), 0.0
    for view in range(seen.seen.shape[1]):
        others = fit_poses(seen.without(view), fit.points, noise, limbs, most_steps=_STEPS)
        usable = is_held(others.linear) & seen.seen[:, view]
        if bool(usable.any()):
            likelihoods += _likelihoods(seen, others, noise, view, usable)
            count += float(usable.sum())
    if count < _LEAST_PEAKS:
        return None
    likelihoods -= torch.tensor(_FACTORS).double().log().square() / (2 * _PRIOR_SPREAD**2)
    return _FACTORS[int(likelihoods.argmax())]


def _likelihoods(seen: Observations, others: PoseFit, noise: DetectorNoise, view: int, usable: Tensor) -> Tensor:
    """Return the log-likelihood of a left-out view's peaks for every factor."""
    sigma = noise.sigma_px(seen)
    linear = linearise(seen, look(seen.cameras, others.points), noise, sigma)
    residual, jacobian = linear.residual[:, view][usable], linear.jacobian[:, view][usable]
    of_pose = torch.einsum("nab,nbc,ndc->nad", jacobian, others.cov[usable], jacobian)
    of_peak = sigma[:, view][usable][:, None, None] ** 2 * torch.eye(2, dtype=torch.float64)
    right, wrong = (
        torch.stack([_log_normal(residual, factor * of_pose + width * of_peak) for factor in _FACTORS])
        for width in (1.0, noise.wider**2)
    )
    both = torch.stack((right + math.log1p(-noise.wrong_share), wrong + math.log(max(noise.wrong_share, 1e-6))))
    return torch.logsumexp(both, 0).sum(1)


def _log_normal(residual: Tensor, cov: Tensor) -> Tensor:
    """Return (N,) log-densities of residuals (N, 2) under covariances (N, 2, 2)."""
    squares = (residual * torch.linalg.solve(cov, residual[..., None]).squeeze(-1)).sum(-1)
    log_density: Tensor = -squares / 2 - torch.logdet(cov) / 2 - math.log(2 * math.pi)
    return log_density
