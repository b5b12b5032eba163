"""Heatmaps of one person cleared of the peaks that others leave in the same window.

A network answers to everybody in its window. Where the window holds several people of whom it is known about where they
are, a peak that lies on another person's joint, nearer to it than to the own one, is theirs: it is taken out, so that
it neither draws the person away nor counts as evidence. What lies elsewhere stays, wherever it is.
"""

from __future__ import annotations

import torch
from torch import Tensor

from poseharvest.geometry.crop import Crop

_REACH = 1 / 16  # of the window's side: within it of another's joint a peak may be that joint's
_SHARPNESS = 1 / 48  # of the window's side: over which it passes from one person to the other


def clear_of_others(values: Tensor, crop: Crop, own: Tensor, others: Tensor) -> Tensor:
    """Return the heatmaps (J, H, W) of one view without the peaks of others.

    Args:
        values: (J, H, W) heatmaps of the window.
        crop: the window.
        own: (J, 2) where the person's joints are expected, pixels of the picture; NaN where not known.
        others: (K, J, 2) where those of the others are expected; NaN where not known.
    """
    if len(others) == 0:
        return values
    height, width = values.shape[-2:]
    scale = max(height, width)
    to_own = _distances(crop.to_window(own, (height, width)), (height, width)) / scale
    to_others = _distances(crop.to_window(others, (height, width)), (height, width)).amin(0) / scale
    on_other = torch.exp(-(to_others / _REACH).square() / 2)
    # From 0 where the own joint is as near, to 1 where the other's is much nearer.
    theirs = torch.tanh((to_own - to_others).clamp_min(0) / _SHARPNESS).nan_to_num(0)
    factor = (1 - on_other.nan_to_num(0) * theirs).to(values)
    return torch.where(values > 0, values * factor, values)


def _distances(points: Tensor, size: tuple[int, int]) -> Tensor:
    """Return (..., J, H, W) distances of every pixel from points (..., J, 2), infinite where they are NaN."""
    height, width = size
    dx = torch.arange(width, dtype=torch.float64) - points[..., :1]
    dy = torch.arange(height, dtype=torch.float64) - points[..., 1:]
    distance = torch.hypot(dy.unsqueeze(-1), dx.unsqueeze(-2))
    return torch.where(torch.isnan(distance), torch.inf, distance)
