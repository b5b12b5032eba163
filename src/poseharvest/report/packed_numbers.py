"""Numbers for the page's script in few bytes: rounded to 16 bits, as base64."""

from __future__ import annotations

import base64
from typing import Final

import numpy as np
from numpy.typing import NDArray

LARGEST: Final = 32767
"""The largest number that fits, and the negative of the smallest."""

_NOWHERE = -32768


def packed_int16(values: NDArray[np.float64]) -> str:
    """Return rounded numbers as base64 of little-endian integers; what is unknown or does not fit is -32768."""
    rounded = np.round(np.where(np.isfinite(values), values, np.inf))
    known = np.abs(rounded) <= LARGEST
    return base64.b64encode(np.where(known, rounded, _NOWHERE).astype("<i2").tobytes()).decode("ascii")
