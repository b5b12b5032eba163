"""Pictures the right way up: the display matrix that phones write beside their videos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poseharvest.arrays import Image, ImageSize

_ONE = 1 << 16  # the display matrix's entries are 16.16 fixed point
_TOLERANCE = 0.01


@dataclass(frozen=True)
class Orientation:
    """A quarter turn, a mirroring, or both: transpose first, then flip.

    Attributes:
        transpose: rows become columns.
        flip_x: then mirrored left to right.
        flip_y: then mirrored top to bottom.
    """

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    def size(self, stored: ImageSize) -> ImageSize:
        """Return the (height, width) as shown of a picture stored as `stored`."""
        return (stored[1], stored[0]) if self.transpose else stored

    def upright(self, stored: Image) -> Image:
        """Return the picture as it is meant to be shown, contiguous in memory."""
        shown = stored.transpose(1, 0, 2) if self.transpose else stored
        shown = shown[:, ::-1] if self.flip_x else shown
        shown = shown[::-1] if self.flip_y else shown
        return np.ascontiguousarray(shown)


def orientation_from_matrix(matrix: bytes) -> Orientation:
    """Return the orientation of a display matrix as FFmpeg hands it out.

    A stored pixel (p, q), x right and y down, is shown at (a p + c q, b p + d q); the matrix is nine native int32
    a b u, c d v, x y w.

    Raises:
        ValueError: it is not made of quarter turns and mirrorings.
    """
    a, b, _, c, d = (float(entry) / _ONE for entry in np.frombuffer(matrix, dtype=np.int32)[:5])
    sizes = np.abs((a, b, c, d))
    if np.allclose(sizes, (1, 0, 0, 1), atol=_TOLERANCE):
        return Orientation(flip_x=a < 0, flip_y=d < 0)
    if np.allclose(sizes, (0, 1, 1, 0), atol=_TOLERANCE):
        return Orientation(transpose=True, flip_x=c < 0, flip_y=b < 0)
    raise ValueError(f"expected a quarter turn, got the display matrix ({a:.2f}, {b:.2f}; {c:.2f}, {d:.2f})")
