"""What is made of heatmaps before they are Eq. (3)'s likelihoods (docs/method.md, choice D3).

Networks learn to draw a Gaussian of a fixed width around the joint, so a blob is as wide as its training said, however
exactly its peak is placed. Its powers are narrower. They are taken relative to the peak: a view's peaks stay as high
over the floor as they were, so a network that is unsure everywhere is not believed less.

The floor is the chance that a view is simply wrong. That all views of a joint are wrong must not become likelier where
they are fewer, so with fewer than four it is lower (`floors_of`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.errors import ConfigError
from poseharvest.pictorial.shapes import Bool, Float
from poseharvest.pictorial.votes import weigh_views

MAX_POWER = 8.0

_EXPONENTS = (1.0, 4.0, 2.0, 4 / 3, 1.0)  # of the floor, by the number of views that show the joint, up to 4


@dataclass(frozen=True)
class Likelihood:
    """How a heatmap becomes a likelihood; the defaults but for the floor are the paper's."""

    floor: float = 0.01
    """Chance that a view is simply wrong, added to every heatmap; 0 is the paper's Eq. (3). It is meant for four views
    or more that show a joint, and lower for fewer (`floors_of`)."""

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
        """Return the maps to which the floors are added.

        Args:
            values: (..., V, J, H, W) the heatmaps.
            present: (..., V) bool: the view has a heatmap.
        """
        made = sharpened(values, self.sharpen)
        if self.height_power == 0:
            return made
        floors = floors_of(self.floor, views_that_show(values, present), values.dtype)
        return weigh_views(made, present, floors=floors, power=self.height_power)


def views_that_show(values: Float[Tensor, "*B V J H W"], present: Bool[Tensor, "*B V"]) -> Bool[Tensor, "*B V J"]:
    """Return (..., V, J) bool: the view is present and its heatmap of the joint rises above zero.

    Args:
        values: (..., V, J, H, W) the heatmaps.
        present: (..., V) bool: the view has a heatmap.
    """
    return (values.amax((-2, -1)) > 0) & present[..., None]


def floors_of(floor: float, is_shown: Bool[Tensor, "*B V J"], dtype: torch.dtype) -> Float[Tensor, "*B J"]:
    """Return (..., J) the floor of every view that shows a joint: ``floor^(4 / V)`` for V < 4 of them, else `floor`.

    All V views are wrong with the chance floor^4 at most, however few they are. A view that does not show the joint
    says nothing: its likelihood is the constant `floor`. For a joint that no view shows the result is `floor` too.

    Args:
        floor: the chance that one view of four or more is simply wrong, 0 or more and less than 1.
        is_shown: (..., V, J) bool, as `views_that_show` returns.
        dtype: of the result. No floor but 0 becomes smaller than its smallest normal number.
    """
    number = is_shown.sum(-2).clamp(max=len(_EXPONENTS) - 1)
    exponents = torch.tensor(_EXPONENTS, dtype=torch.float64, device=is_shown.device)
    floors = floor ** exponents[number]
    return (floors if floor == 0 else floors.clamp_min(torch.finfo(dtype).tiny)).to(dtype)


def sharpened(values: Float[Tensor, "*B H W"], power: float) -> Float[Tensor, "*B H W"]:
    """Return heatmaps (..., H, W) of which every value is ``peak (value / peak)^power``, peaks and signs unchanged.

    A Gaussian of deviation sigma becomes one of ``sigma / sqrt(power)``. What is not positive stays as it is.
    """
    if power == 1:
        return values
    peak = values.amax((-2, -1), keepdim=True).clamp_min(torch.finfo(values.dtype).tiny)
    return torch.where(values > 0, peak * (values.clamp_min(0) / peak) ** power, values)
