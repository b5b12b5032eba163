"""Square windows of a picture, and the only places where pixels are rescaled and `grid_sample` gets its coordinates.

Pixel (0, 0) is the centre of the top-left pixel, so a picture of width W covers [-0.5, W - 0.5]. Halving a picture
maps pixel x to (x + 0.5) / 2 - 0.5, not to x / 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from poseharvest.arrays import Image, ImageSize
from poseharvest.errors import ShapeError


@dataclass(frozen=True)
class Crop:
    """A square window of a picture.

    Attributes:
        center: (x, y) of its centre, pixels of the picture.
        side: length of its edge, pixels of the picture. The window may reach beyond the picture, where it is black.
    """

    center: tuple[float, float]
    side: float

    def __post_init__(self) -> None:
        if not (self.side > 0 and np.isfinite((*self.center, self.side)).all()):
            raise ShapeError(f"crop: expected a finite center and a positive side, got {self.center}, {self.side}")

    def window_from_image(self, size: ImageSize) -> Tensor:
        """Return the (2, 3) float64 map from pixels of the picture to pixels of the window resampled to `size`."""
        (scale_x, scale_y), (shift_x, shift_y) = self._scale_and_shift(size)
        return torch.tensor([[scale_x, 0.0, shift_x], [0.0, scale_y, shift_y]], dtype=torch.float64)

    def _scale_and_shift(self, size: ImageSize) -> list[list[float]]:
        """Return the factors (x, y) and the shifts (x, y) of that map."""
        scale_x, scale_y = size[1] / self.side, size[0] / self.side
        left, top = self.center[0] - self.side / 2, self.center[1] - self.side / 2
        return [[scale_x, scale_y], [-left * scale_x - 0.5, -top * scale_y - 0.5]]

    def to_window(self, points: Tensor, size: ImageSize) -> Tensor:
        """Return pixels (..., 2) of the picture as pixels of the window resampled to `size`."""
        scale, shift = torch.tensor(self._scale_and_shift(size), dtype=torch.float64).to(points)
        moved: Tensor = points * scale + shift
        return moved

    def to_image(self, points: Tensor, size: ImageSize) -> Tensor:
        """Return pixels (..., 2) of the window at `size` as pixels of the picture; undoes `to_window`."""
        m = self.window_from_image(size).to(points)
        return (points - m[:, 2]) / torch.diagonal(m[:, :2])


def windows_from_images(crops: Sequence[Crop | None], size: ImageSize) -> tuple[Tensor, Tensor]:
    """Return factors (V, 2) and shifts (V, 2), float64: a pixel of view v's picture times one plus the other.

    The result is that pixel in the window resampled to `size`, to the bit what `Crop.to_window` gives. It is
    meaningless for an absent view.
    """
    anywhere = Crop((0.0, 0.0), 1.0)
    parts = torch.tensor([(crop or anywhere)._scale_and_shift(size) for crop in crops], dtype=torch.float64)
    return parts[:, 0], parts[:, 1]


def crop_around(points: Tensor, scale: float, min_side: float = 1.0) -> Crop:
    """Return the square window around (N, 2) pixels: `scale` times their larger extent, centred on their box.

    Raises:
        ShapeError: there are no points.
    """
    if points.shape[0] == 0:
        raise ShapeError("crop: expected at least one point, got none")
    return crop_of_box(points.amin(0).tolist(), points.amax(0).tolist(), scale, min_side)


def crop_of_box(low: Sequence[float], high: Sequence[float], scale: float, min_side: float = 1.0) -> Crop:
    """Return the square window around a box: `scale` times its larger side, centred on it.

    Args:
        low: x, y of the upper left corner, pixels.
        high: x, y of the lower right corner, pixels.
        scale: of the window's side over the box's larger side.
        min_side: side of the smallest window, pixels.
    """
    side = max((high[0] - low[0]) * scale, (high[1] - low[1]) * scale, min_side)
    return Crop(((low[0] + high[0]) / 2, (low[1] + high[1]) / 2), side)


def extract(image: Image, crop: Crop, size: ImageSize) -> Image:
    """Return the window of `image` resampled to `size`, (h, w, 3) uint8; black beyond the picture's border.

    A window larger than twice `size` is first averaged over blocks of pixels, to avoid aliasing.
    """
    # The picture limits the factor: the window of a person who almost touches the camera can be extremely large.
    factor = max(1, min(int(crop.side // max(size)), max(image.shape[:2])))
    m = crop.window_from_image(size).numpy()
    if factor > 1:
        image, shrunk_to_image = _shrink(image, crop, factor)
        m = m @ np.vstack((shrunk_to_image, (0.0, 0.0, 1.0)))
    window = cv2.warpAffine(image, m, (size[1], size[0]), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(window, dtype=np.uint8)


def _shrink(image: Image, crop: Crop, factor: int) -> tuple[Image, np.ndarray]:
    """Cut the window's surroundings and average `factor` x `factor` blocks; return them and the map back."""
    height, width = image.shape[:2]
    half = crop.side / 2 + 2 * factor
    left, top = (max(0, int(np.floor(c - half))) for c in crop.center)
    right, bottom = min(width, int(crop.center[0] + half) + 1), min(height, int(crop.center[1] + half) + 1)
    if right <= left or bottom <= top:
        return np.zeros((1, 1, 3), np.uint8), np.array([[factor, 0.0, -1e6], [0.0, factor, -1e6]])
    # Whole blocks only: the last ones are filled up with black, as everywhere beyond the border.
    rest_y, rest_x = -(bottom - top) % factor, -(right - left) % factor
    block = cv2.copyMakeBorder(
        image[top:bottom, left:right], 0, rest_y, 0, rest_x, cv2.BORDER_CONSTANT, value=(0, 0, 0)
    )
    cols, rows = block.shape[1] // factor, block.shape[0] // factor
    small = cv2.resize(block, (cols, rows), interpolation=cv2.INTER_AREA)
    offset = (factor - 1) / 2
    return np.asarray(small, dtype=np.uint8), np.array(
        [[factor, 0.0, left + offset], [0.0, factor, top + offset]], dtype=np.float64
    )


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
