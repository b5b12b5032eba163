"""Conversion of pictures with more than 8 bits to 8 bits.

Cameras of 10, 12 or 14 bits write files of 16 bits, and most of them use the lower bits. A division by 256 would make
such pictures nearly black. The number of used bits is estimated from the largest value of some pictures.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseharvest.arrays import Image

_BITS = (8, 10, 12, 14, 16)
_UNIT = 1.0  # of pictures in floating point: 0 to 1
_BYTE = 255.0
_SPREAD = 257  # 255 times this is 65535


def full_scale(values: NDArray[Any]) -> float:
    """Return the value of white: 1, or the largest value of the fewest bits (8, 10, 12, 14, 16) that hold all values.

    It is 255 for pictures of 8 bits, and 1 for floating point where no value is larger. If all values are multiples of
    257, these are pictures of 8 bits that were scaled to 16.
    """
    if values.dtype == np.uint8:
        return _BYTE
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    largest = float(finite.max(initial=0))
    if values.dtype.kind == "f" and largest <= _UNIT * 1.001:
        return _UNIT
    if values.dtype == np.uint16 and largest >= _SPREAD and not (values % _SPREAD).any():
        return 2.0**16 - 1
    return next((2.0**bits - 1 for bits in _BITS if largest <= 2.0**bits - 1), largest)


def to_8_bits(picture: NDArray[Any], white: float) -> Image:
    """Return the picture with 0 to `white` scaled to 0 to 255; NaN is black, and values outside are limited."""
    if picture.dtype == np.uint8:
        return picture
    scaled = np.nan_to_num(picture.astype(np.float32), nan=0.0) * (_BYTE / white)
    return np.asarray(scaled.round().clip(0, _BYTE), dtype=np.uint8)


def num_bits(white: float) -> int | None:
    """Return the number of bits whose largest value is `white`; None if there is none."""
    return next((bits for bits in _BITS if white == 2.0**bits - 1), None)
