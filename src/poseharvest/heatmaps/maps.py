"""Heatmaps of one moment, the windows of the pictures that they cover, and their peaks to a fraction of a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.arrays import ImageSize
from poseharvest.checks import check_finite, check_shape
from poseharvest.errors import ShapeError
from poseharvest.geometry.crop import Crop, windows_from_images

# Smallest value of a neighbour, as a share of the peak. A Gaussian of sigma 0.3 px falls to it at a distance of one
# pixel. The logarithm needs a positive number, and the background of a network can be negative.
_LOWEST_SHARE = 4e-3
_CLIMBS = 3  # steps of a pixel: a peak is first looked for among values that nearness has weighed


@dataclass(frozen=True, eq=False)
class Heatmaps:
    """Heatmaps of every view at one moment.

    Attributes:
        values: (V, J, H, W), the output of the network: about 0 to 1, not normalised, possibly negative. Zero for an
            absent view.
        crops: for each view the window of the picture that its maps cover; None for an absent view.
    """

    values: Tensor
    crops: tuple[Crop | None, ...]

    def __post_init__(self) -> None:
        check_shape("heatmaps", self.values, "V J H W")
        check_finite("heatmaps", self.values)
        if len(self.crops) != self.values.shape[0]:
            raise ShapeError(f"heatmaps: expected {self.values.shape[0]} crops, got {len(self.crops)}")

    @property
    def size(self) -> ImageSize:
        """(height, width) of a map."""
        return (self.values.shape[-2], self.values.shape[-1])


@dataclass(frozen=True, eq=False)
class Peaks:
    """The maximum of every heatmap.

    Attributes:
        pixels: (..., 2) float64 x, y. NaN where there is no heatmap.
        score: (...) float64, the heatmap's value at its maximum; 0 where there is no heatmap.
    """

    pixels: Tensor
    score: Tensor

    def of(self, number: int) -> Peaks:
        """Return those of one number along the first axis."""
        return Peaks(self.pixels[number], self.score[number])


def map_peaks(values: Tensor) -> Peaks:
    """Return the peaks of maps (..., H, W) in pixels of the maps.

    The parabola through the logarithms of the highest pixel and its neighbours is exact for a Gaussian. At the border
    of the map, on a plateau and where no value is positive, the peak is the highest pixel itself along that axis.
    """
    height, width = values.shape[-2:]
    if values.device.type == "cpu" and values.dtype in {torch.float32, torch.float64} and values.numel() > 0:
        return _map_peaks_in_loops(values)
    # The highest row first: a maximum with its place takes ten times as long as one without.
    row = values.amax(-1).argmax(-1)
    highest_row = values.gather(-2, row[..., None, None].expand(*row.shape, 1, width)).squeeze(-2)
    column = highest_row.argmax(-1)
    flat, index = values.flatten(-2), row * width + column
    score = flat.gather(-1, index.unsqueeze(-1)).squeeze(-1).double()
    peak, *sides = (
        flat.gather(-1, (index + k).clamp(0, height * width - 1).unsqueeze(-1)).squeeze(-1)
        for k in (0, -1, 1, -width, width)
    )
    offset_x = _offset(peak, sides[0], sides[1], (column > 0) & (column < width - 1))
    offset_y = _offset(peak, sides[2], sides[3], (row > 0) & (row < height - 1))
    return Peaks(torch.stack((column + offset_x, row + offset_y), -1), score)


def _map_peaks_in_loops(values: Tensor) -> Peaks:
    """Return the peaks as `map_peaks` does, on the processor."""
    from poseharvest.heatmaps.map_loops import find_highest

    maps = values.reshape(-1, *values.shape[-2:]).contiguous()
    places = torch.empty((len(maps), 2), dtype=torch.long)
    around = torch.empty((len(maps), 5), dtype=maps.dtype)
    # A maximum of each row first: the tensor operation is quicker than a loop.
    find_highest(maps.numpy(), maps.amax(-1).numpy(), places.numpy(), around.numpy())
    (row, column), (peak, left, right, above, below) = places.unbind(-1), around.unbind(-1)
    height, width = values.shape[-2:]
    offset_x = _offset(peak, left, right, (column > 0) & (column < width - 1))
    offset_y = _offset(peak, above, below, (row > 0) & (row < height - 1))
    pixels = torch.stack((column + offset_x, row + offset_y), -1)
    return Peaks(pixels.reshape(*values.shape[:-2], 2), peak.double().reshape(values.shape[:-2]))


def _offset(peak: Tensor, before: Tensor, after: Tensor, has_neighbours: Tensor) -> Tensor:
    """Return the maximum of the parabola along one axis, -0.5 to 0.5 pixels from the highest pixel.

    Args:
        peak: values at the highest pixels, one or more.
        before: values beside them.
        after: values at the other side.
        has_neighbours: bool, both sides lie within the map.
    """
    peak, before, after = peak.double(), before.double(), after.double()
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
    if not crops:
        return peaks
    scale, shift = (part[:, None].to(peaks.pixels) for part in windows_from_images(crops, (sizes["H"], sizes["W"])))
    is_present = torch.tensor([[crop is not None] for crop in crops], device=values.device)
    pixels = torch.where(is_present[..., None], (peaks.pixels - shift) / scale, torch.nan)
    return Peaks(pixels, torch.where(is_present, peaks.score, 0))


def peaks_near(values: Tensor, points: Tensor, *, reach: float) -> Peaks:
    """Return, of every map, the peak near a point, in pixels of the map.

    A peak is a pixel that is positive and not lower than its eight neighbours. The higher a peak and the nearer to the
    point, the sooner it is taken; beyond `reach` it is not. Where there is none, the pixels are NaN and the score is 0.

    Args:
        values: (..., H, W).
        points: (..., 2) x, y in pixels of the maps.
        reach: pixels, along each axis.
    """
    return peaks_near_each([values], points.unsqueeze(0), reach=reach).of(0)


def peaks_near_each(values: Sequence[Tensor], points: Tensor, *, reach: float) -> Peaks:
    """Return the same for F sets of maps of one size, in a fraction of the time.

    Args:
        values: F tensors (..., H, W) on the processor, of one shape.
        points: (F, ..., 2) x, y in pixels of the maps.
        reach: pixels, along each axis.
    """
    from poseharvest.heatmaps.map_loops import find_peaks_near

    height, width = values[0].shape[-2:]
    centers = points.reshape(len(values), -1, 2).double()
    centers = torch.where(torch.isfinite(centers), centers, -4 * reach - 4).contiguous()
    places = torch.zeros(centers.shape, dtype=torch.long)
    around = torch.zeros((*centers.shape[:-1], 6), dtype=values[0].dtype)
    for frame, maps in enumerate(values):
        of_frame = (one[frame].numpy() for one in (centers, places, around))
        flat_maps = maps.reshape(-1, height, width).contiguous().numpy()
        find_peaks_near(flat_maps, float(reach), _CLIMBS, *of_frame)
    row, column = places.unbind(-1)
    peak, left, right, above, below, highest = around.unbind(-1)
    offset_x = _offset(peak, left, right, (column > 0) & (column < width - 1))
    offset_y = _offset(peak, above, below, (row > 0) & (row < height - 1))
    pixels = torch.stack((column + offset_x, row + offset_y), -1)
    score = peak.double()
    found = (score > 0) & ((pixels - centers).abs() <= reach).all(-1) & (highest <= peak)
    pixels = torch.where(found[..., None], pixels, torch.nan)
    return Peaks(pixels.reshape(points.shape), torch.where(found, score, 0).reshape(points.shape[:-1]))
