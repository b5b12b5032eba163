"""The loss: mean squared error of every stack's heatmaps, over the joints that are known (Sec. 3.4, 4.2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from poseharvest.checks import check_shape


def masked_heatmap_loss(heatmaps: Sequence[Tensor], targets: Tensor, known: Tensor) -> Tensor:
    """Return the sum over stacks of the mean squared error, the error of unknown joints left out.

    The mean is over all pixels of all joints, known or not: whether one joint is known changes no other's gradient,
    and the mean over processes is the mean over their pictures.

    Args:
        heatmaps: of every stack, (B, J, H, W) each: intermediate supervision.
        targets: (B, J, H, W).
        known: (B, J) bool.
    """
    sizes = check_shape("targets", targets, "B J H W")
    check_shape("known", known, "B J", B=sizes["B"], J=sizes["J"])
    counts = known[..., None, None]
    total = torch.zeros((), dtype=targets.dtype, device=targets.device)
    for stack in heatmaps:
        check_shape("heatmaps", stack, "B J H W", **sizes)
        # Selected before it is squared: NaN times zero would be NaN.
        error = torch.where(counts, stack - targets, torch.zeros_like(targets))
        total = total + error.square().mean()
    return total
