"""Upright pictures: the display matrix in the videos of phones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poseharvest.arrays import Image, ImageSize

_ONE = 1 << 16  # the entries of the display matrix are 16.16 fixed point
_TOLERANCE = 0.01


@dataclass(frozen=True)
class Orientation:
    """A quarter turn, a mirroring, or both: transpose first, then flip.

    Attributes:
        transpose: True if rows become columns.
        flip_x: True if the result is then mirrored left to right.
        flip_y: True if the result is then mirrored top to bottom.
    """

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    def size(self, stored: ImageSize) -> ImageSize:
        """Return the upright (height, width) of a picture with the stored (height, width)."""
        return (stored[1], stored[0]) if self.transpose else stored

    def upright(self, stored: Image) -> Image:
        """Return the upright picture of a `stored` one, contiguous in memory."""
        image = stored.transpose(1, 0, 2) if self.transpose else stored
        image = image[:, ::-1] if self.flip_x else image
        image = image[::-1] if self.flip_y else image
        return np.ascontiguousarray(image)


def orientation_from_matrix(matrix: bytes) -> Orientation:
    """Return the orientation of a display matrix in the format of FFmpeg.

    A stored pixel (p, q), x right and y down, has the upright position (a p + c q, b p + d q). The matrix is nine
    native int32: a b u, c d v, x y w.

    Raises:
        ValueError: the matrix is not a combination of quarter turns and mirrorings.
    """
    a, b, _, c, d = (float(entry) / _ONE for entry in np.frombuffer(matrix, dtype=np.int32)[:5])
    sizes = np.abs((a, b, c, d))
    if np.allclose(sizes, (1, 0, 0, 1), atol=_TOLERANCE):
        return Orientation(flip_x=a < 0, flip_y=d < 0)
    if np.allclose(sizes, (0, 1, 1, 0), atol=_TOLERANCE):
        return Orientation(transpose=True, flip_x=c < 0, flip_y=b < 0)
    raise ValueError(f"expected a quarter turn, got the display matrix ({a:.2f}, {b:.2f}; {c:.2f}, {d:.2f})")
