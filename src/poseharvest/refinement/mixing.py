"""Between the fit and the marginal, where they disagree: the fit knows the limbs, the marginal the whole heatmaps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from poseharvest.refinement.pose_fit import PoseFit, is_held

# The subject's usual disagreement counts so many times beside that of a joint in a frame: chosen on simulated sequences
# of five kinds of errors (docs/method.md, D17).
_USUAL_COUNTS = 3.0
_MOST = 10.0  # that one joint in one frame counts for in the usual disagreement
_WHERE_UNKNOWN = 25.0


class Mixed(NamedTuple):
    """A place between the fit's and the marginal's.

    Attributes:
        offset: (F, J, 3) from the fit, mm.
        cov: (F, J, 3, 3) mm^2.
    """

    offset: Tensor
    cov: Tensor


@dataclass(frozen=True)
class Mixing:
    """How much the marginal counts beside the fit.

    A disagreement is a squared distance between both, over what it would be on average if the fit's covariance held for
    it. Peaks that the fit takes for wrong explain it.

    Attributes:
        half_at: disagreement at which both count alike; infinite where the fit counts alone.
        usual: of the person.
    """

    half_at: float = _WHERE_UNKNOWN
    usual: float = 0.0

    @classmethod
    def between(cls, fit: PoseFit, offset: Tensor, of_fit: Tensor, half_at: float = _WHERE_UNKNOWN) -> Mixing:
        """Return the mixing with the usual disagreement of F frames.

        Args:
            fit: of the frames.
            offset: (F, J, 3) from the fits to the marginals' means, mm.
            of_fit: (F, J, 3, 3) covariances of the fit, mm^2.
            half_at: as above.
        """
        weight = unexplained(fit) * is_held(fit.linear) * torch.isfinite(offset).all(-1)
        each = torch.nan_to_num(disagreement(offset, of_fit)).clamp(max=_MOST)
        total = float(weight.sum())
        return cls(half_at, float((weight * each).sum()) / total if total > 0 else 0.0)

    def mix(self, fit: PoseFit, offset: Tensor, of_fit: Tensor) -> Mixed:
        """Return mean and covariance if the truth lies about the fit or, with a probability, about the marginal's mean.

        That probability rises with the disagreement, of the joint in the frame and of the person in general.

        Args:
            fit: of F frames.
            offset: (F, J, 3) from the fits to the marginals' means, mm.
            of_fit: (F, J, 3, 3) covariances of the fit, mm^2; about either place.
        """
        if math.isinf(self.half_at):
            return Mixed(torch.zeros_like(offset), of_fit)
        odds = (disagreement(offset, of_fit) + _USUAL_COUNTS * self.usual) * unexplained(fit) / self.half_at
        chance = (odds / (1 + odds))[..., None]
        apart = offset[..., :, None] * offset[..., None, :]
        return Mixed(chance * offset, of_fit + (chance * (1 - chance))[..., None] * apart)


def disagreement(offset: Tensor, of_fit: Tensor) -> Tensor:
    """Return (F, J) squared Mahalanobis distances of offsets (F, J, 3) over what they are on average, 3."""
    solved = torch.linalg.solve(of_fit, offset[..., None]).squeeze(-1)
    squares: Tensor = (offset * solved).sum(-1)
    return squares / 3


def unexplained(fit: PoseFit) -> Tensor:
    """Return (F, J) the probability that no peak is wrong: wrong ones draw the marginal's mean, and not the fit."""
    linear = fit.linear
    return torch.where(linear.seen, linear.right, 1.0).prod(1)
