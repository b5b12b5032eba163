"""A detector for cameras that hang upside down or on their side: it sees their pictures the right way up.

Networks have learned people who stand. Of a picture that is turned they make somebody else, with left for right and
head for feet. So the picture and its window are turned for the network, and its heatmaps are turned back: everything
else keeps to the picture as it was filmed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from poseharvest.arrays import Image, ImageSize
from poseharvest.detectors.protocol import CroppedView, HandNetwork, HeatmapDetector, details_of
from poseharvest.errors import DetectorError
from poseharvest.geometry.crop import Crop, rescale_pixels, sample_bilinear
from poseharvest.skeleton.skeleton import Skeleton

QUARTER_TURNS = (0, 90, 180, 270)
"""Degrees clockwise by which a picture can be turned."""


def turn_image(image: Image, degrees: int) -> Image:
    """Return the picture turned clockwise."""
    return np.ascontiguousarray(np.rot90(image, -degrees // 90))


def turn_points(points: Tensor, size: ImageSize, degrees: int) -> Tensor:
    """Return where pixels (..., 2) of a picture lie after it is turned clockwise.

    Args:
        points: x, y.
        size: (height, width) of the picture before.
        degrees: one of `QUARTER_TURNS`.
    """
    (height, width), (x, y) = size, points.unbind(-1)
    turned = {
        0: (x, y),
        90: (height - 1 - y, x),
        180: (width - 1 - x, height - 1 - y),
        270: (y, width - 1 - x),
    }
    return torch.stack(turned[degrees], -1)


def turn_maps(maps: Tensor, degrees: int) -> Tensor:
    """Return maps (..., H, W) of a square window turned clockwise, of the same size.

    Square maps are turned exactly. Others are resampled after a quarter turn, since each pixel covers another part of
    the window.
    """
    turned = torch.rot90(maps, -degrees // 90, (-2, -1))
    size = (maps.shape[-2], maps.shape[-1])
    turned_size = (turned.shape[-2], turned.shape[-1])
    if turned_size == size:
        return turned
    rows, columns = torch.meshgrid(
        *(torch.arange(n, dtype=maps.dtype, device=maps.device) for n in size), indexing="ij"
    )
    points = rescale_pixels(torch.stack((columns, rows), -1).reshape(1, -1, 2), size, turned_size)
    return sample_bilinear(turned.reshape(1, -1, *turned_size), points).reshape(maps.shape)


@dataclass(frozen=True, eq=False)
class TurnedDetector:
    """A `HeatmapDetector` that sees the pictures of some views turned.

    Attributes:
        inner: sees them turned.
        turns: degrees clockwise, by the view's name; a view that is not named is seen as it is.
    """

    inner: HeatmapDetector
    turns: Mapping[str, int]

    def __post_init__(self) -> None:
        wrong = [f'"{view}": {degrees}' for view, degrees in self.turns.items() if degrees not in QUARTER_TURNS]
        if wrong:
            raise DetectorError(f"turn: expected 0, 90, 180 or 270 degrees clockwise, got {', '.join(wrong)}")

    @property
    def name(self) -> str:
        """Of the detector within."""
        return self.inner.name

    @property
    def skeleton(self) -> Skeleton:
        """Of the detector within."""
        return self.inner.skeleton

    @property
    def heatmap_size(self) -> ImageSize:
        """Of the detector within."""
        return self.inner.heatmap_size

    @property
    def needs_images(self) -> bool:
        """Of the detector within."""
        return self.inner.needs_images

    @property
    def details(self) -> dict[str, Any]:
        """What the detector within says of itself, and the turns."""
        return {**details_of(self.inner), "turns": dict(self.turns)}

    @property
    def holds_hands(self) -> bool:
        """Whether the detector within is a network that finds hands."""
        return isinstance(self.inner, HandNetwork) and self.inner.holds_hands

    def hands_in(self, views: Sequence[CroppedView]) -> list[Tensor]:
        """Return (2, 21, 3) x, y, score of both hands in each window, in pixels of the picture as it was filmed.

        Raises:
            DetectorError: the detector within finds no hands.
        """
        if not isinstance(self.inner, HandNetwork):
            raise DetectorError(f'hands: expected a network that finds hands, got "{self.name}"')
        images: dict[tuple[int, int], Image] = {}
        turned = [_turned(view, self.turns.get(view.view, 0), images) for view in views]
        hands = []
        for view, seen, rows in zip(views, turned, self.inner.hands_in(turned), strict=True):
            degrees = self.turns.get(view.view, 0)
            if degrees == 0 or seen.image is None:
                hands.append(rows)
                continue
            size = (seen.image.shape[0], seen.image.shape[1])
            points = turn_points(rows[..., :2], size, -degrees % 360)
            hands.append(torch.cat((points, rows[..., 2:]), -1))
        return hands

    def detect(self, views: Sequence[CroppedView]) -> Tensor:
        """Return the heatmaps (B, J, H, W) of B windows as they lie in the pictures, not as the network saw them."""
        turns = [self.turns.get(view.view, 0) for view in views]
        images: dict[tuple[int, int], Image] = {}  # of windows of one picture
        maps = self.inner.detect([_turned(view, turn, images) for view, turn in zip(views, turns, strict=True)])
        if not any(turns):
            return maps
        return torch.stack([turn_maps(one, -turn % 360) for one, turn in zip(maps, turns, strict=True)])


def _turned(view: CroppedView, degrees: int, images: dict[tuple[int, int], Image]) -> CroppedView:
    if degrees == 0 or view.image is None:
        return view
    size = (view.image.shape[0], view.image.shape[1])
    key = (id(view.image), degrees)
    if key not in images:
        images[key] = turn_image(view.image, degrees)
    x, y = turn_points(torch.tensor(view.crop.center, dtype=torch.float64), size, degrees).tolist()
    return CroppedView(view.view, view.frame, Crop((x, y), view.crop.side), images[key])
