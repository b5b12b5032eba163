"""SimCC: a joint's position as one vector over x and one over y (Li et al., ECCV 2022), turned into a heatmap.

Bin k of a vector with split ratio r is the position k / r, in pixels of the network's input counted from the centre
of the first: SimCC has no half pixel, while the centre of heatmap pixel i at stride s is (i + 0.5) s - 0.5.
"""

from __future__ import annotations

import torch
from torch import Tensor

from poseharvest.errors import ShapeError


def simcc_heatmaps(
    along_x: Tensor, along_y: Tensor, *, split_ratio: float, stride: int, softmax_beta: float = 10.0
) -> Tensor:
    """Return heatmaps (B, J, H, W): the product of both distributions, scaled to the confidence.

    Args:
        along_x: (B, J, K_x) output of the network along x, with K_x = split_ratio x width of the input.
        along_y: (B, J, K_y) output of the network along y.
        split_ratio: bins per pixel of the input.
        stride: pixels of the input per pixel of the heatmap.
        softmax_beta: factor that turns the output into logarithms of probabilities (RTMPose is trained with 10); 0 if
            the output is already probabilities.

    Returns:
        Heatmaps whose maximum is about the mean of the largest values of the two vectors, limited to 0 to 1. Decoders
        of SimCC report this mean as the confidence.

    Raises:
        ShapeError: the bins do not fill whole pixels of the heatmap.
    """
    score = ((along_x.amax(-1) + along_y.amax(-1)) / 2).clamp(0.0, 1.0)
    x, y = (_pooled(values, split_ratio, stride, softmax_beta) for values in (along_x, along_y))
    return score[..., None, None] * y.unsqueeze(-1) * x.unsqueeze(-2)


def _pooled(values: Tensor, split_ratio: float, stride: int, softmax_beta: float) -> Tensor:
    """Return the distribution over pixels of the heatmap (B, J, N), with a maximum of 1."""
    probability = torch.softmax(values * softmax_beta, -1) if softmax_beta else values.clamp(min=0.0)
    pooled = probability @ _hat_weights(values, split_ratio, stride)
    tiny = torch.finfo(pooled.dtype).tiny
    return pooled / pooled.amax(-1, keepdim=True).clamp(min=tiny)


def _hat_weights(values: Tensor, split_ratio: float, stride: int) -> Tensor:
    """Return (K, N) weights that split each bin between its two nearest pixels and keep the centre of mass."""
    bins = values.shape[-1]
    length = bins / split_ratio / stride
    if length != int(length):
        raise ShapeError(
            f"SimCC: expected bins that fill whole heatmap pixels of {stride} x {split_ratio} bins, got {bins}"
        )
    position = torch.arange(bins, dtype=values.dtype, device=values.device) / split_ratio
    pixel = (position + 0.5) / stride - 0.5
    centers = torch.arange(int(length), dtype=values.dtype, device=values.device)
    return (1 - (pixel.unsqueeze(-1) - centers).abs()).clamp(min=0.0)
