"""The pose that fits the peaks and the limbs best, by Gauss-Newton steps with weights that wrong peaks lose.

The energy is the grid's (Eq. 4) with positions between the voxels: limbs pull towards their lengths in place of a shell
of one width, and a peak pulls with the exactness that the detector has shown in place of its blob's width. Where the
energy has several valleys the start decides, which is the mean of the marginal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from poseharvest.geometry.camera import MIN_DEPTH_MM, Camera
from poseharvest.geometry.rig import camera_table
from poseharvest.refinement.observations import STEP_MM, DetectorNoise, Observations, Views, look
from poseharvest.refinement.rigid_limbs import RigidLimbs

_MOST_STEPS = 12
_CLOSE_MM = 0.05  # a step below which the fit has ended
_LONGEST_STEP_MM = 100.0
_LEAST_VIEWS = 1.5  # expected number of right peaks: nearer to two than to one
_LOOSE_MM = 300.0  # how far a joint may be from the start, where nothing else holds it


@dataclass(frozen=True, eq=False)
class LinearFit:
    """The energy around some poses.

    Attributes:
        residual: (F, V, J, 2) peaks less projections, pixels; 0 where nothing is seen.
        jacobian: (F, V, J, 2, 3) of the projections, pixels per mm.
        sigma_px: (F, V, J) of right peaks.
        precision: (F, V, J) weight of each peak, 1 / px^2.
        right: (F, V, J) probability that a peak is right; 0 where nothing is seen.
        seen: (F, V, J) bool, there is a peak that the fit uses.
        information: (F, J, 3, 3) of all views on each joint, 1 / mm^2.
        gradient: (F, J, 3) of the views, 1 / mm.
    """

    residual: Tensor
    jacobian: Tensor
    sigma_px: Tensor
    precision: Tensor
    right: Tensor
    seen: Tensor
    information: Tensor
    gradient: Tensor


@dataclass(frozen=True, eq=False)
class PoseFit:
    """Poses that fit best.

    Attributes:
        points: (F, J, 3) mm.
        cov: (F, J, 3, 3) mm^2.
        linear: the energy around them.
    """

    points: Tensor
    cov: Tensor
    linear: LinearFit


def fit_poses(
    seen: Observations, start: Tensor, noise: DetectorNoise, limbs: RigidLimbs, *, most_steps: int = _MOST_STEPS
) -> PoseFit:
    """Return the poses that fit best.

    A limb with an end on which fewer than two views agree is left out: that joint is where the grid says.

    Args:
        seen: peaks of F frames, V views and J joints.
        start: (F, J, 3) mm, the means of the marginals.
        noise: of the detector.
        limbs: lengths and tolerances.
        most_steps: of Gauss-Newton.
    """
    sigma, points = noise.sigma_px(seen), start.double().clone()
    if all(isinstance(camera, Camera) for row in seen.cameras for camera in row):
        _fit_in_loops(seen, sigma, noise, limbs, points, most_steps)
    else:
        points = _fit(seen, sigma, noise, limbs, points, most_steps)
    linear = linearise(seen, look(seen.cameras, points), noise, sigma)
    return PoseFit(points, _covariances(points, start.double(), linear, limbs, noise.constant_share), linear)


def _fit(
    seen: Observations, sigma_px: Tensor, noise: DetectorNoise, limbs: RigidLimbs, start: Tensor, most_steps: int
) -> Tensor:
    """Return the poses (F, J, 3) after Gauss-Newton steps from `start`, for cameras of any kind."""
    points = start
    for _ in range(most_steps):
        linear = linearise(seen, look(seen.cameras, points), noise, sigma_px)
        moved = _Step.of(points, start, linear, limbs, noise.constant_share).solve()
        points = points + moved
        if float(moved.abs().max()) < _CLOSE_MM:
            break
    return points


def _fit_in_loops(
    seen: Observations, sigma_px: Tensor, noise: DetectorNoise, limbs: RigidLimbs, points: Tensor, most_steps: int
) -> None:
    """Move `points` (F, J, 3) as `_fit` does, for perspective cameras."""
    from poseharvest.refinement.fit_loops import take_steps

    tables = [camera_table(row) for row in seen.cameras]
    cameras = np.stack([table.rows for table in tables]), np.stack([table.lenses for table in tables]), MIN_DEPTH_MM
    peaks = seen.pixels.contiguous().numpy(), sigma_px.square().contiguous().numpy(), seen.seen.contiguous().numpy()
    precision = (1 - noise.constant_share) / limbs.tolerance_mm.double() ** 2
    ends = limbs.first.numpy(), limbs.second.numpy(), limbs.length_mm.double().numpy(), precision.numpy()
    odds = float(noise.log_odds), noise.wider**-2
    limits = STEP_MM, _LOOSE_MM**-2, _LEAST_VIEWS, _LONGEST_STEP_MM, _CLOSE_MM
    take_steps(cameras, peaks, odds, ends, limits, most_steps, points.clone().numpy(), points.numpy())


def linearise(seen: Observations, views: Views, noise: DetectorNoise, sigma_px: Tensor) -> LinearFit:
    """Return the energy of the peaks around the points that `views` were taken of."""
    is_used = seen.seen & views.valid
    residual = torch.where(is_used[..., None], seen.pixels - views.pixels, 0.0)
    precision, right = noise.weights(residual.square().sum(-1), sigma_px, is_used)
    weighed = views.jacobian * precision[..., None, None]
    information = torch.einsum("fvjab,fvjac->fjbc", weighed, views.jacobian)
    gradient = torch.einsum("fvjab,fvja->fjb", weighed, residual)
    return LinearFit(residual, views.jacobian, sigma_px, precision, right, is_used, information, gradient)


def is_held(linear: LinearFit) -> Tensor:
    """Return (F, J) bool: so many views agree on the joint that it has one place."""
    return linear.right.sum(1) >= _LEAST_VIEWS


@dataclass(frozen=True, eq=False)
class _Step:
    """A linear system a frame.

    Attributes:
        matrix: (F, 3 J, 3 J).
        right_side: (F, 3 J).
    """

    matrix: Tensor
    right_side: Tensor

    @classmethod
    def of(cls, points: Tensor, start: Tensor, linear: LinearFit, limbs: RigidLimbs, constant_share: float) -> _Step:
        num_frames, num_joints = points.shape[:2]
        loose = _LOOSE_MM**-2
        matrix = points.new_zeros(num_frames, num_joints, 3, num_joints, 3)
        every = torch.arange(num_joints)
        blocks = linear.information + loose * torch.eye(3, dtype=points.dtype)
        gradient = linear.gradient + loose * (start - points)
        ends = points[:, limbs.first] - points[:, limbs.second]
        length = torch.linalg.vector_norm(ends, dim=-1).clamp_min(1e-6)
        along = ends / length[..., None]
        # What no time averages out is in the limbs' usual lengths too, so they correct the rest of the error only.
        precision = (1 - constant_share) / limbs.tolerance_mm**2 * _both_held(linear, limbs)
        pull = ((limbs.length_mm - length) * precision)[..., None] * along
        tie = precision[..., None, None] * along[..., :, None] * along[..., None, :]
        gradient = gradient.index_add(1, limbs.first, pull).index_add(1, limbs.second, -pull)
        blocks = blocks.index_add(1, limbs.first, tie).index_add(1, limbs.second, tie)
        matrix[:, every, :, every, :] = blocks.transpose(0, 1)
        matrix[:, limbs.first, :, limbs.second, :] -= tie.transpose(0, 1)
        matrix[:, limbs.second, :, limbs.first, :] -= tie.transpose(0, 1)
        return cls(matrix.reshape(num_frames, 3 * num_joints, -1), gradient.flatten(1))

    def solve(self) -> Tensor:
        """Return the step (F, J, 3), mm."""
        step: Tensor = torch.linalg.solve(self.matrix, self.right_side)
        return step.reshape(len(step), -1, 3).clamp(-_LONGEST_STEP_MM, _LONGEST_STEP_MM)


def _both_held(linear: LinearFit, limbs: RigidLimbs) -> Tensor:
    """Return (F, L) 1 where both ends of a limb have one place, else 0."""
    held = is_held(linear)
    return (held[:, limbs.first] & held[:, limbs.second]).double()


def _covariances(points: Tensor, start: Tensor, linear: LinearFit, limbs: RigidLimbs, constant_share: float) -> Tensor:
    """Return (F, J, 3, 3): of the part of the error that limbs correct, and of the part that they do not."""
    num_joints = points.shape[1]
    matrix = _Step.of(points, start, linear, limbs, constant_share).matrix
    every = torch.arange(num_joints)
    whole = torch.linalg.inv(matrix).reshape(len(points), num_joints, 3, num_joints, 3)
    cov: Tensor = (1 - constant_share) * whole[:, every, :, every].transpose(0, 1)
    if constant_share > 0:
        alone = linear.information + _LOOSE_MM**-2 * torch.eye(3, dtype=points.dtype)
        cov = cov + constant_share * torch.linalg.inv(alone)
    return cov


def of_undecided_peaks(fit: PoseFit) -> Tensor:
    """Return (F, J, 3, 3) the covariance that comes from peaks which may be right or wrong, mm^2.

    Such a peak pulls with its chance of being right, and with all its weight or nearly none if that were known.
    """
    linear = fit.linear
    undecided = linear.right * (1 - linear.right) / linear.sigma_px**4
    pull = torch.einsum("fvjab,fvja->fvjb", linear.jacobian, linear.residual)
    spread = torch.einsum("fvj,fvja,fvjb->fjab", undecided, pull, pull)
    cov: Tensor = fit.cov @ spread @ fit.cov
    return cov


@dataclass(frozen=True, eq=False)
class Agreement:
    """How well the views agree on each joint.

    Attributes:
        squares: (F, J) sum over the views of squared residuals over their variances, wrong peaks counting little.
        free: (F, J) how many coordinates the fit leaves free: what `squares` is on average.
    """

    squares: Tensor
    free: Tensor

    @classmethod
    def of(cls, fit: PoseFit) -> Agreement:
        """Return the agreement of the views around fitted poses."""
        linear = fit.linear
        squares = (linear.precision * linear.residual.square().sum(-1)).sum(1)
        taken = torch.einsum("fjab,fjba->fj", linear.information, fit.cov)
        return cls(squares, (2 * linear.right.sum(1) - taken).clamp_min(0))

    def factors(self, freedom: float) -> Tensor:
        """Return (F, J) factors on covariances: above 1 where the views agree less than they usually do.

        Args:
            freedom: how many coordinates the usual size of errors counts for.
        """
        return (freedom + self.squares) / (freedom + self.free)
