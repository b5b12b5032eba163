"""How exact a detector's peaks are: a normal error of a learned size, and a share of peaks that are simply wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from poseharvest.checks import check_shape
from poseharvest.errors import ShapeError
from poseharvest.refinement.observations import Observations

USUAL_ERROR = 0.012
"""Standard deviation of a peak along each axis, share of the window's side, before any footage is seen."""

USUAL_WRONG_SHARE = 0.03
"""Share of the peaks that are wrong, before any footage is seen."""

WIDER = 8.0
"""Standard deviation of wrong peaks over that of right ones, before any footage is seen."""

MAX_HEIGHT_RATIO = 4.0
"""A peak counts at most so many times higher or lower than usual."""


class PeakWeights(NamedTuple):
    """What peaks are worth.

    Attributes:
        precision: (F, V, J) expected inverse variance along each axis, 1 / px^2; 0 where nothing is seen.
        right: (F, V, J) probability that the peak is not a wrong one; 0 where nothing is seen.
    """

    precision: Tensor
    right: Tensor


@dataclass(frozen=True, eq=False)
class DetectorNoise:
    """The errors of a detector on a person: a mixture of two normal distributions for each view and joint.

    Attributes:
        share: (V, J) standard deviation of right peaks along each axis, share of the window's side.
        wrong_share: probability of a wrong peak, 0 to 1.
        wider: standard deviation of wrong peaks over that of right ones.
        constant_share: share of the variance that is the same in all frames: a detector's own idea of a joint in a
            view. It does not average out over time, and no limb corrects it.
        height_power: the standard deviation falls with the height of the peak to this power.
        usual_height: (V, J) height of a usual peak.

    Raises:
        ShapeError: a share is no share, or the errors are not positive.
    """

    share: Tensor
    wrong_share: float = USUAL_WRONG_SHARE
    wider: float = WIDER
    constant_share: float = 0.0
    height_power: float = 0.0
    usual_height: Tensor | None = None

    def __post_init__(self) -> None:
        check_shape("share", self.share, "V J")
        if not bool((self.share > 0).all()):
            raise ShapeError("detector noise: expected positive standard deviations")
        if not (0 <= self.wrong_share < 1 and 0 <= self.constant_share < 1 and self.wider > 1):
            raise ShapeError(
                f"detector noise: expected shares from 0 to 1 and wrong peaks wider than right ones, got "
                f"{self.wrong_share}, {self.constant_share} and {self.wider}"
            )

    @classmethod
    def usual(cls, num_views: int, num_joints: int) -> DetectorNoise:
        """Return the noise that is assumed before any footage is seen."""
        return cls(torch.full((num_views, num_joints), USUAL_ERROR, dtype=torch.float64))

    def sigma_px(self, seen: Observations) -> Tensor:
        """Return (F, V, J) the standard deviation of each peak along each axis, were it a right one, pixels."""
        sigma = self.share * seen.side_px[..., None]
        if self.height_power == 0 or self.usual_height is None:
            return sigma
        return sigma * height_ratio(seen.height, self.usual_height) ** -self.height_power

    @property
    def log_odds(self) -> float:
        """Log of how much more likely a right peak is than a wrong one, for peaks at the very pose."""
        share = min(1 - self.wrong_share, 1 - 1e-9)
        # Two axes, so the widths' ratio is squared.
        return math.log(share / (1 - share)) + 2 * math.log(self.wider)

    def weights(self, squared_px: Tensor, sigma_px: Tensor, seen: Tensor) -> PeakWeights:
        """Return what peaks at some distances from the pose are worth.

        Args:
            squared_px: (F, V, J) squared distances, px^2.
            sigma_px: (F, V, J) of right peaks.
            seen: (F, V, J) bool.
        """
        squares = squared_px / sigma_px**2
        right = torch.sigmoid(self.log_odds - squares / 2 * (1 - self.wider**-2))
        right = torch.where(seen, right, 0)
        precision = torch.where(seen, (right + (1 - right) * self.wider**-2) / sigma_px**2, 0)
        return PeakWeights(precision, right)


def height_ratio(height: Tensor, usual_height: Tensor) -> Tensor:
    """Return heights (F, V, J) over usual ones (V, J), within `MAX_HEIGHT_RATIO`; 1 where there is no usual one."""
    ratio = torch.where(usual_height > 0, height / torch.where(usual_height > 0, usual_height, 1), 1)
    return ratio.clamp(1 / MAX_HEIGHT_RATIO, MAX_HEIGHT_RATIO)
