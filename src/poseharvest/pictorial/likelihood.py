"""What is made of heatmaps before they are Eq. (3)'s likelihoods (docs/method.md, choice D3).

Networks learn to draw a Gaussian of a fixed width around the joint, so a blob is as wide as its training said, however
exactly its peak is placed. Its powers are narrower. They are taken relative to the peak: a view's peaks stay as high
over the floor as they were, so a network that is unsure everywhere is not believed less.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.errors import ConfigError
from poseharvest.pictorial.shapes import Bool, Float
from poseharvest.pictorial.votes import weigh_views

MAX_POWER = 8.0


@dataclass(frozen=True)
class Likelihood:
    """How a heatmap becomes a likelihood; the defaults but for the floor are the paper's."""

    floor: float = 0.01
    """Chance that a view is simply wrong, added to every heatmap; 0 is the paper's Eq. (3)."""

    height_power: float = 0.0
    """Power of its peak's height with which a view's word on a joint counts; 0 in the paper: all alike."""

    sharpen: float = 1.0
    """Power of a heatmap's values relative to its peak; 1 in the paper."""

    def __post_init__(self) -> None:
        if not 0 <= self.floor < 1:
            raise ConfigError(f"floor: expected 0 or more and less than 1, got {self.floor}")
        if not 0 <= self.height_power <= MAX_POWER:
            raise ConfigError(f"height_power: expected 0 to {MAX_POWER:g}, got {self.height_power}")
        if not 1 <= self.sharpen <= MAX_POWER:
            raise ConfigError(f"sharpen: expected 1 to {MAX_POWER:g}, got {self.sharpen}")

    def maps(self, values: Float[Tensor, "*B V J H W"], present: Bool[Tensor, "*B V"]) -> Float[Tensor, "*B V J H W"]:
        """Return the maps to which the floor is added.

        Args:
            values: (..., V, J, H, W) the heatmaps.
            present: (..., V) bool: the view has a heatmap.
        """
        return weigh_views(sharpened(values, self.sharpen), present, floor=self.floor, power=self.height_power)


def sharpened(values: Float[Tensor, "*B H W"], power: float) -> Float[Tensor, "*B H W"]:
    """Return heatmaps (..., H, W) of which every value is ``peak (value / peak)^power``, peaks and signs unchanged.

    A Gaussian of deviation sigma becomes one of ``sigma / sqrt(power)``. What is not positive stays as it is.
    """
    if power == 1:
        return values
    peak = values.amax((-2, -1), keepdim=True).clamp_min(torch.finfo(values.dtype).tiny)
    return torch.where(values > 0, peak * (values.clamp_min(0) / peak) ** power, values)
