"""Heatmaps of one moment: the output of a detector for every view, and the window of the picture it covers."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from poseharvest.arrays import ImageSize
from poseharvest.checks import check_finite, check_shape
from poseharvest.errors import ShapeError
from poseharvest.geometry.crop import Crop


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
