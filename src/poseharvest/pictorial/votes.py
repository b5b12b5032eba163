"""How much each view's word on a joint counts: the more, the higher its heatmap's peak (docs/method.md, choice D3).

Eq. (3) multiplies the views as if each knew the joint equally well. A network is less exact where its peak is lower: of
the ones measured, errors go with about the height to the power -1. Views' likelihoods are therefore raised to powers
that go with the heights and are about 1 on average.
"""

from __future__ import annotations

import torch
from torch import Tensor

from poseharvest.pictorial.shapes import Bool, Float

MAX_WEIGHT = 1.5
"""Largest power of a likelihood: a view that alone has a peak does not get the votes of all others."""


def view_weights(
    heights: Float[Tensor, "*B V J"], present: Bool[Tensor, "*B V"], power: float
) -> Float[Tensor, "*B V J"]:
    """Return the power (..., V, J) of every view's likelihood of a joint in a frame, 0 to `MAX_WEIGHT`.

    A height to the given power counts against what is usual: half in the joint, half in the frame (the geometric mean
    of the two means). So among the views of a joint the higher count more, and a joint whose peaks are low in all views
    is known less well than others, but not as much less as its heights alone would say: a network draws some joints
    lower than others whatever it knows of them.

    Args:
        heights: (..., V, J) of the heatmaps' peaks.
        present: (..., V) bool: the view has a heatmap.
        power: of the heights; 0 gives 1 to every view that is present.
    """
    visible_heights = heights.clamp_min(0) * present[..., None]
    highest = visible_heights.amax((-2, -1), keepdim=True)
    votes = (visible_heights / torch.where(highest > 0, highest, 1)) ** power * present[..., None]
    in_joint = votes.sum(-2, keepdim=True) / present.sum(-1).clamp_min(1)[..., None, None]
    is_seen = visible_heights.amax(-2, keepdim=True) > 0
    in_frame = (in_joint * is_seen).sum(-1, keepdim=True) / is_seen.sum(-1, keepdim=True).clamp_min(1)
    usual = torch.where(is_seen, (in_joint * in_frame).sqrt(), 1)
    return torch.where(is_seen, votes / usual, 1).clamp(max=MAX_WEIGHT)


def weigh_views(
    values: Float[Tensor, "*B V J H W"], present: Bool[Tensor, "*B V"], *, floors: Float[Tensor, "*B J"], power: float
) -> Float[Tensor, "*B V J H W"]:
    """Return heatmaps (..., V, J, H, W) to whose likelihoods, h + floor, the views' weights are powers.

    Of the weighted likelihood (h + floor)^w the new map is what lies above the floor after a scaling that leaves places
    where nothing is seen at the floor: floor ((h / floor + 1)^w - 1). What is not positive stays as it is.

    Args:
        values: the heatmaps.
        present: (..., V) bool: the view has a heatmap.
        floors: (..., J) the chance that a view of the joint is simply wrong; all 0 or all positive.
        power: as in `view_weights`; 0 returns `values`.
    """
    if power == 0:
        return values
    weights = view_weights(values.flatten(-2).amax(-1), present, power)[..., None, None]
    return torch.where(values > 0, _powers(values.clamp_min(0), weights, floors[..., None, :, None, None]), values)


def _powers(values: Tensor, weights: Tensor, floors: Tensor) -> Tensor:
    if not bool(floors.any()):
        return values**weights
    return (values / floors).log1p_().mul_(weights).expm1_().mul_(floors)
