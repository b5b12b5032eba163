"""Peaks of heatmaps, to a fraction of a heatmap pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.checks import check_shape
from poseharvest.errors import ShapeError
from poseharvest.geometry.crop import Crop

# Smallest value of a neighbour, as a share of the peak. A Gaussian of sigma 0.3 px falls to it at a distance of one
# pixel. The logarithm needs a positive number, and the background of a network can be negative.
_LOWEST_SHARE = 4e-3


@dataclass(frozen=True, eq=False)
class Peaks:
    """The maximum of every heatmap.

    Attributes:
        pixels: (..., 2) float64 x, y. NaN where there is no heatmap.
        score: (...) float64, the heatmap's value at its maximum; 0 where there is no heatmap.
    """

    pixels: Tensor
    score: Tensor


def map_peaks(values: Tensor) -> Peaks:
    """Return the peaks of maps (..., H, W) in pixels of the maps.

    The parabola through the logarithms of the highest pixel and its neighbours is exact for a Gaussian. At the border
    of the map, on a plateau and where no value is positive, the peak is the highest pixel itself along that axis.
    """
    height, width = values.shape[-2:]
    # The highest row first: a maximum with its place takes ten times as long as one without.
    row = values.amax(-1).argmax(-1)
    highest_row = values.gather(-2, row[..., None, None].expand(*row.shape, 1, width)).squeeze(-2)
    column = highest_row.argmax(-1)
    flat, index = values.flatten(-2), row * width + column
    score = flat.gather(-1, index.unsqueeze(-1)).squeeze(-1).double()
    offset_x = _offset(flat, index, 1, (column > 0) & (column < width - 1))
    offset_y = _offset(flat, index, width, (row > 0) & (row < height - 1))
    return Peaks(torch.stack((column + offset_x, row + offset_y), -1), score)


def _offset(flat: Tensor, index: Tensor, step: int, has_neighbours: Tensor) -> Tensor:
    """Return the maximum of the parabola along one axis, -0.5 to 0.5 pixels from the highest pixel."""
    last = flat.shape[-1] - 1
    peak, before, after = (
        flat.gather(-1, (index + k * step).clamp(0, last).unsqueeze(-1)).squeeze(-1).double() for k in (0, -1, 1)
    )
    usable = has_neighbours & (peak > 0)
    scale = torch.where(usable, peak, torch.ones_like(peak))
    log_before, log_after = ((side / scale).clamp(_LOWEST_SHARE, 1.0).log() for side in (before, after))
    curvature = log_before + log_after
    usable &= curvature < 0
    offset = (log_before - log_after) / (2 * torch.where(usable, curvature, -torch.ones_like(curvature)))
    return torch.where(usable, offset, torch.zeros_like(offset))


def heatmap_peaks(values: Tensor, crops: Sequence[Crop | None]) -> Peaks:
    """Return the peaks of the heatmaps of every view, in pixels of the picture of the view.

    Args:
        values: (V, J, H, W).
        crops: for each view the window that its maps cover; None for an absent view.

    Returns:
        Peaks of shape (V, J): NaN pixels and score 0 in an absent view.

    Raises:
        ShapeError: the number of crops is not V.
    """
    sizes = check_shape("heatmaps", values, "V J H W")
    if len(crops) != sizes["V"]:
        raise ShapeError(f"heatmaps: expected {sizes['V']} crops, got {len(crops)}")
    peaks = map_peaks(values)
    pixels = torch.full_like(peaks.pixels, float("nan"))
    score = torch.zeros_like(peaks.score)
    for view, crop in enumerate(crops):
        if crop is not None:
            pixels[view] = crop.to_image(peaks.pixels[view], (sizes["H"], sizes["W"]))
            score[view] = peaks.score[view]
    return Peaks(pixels, score)
