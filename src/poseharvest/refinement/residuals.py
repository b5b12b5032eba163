"""Left-out residuals without leaving anything out: what the peaks say of each other, limbs aside.

For a least-squares fit, the distance of a peak from the prediction of the other views follows from the residual of the
fit to all views and from the share of it that the peak itself has taken (its leverage). So one fit serves for all
views that might be left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.refinement.observations import Observations
from poseharvest.refinement.pose_fit import PoseFit, is_held

_WEAKEST = 1e-8  # 1 / mm^2, added to the information of joints that nothing shows
_LONGEST_STEP_MM = 300.0
_WIDEST_MM = 200.0
_RIGHT = 0.5
_MOST_ALIKE = 0.95


@dataclass(frozen=True, eq=False)
class Residuals:
    """Peaks against the joint's position by the views alone.

    Attributes:
        points: (F, J, 3) that position, mm.
        cov: (F, J, 3, 3) of it, mm^2.
        is_known: (F, J) bool, enough views agree on it.
        share: (F, V, J, 2) peaks less projections, share of the window's side.
        right: (F, V, J) probability that the peak is right, 0 where it is not compared.
        precision: (F, V, J) weight of the peak times the variance of right ones, 0 to 1.
        free: (F, V, J) how many of a peak's two coordinates the fit has left free, 0 to 2; 0 where not compared.
    """

    points: Tensor
    cov: Tensor
    is_known: Tensor
    share: Tensor
    right: Tensor
    precision: Tensor
    free: Tensor

    @property
    def squares(self) -> Tensor:
        """(F, V, J) squared residuals."""
        return self.share.square().sum(-1)

    @property
    def independent_share(self) -> float:
        """Share of the frames that are independent, by how alike the errors of two frames in a row are."""
        is_right = self.right > _RIGHT
        both = is_right[1:] & is_right[:-1] & (self.free[1:] > 0) & (self.free[:-1] > 0)
        product = (self.share[1:] * self.share[:-1]).sum(-1)[both].sum()
        square = (self.squares[1:] + self.squares[:-1])[both].sum() / 2
        if float(square) <= 0:
            return 1.0
        alike = min(max(float(product / square), 0.0), _MOST_ALIKE)
        return (1 - alike) / (1 + alike)


def view_residuals(observations: Observations, fit: PoseFit) -> Residuals:
    """Return the residuals of the views alone: one linear step takes the limbs out of the fit."""
    linear = fit.linear
    information = linear.information + _WEAKEST * torch.eye(3, dtype=torch.float64)
    cov = torch.linalg.inv(information)
    step = torch.einsum("fjab,fjb->fja", cov, linear.gradient)
    is_known = (
        is_held(linear)
        & (torch.linalg.vector_norm(step, dim=-1) < _LONGEST_STEP_MM)
        & (torch.diagonal(cov, dim1=-2, dim2=-1).sum(-1) < _WIDEST_MM**2)
    )
    compared = (linear.right > 0) & is_known[:, None]
    residual = linear.residual - torch.einsum("fvjab,fjb->fvja", linear.jacobian, step)
    taken = torch.einsum("fvjab,fjbc,fvjac->fvj", linear.jacobian, cov, linear.jacobian) * linear.precision
    return Residuals(
        points=fit.points + step,
        cov=cov,
        is_known=is_known,
        share=torch.where(compared[..., None], residual / observations.side_px[..., None, None], 0.0),
        right=torch.where(compared, linear.right, 0.0),
        precision=torch.where(compared, linear.precision * linear.sigma_px**2, 0.0),
        free=torch.where(compared, (2 - taken).clamp(0, 2), 0.0),
    )
