"""Target heatmaps for training: a Gaussian at every annotated joint (Sec. 3.4, 4.2)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.arrays import ImageSize
from poseharvest.checks import check_shape
from poseharvest.errors import ShapeError
from poseharvest.geometry.crop import Crop


@dataclass(frozen=True, eq=False)
class TargetHeatmaps:
    """The training target of a network.

    Attributes:
        values: (..., J, H, W) float32, Gaussians of height 1; zero where not `known`.
        known: (..., J) bool, False for a joint without an annotation or outside the window. The loss must ignore it.
    """

    values: Tensor
    known: Tensor


def gaussian_maps(points: Tensor, size: ImageSize, *, sigma_px: float) -> Tensor:
    """Return maps (..., H, W) with a Gaussian of height 1 at every point, zero where the point is NaN.

    Args:
        points: (..., 2) x, y in pixels of the maps; pixel (0, 0) is the centre of the first pixel. Fractions of a pixel
            are not rounded.
        size: (height, width) of the maps.
        sigma_px: standard deviation, pixels of the maps.

    Raises:
        ShapeError: sigma is not positive.
    """
    along_y, along_x = _bells(points, size, sigma_px)
    return along_y.unsqueeze(-1) * along_x.unsqueeze(-2)


def raise_to_gaussians(maps: Tensor, points: Tensor, heights: Tensor, *, sigma_px: float) -> None:
    """Raise maps in place to a Gaussian of some height at every point, where that is higher.

    The result is that of `gaussian_maps`, in a tenth of the time: a bump is drawn only where float32 can tell it from
    zero.

    Args:
        maps: (J, H, W) float32 on the processor, not negative.
        points: (J, 2) x, y in pixels of the maps; NaN draws nothing.
        heights: (J,) of the Gaussians. One that is not finite makes its map NaN.
        sigma_px: standard deviation, pixels of the maps.

    Raises:
        ShapeError: sigma is not positive.
    """
    from poseharvest.heatmaps.map_loops import raise_to_bumps

    height, width = maps.shape[1:]
    along_y, along_x = _bells(points.double(), (height, width), sigma_px)
    raise_to_bumps(maps.numpy(), along_y.numpy(), along_x.numpy(), heights.double().contiguous().numpy())


def _bells(points: Tensor, size: ImageSize, sigma_px: float) -> tuple[Tensor, Tensor]:
    """Return the Gaussians of height 1 along the rows (..., H) and along the columns (..., W)."""
    if not sigma_px > 0:
        raise ShapeError(f"Gaussian heatmaps: expected sigma_px > 0, got {sigma_px}")
    pixels = torch.arange(max(size), dtype=points.dtype, device=points.device)
    bells = torch.exp(-0.5 * ((pixels - points.unsqueeze(-1)) / sigma_px) ** 2).nan_to_num(nan=0.0)  # (..., 2, L)
    return bells[..., 1, : size[0]], bells[..., 0, : size[1]]


def target_heatmaps(pixels: Tensor, crop: Crop, size: ImageSize, *, sigma_px: float = 1.0) -> TargetHeatmaps:
    """Return the training target of one window.

    Args:
        pixels: (J, 2) joints in pixels of the picture; NaN for a joint without an annotation.
        crop: the window of the picture that is the input of the network.
        size: (height, width) of the network's heatmaps.
        sigma_px: standard deviation, pixels of the heatmap (the paper's 1).
    """
    check_shape("pixels", pixels, "J 2")
    return targets_at(crop.to_window(pixels.double(), size), size, sigma_px=sigma_px)


def targets_at(points: Tensor, size: ImageSize, *, sigma_px: float = 1.0) -> TargetHeatmaps:
    """Return the training target for joints in pixels of the heatmaps.

    Args:
        points: (..., J, 2) pixels of the heatmaps; NaN for a joint without an annotation.
        size: (height, width) of the heatmaps.
        sigma_px: standard deviation, pixels of the heatmap (the paper's 1).
    """
    limits = torch.tensor((size[1], size[0]), dtype=points.dtype, device=points.device) - 0.5
    known = ((points >= -0.5) & (points <= limits)).all(-1)
    points = torch.where(known.unsqueeze(-1), points, torch.full_like(points, float("nan")))
    return TargetHeatmaps(gaussian_maps(points, size, sigma_px=sigma_px).float(), known)
