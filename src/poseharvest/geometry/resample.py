"""Rescaling of pixel positions, and coordinates for `grid_sample`. No other file does either.

Pixel (0, 0) is the centre of the top-left pixel, so a picture of width W covers [-0.5, W - 0.5]. Halving a picture
maps pixel x to (x + 0.5) / 2 - 0.5, not to x / 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from poseharvest.arrays import ImageSize


def rescale_pixels(points: Tensor, from_size: tuple[float, float], to_size: tuple[float, float]) -> Tensor:
    """Return points (..., 2) x, y of a picture of `from_size` as points of the same picture at `to_size`.

    Sizes are (height, width); only their ratio counts.

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


@dataclass(frozen=True, eq=False)
class BilinearCorners:
    """The four pixels around each of a list of points, in maps with a border of one pixel.

    Attributes:
        first: integer, index of the upper left pixel in the flattened map with its border.
        right: weight of the right pixels, 0 to 1.
        below: weight of the lower pixels, 0 to 1.
        width: pixels in a row of the map with its border.
    """

    first: Tensor
    right: Tensor
    below: Tensor
    width: int

    def sample(self, maps: Tensor, start: Tensor, numbers: Tensor) -> Tensor:
        """Return the values at selected rows of points; each row is sampled in its own map.

        Args:
            maps: all maps with their borders, flattened to one axis.
            start: (N, 1) offset of the map of each row in `maps`.
            numbers: (N,) the selected rows of `first`, which is (M, K).

        Returns:
            (N, K).
        """
        upper = self.first.index_select(0, numbers) + start
        right = self.right.index_select(0, numbers)
        shape, upper = upper.shape, upper.flatten()
        above, below = (
            torch.lerp(maps.index_select(0, row).view(shape), maps.index_select(0, row + 1).view(shape), right)
            for row in (upper, upper + self.width)
        )
        return torch.lerp(above, below, self.below.index_select(0, numbers))


def bilinear_corners(x: Tensor, y: Tensor, size: ImageSize) -> BilinearCorners:
    """Return the four pixels around points of a map, as `sample_bilinear` weighs them.

    Args:
        x: (...) pixels, finite.
        y: (...) pixels, finite.
        size: of the map without its border.
    """
    height, width = size
    # A point further out than the border is moved onto it.
    x, y = (x + 1).clamp_(0, width + 1), (y + 1).clamp_(0, height + 1)
    left, top = x.floor().clamp_(max=width), y.floor().clamp_(max=height)
    first = torch.add(left, top, alpha=width + 2).int()
    return BilinearCorners(first, x.sub_(left), y.sub_(top), width + 2)
