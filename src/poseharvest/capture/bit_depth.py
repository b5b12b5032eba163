"""Pictures of more than 8 bits: brought to 8 by the values that are there.

Cameras of 10, 12 or 14 bits store their values in files of 16, most of them in the lower bits. Divided by 256 as if all
16 were used, such pictures come out nearly black. The largest value of some pictures tells how many bits are used.
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
    """Return the value that is white: 1 or the largest of 8, 10, 12, 14 or 16 bits that holds all values.

    Pictures of 8 bits have 255, those in floating point 1 where no value is larger. Multiples of 257 alone are pictures
    of 8 bits that were spread over all 16.
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
    """Return the picture with 0 to `white` as 0 to 255; brighter is white, darker and NaN black."""
    if picture.dtype == np.uint8:
        return picture
    scaled = np.nan_to_num(picture.astype(np.float32), nan=0.0) * (_BYTE / white)
    return np.asarray(scaled.round().clip(0, _BYTE), dtype=np.uint8)


def num_bits(white: float) -> int | None:
    """Return the bits of which `white` is the largest value; None where it is not."""
    return next((bits for bits in _BITS if white == 2.0**bits - 1), None)
