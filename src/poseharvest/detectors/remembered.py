"""A detector that need not look twice: what it saw of a frame is kept until it is asked for another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from poseharvest.detectors.protocol import CroppedView, HeatmapDetector, details_of
from poseharvest.geometry.crop import Crop


class RememberingDetector:
    """A `HeatmapDetector` that knows the windows of one frame again.

    Args:
        inner: looks at windows that are new.
        frame: the frame; windows of others are not kept, and asking for one ends the memory.

    Attributes:
        name: of the detector within, as the others.
        skeleton: its joints.
        heatmap_size: (height, width) of its heatmaps.
        needs_images: it looks at pictures.
    """

    def __init__(self, inner: HeatmapDetector, frame: int) -> None:
        self._inner, self._frame = inner, frame
        self.name, self.skeleton = inner.name, inner.skeleton
        self.heatmap_size, self.needs_images = inner.heatmap_size, inner.needs_images
        self._seen: dict[tuple[str, Crop], Tensor] = {}

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
