"""A detector that need not look twice: what it saw of a frame is kept until it is asked for another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from poseharvest.arrays import ImageSize
from poseharvest.detectors.protocol import CroppedView, HeatmapDetector, details_of
from poseharvest.geometry.crop import Crop
from poseharvest.skeleton.skeleton import Skeleton


class RememberingDetector:
    """A `HeatmapDetector` that knows the windows of one frame again.

    Args:
        inner: looks at windows that are new.
        frame: the frame; windows of others are not kept, and asking for one ends the memory.
    """

    def __init__(self, inner: HeatmapDetector, frame: int) -> None:
        self._inner, self._frame = inner, frame
        self._seen: dict[tuple[str, Crop], Tensor] = {}

    @property
    def name(self) -> str:
        """Of the detector within."""
        return self._inner.name

    @property
    def skeleton(self) -> Skeleton:
        """Of the detector within."""
        return self._inner.skeleton

    @property
    def heatmap_size(self) -> ImageSize:
        """Of the detector within."""
        return self._inner.heatmap_size

    @property
    def needs_images(self) -> bool:
        """Of the detector within."""
        return self._inner.needs_images

    @property
    def details(self) -> dict[str, Any]:
        """What the detector within says of itself."""
        return details_of(self._inner)

    def detect(self, views: Sequence[CroppedView]) -> Tensor:
        """Return the heatmaps (B, J, H, W) of B windows, looking only at those that are new."""
        if not views or any(view.frame != self._frame for view in views):
            self._seen.clear()
            return self._inner.detect(views)
        new = list(
            {(view.view, view.crop): view for view in views if (view.view, view.crop) not in self._seen}.values()
        )
        if new:
            for view, maps in zip(new, self._inner.detect(new), strict=True):
                self._seen[view.view, view.crop] = maps
        return torch.stack([self._seen[view.view, view.crop] for view in views])
