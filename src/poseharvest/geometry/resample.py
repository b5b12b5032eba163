"""The only place that rescales pixel positions, and the only one that fills `grid_sample` coordinates.

Pixel (0, 0) is the centre of the top-left pixel, so a picture of width W covers [-0.5, W - 0.5]. Halving a picture
maps pixel x to (x + 0.5) / 2 - 0.5, not to x / 2.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from poseharvest.arrays import ImageSize


def rescale_pixels(points: Tensor, from_size: ImageSize, to_size: ImageSize) -> Tensor:
    """Return the positions (..., 2) x, y in a picture of `to_size` of points in the same picture at `from_size`.

    >>> rescale_pixels(torch.tensor([0.0, 0.0]), (4, 8), (2, 2)).tolist()
    [-0.375, -0.25]
    """
    scale = torch.tensor(
        (to_size[1] / from_size[1], to_size[0] / from_size[0]), dtype=points.dtype, device=points.device
    )
    return (points + 0.5) * scale - 0.5


def sample_bilinear(maps: Tensor, points: Tensor) -> Tensor:
    """Return the values of maps at pixel positions, bilinear between pixel centres, zero outside.

    Args:
        maps: (B, C, H, W).
        points: (B, N, 2) x, y in pixels of the maps.

    Returns:
        (B, C, N). Between the outermost pixel centres and one pixel beyond, the value fades to zero.
    """
    size = torch.tensor((maps.shape[-1], maps.shape[-2]), dtype=points.dtype, device=points.device)
    coordinates = (2 * points + 1) / size - 1
    sampled = functional.grid_sample(
        maps, coordinates.unsqueeze(1), mode="bilinear", padding_mode="zeros", align_corners=False
    )
    return sampled.squeeze(2)


def sample_bilinear_each(maps: Tensor, number: Tensor, points: Tensor) -> Tensor:
    """Return what `sample_bilinear` does where every point looks into a map of its own.

    Args:
        maps: (M, H, W), with a border of one pixel of zeros that belongs to no pixel position.
        number: (N,) integer, the map of every point.
        points: (N, 2) x, y in pixels of the maps, finite.

    Returns:
        (N,).
    """
    height, width = maps.shape[-2] - 2, maps.shape[-1] - 2
    padded = maps.flatten()
    # A point further out than the border is moved onto it.
    x = (points[:, 0] + 1).clamp(0, width + 1)
    y = (points[:, 1] + 1).clamp(0, height + 1)
    left, top = x.floor().clamp(max=width), y.floor().clamp(max=height)
    right_share, bottom_share = x - left, y - top
    first = (number * (height + 2) + top.long()) * (width + 2) + left.long()
    above = torch.lerp(padded[first], padded[first + 1], right_share)
    below = torch.lerp(padded[first + width + 2], padded[first + width + 3], right_share)
    return torch.lerp(above, below, bottom_share)
