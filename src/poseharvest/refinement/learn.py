"""What the fit needs to know of a person and a detector, learned from some frames without any truth (choice D12)."""

from __future__ import annotations

import torch
from torch import Tensor

from poseharvest.refinement.covariance_scale import covariance_factor
from poseharvest.refinement.learn_limbs import learn_limbs
from poseharvest.refinement.learn_noise import first_noise, learn_noise
from poseharvest.refinement.observations import DetectorNoise, Observations
from poseharvest.refinement.pose_fit import Agreement, PoseFit, fit_poses
from poseharvest.refinement.refine import Refinement
from poseharvest.refinement.residuals import view_residuals
from poseharvest.refinement.rigid_limbs import RigidLimbs

_FREEDOMS = (6.0, 200.0)
_LEAST_FREE = 2.0  # coordinates
_ROUNDS = 6
_STEPS_A_ROUND = 5


def learn_refinement(
    seen: Observations, start: Tensor, limbs: RigidLimbs, *, lengths_are_given: bool = False
) -> Refinement:
    """Return how exact the peaks and how rigid the limbs are, from what the views say of each other.

    Poses, errors and limbs are fitted in turns. Nothing else than the footage is used.

    Args:
        seen: peaks of F frames, 1 or more, V views and J joints.
        start: (F, J, 3) mm, the means of the marginals.
        limbs: the skeleton's, with what is known of their lengths.
        lengths_are_given: the lengths are the user's and stay.
    """
    _, num_views, num_joints = seen.seen.shape
    noise, points = DetectorNoise.usual(num_views, num_joints), start.double()
    given = torch.isfinite(limbs.tolerance_mm) if lengths_are_given else None
    for turn in range(_ROUNDS):
        fit = fit_poses(seen, points, noise, limbs, most_steps=_STEPS_A_ROUND)
        points, residuals = fit.points, view_residuals(seen, fit)
        noise = first_noise(residuals) if turn == 0 else learn_noise(seen, residuals)
        limbs = learn_limbs(limbs, residuals, noise.constant_share, given)
    fit = fit_poses(seen, points, noise, limbs)
    factor = covariance_factor(seen, fit, noise, limbs)
    refinement = Refinement(
        noise, limbs, 1.0 if factor is None else factor, _freedom(fit), seen.num_frames, factor is not None
    )
    return refinement.compared(fit, start.double())


def _freedom(fit: PoseFit) -> float:
    """Return the freedom of the sizes of errors: their variances' spread about one, beyond that of normal errors.

    Inverse-gamma variances of freedom n have a squared coefficient of variation of 2 / (n - 4).
    """
    agreement = Agreement.of(fit)
    known = agreement.free >= _LEAST_FREE
    if not bool(known.any()):
        return _FREEDOMS[1]
    squares, free = agreement.squares[known], agreement.free[known]
    usual = squares.sum() / free.sum()
    spread = float(((squares / free).square() / (1 + 2 / free)).mean() / usual.square().clamp_min(1e-12)) - 1
    return min(max(4 + 2 / max(spread, 1e-3), _FREEDOMS[0]), _FREEDOMS[1])
