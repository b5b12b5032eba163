"""What a heatmap looks like: its height, the width of its blob, and whether it has a second one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.checks import check_shape
from poseharvest.heatmaps.maps import map_peaks

NEAR = 1 / 8
"""A blob reaches so far from its peak, share of the map's longer side."""
APART = 5 / 32
"""What lies so far from the peak is another blob, share of the map's longer side."""
_LOWEST = 0.1  # of the height: below lies background, whose far pixels would rule a second moment


@dataclass(frozen=True, eq=False)
class Blobs:
    """The shape of maps (...).

    Attributes:
        height: (...) float64, the map's maximum.
        width_px: (...) float64, standard deviation of the blob around the peak along one axis, pixels of the map. Cut
            off where the blob falls below a tenth of its height, it is 0.86 of a Gaussian's. NaN where the map is
            nowhere positive.
        second: (...) float64, the highest value apart from the blob as a share of the height, 0 to 1. NaN likewise.
    """

    height: Tensor
    width_px: Tensor
    second: Tensor


def measure_blobs(values: Tensor) -> Blobs:
    """Return the shape of heatmaps (V, J, H, W)."""
    check_shape("heatmaps", values, "V J H W")
    peaks = map_peaks(values)
    height, width = values.shape[-2:]
    x, y = torch.arange(width, dtype=torch.float64), torch.arange(height, dtype=torch.float64)
    off_x, off_y = x - peaks.pixels[..., :1], y - peaks.pixels[..., 1:]
    squared = off_y[..., :, None] ** 2 + off_x[..., None, :] ** 2  # (V, J, H, W)
    side = max(height, width)
    top = peaks.score.clamp_min(0)[..., None, None]
    maps = values.double().clamp_min(0)
    blob = torch.where((squared <= (NEAR * side) ** 2) & (maps > _LOWEST * top), maps, 0)
    apart = torch.where(squared > (APART * side) ** 2, maps, 0).flatten(-2).amax(-1)
    mean_square = (blob * squared).sum((-2, -1)) / blob.sum((-2, -1)) / 2
    return Blobs(peaks.score, mean_square.sqrt(), torch.where(peaks.score > 0, apart / peaks.score, torch.nan))
