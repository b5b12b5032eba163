"""The frame rate behind a list of time stamps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MAX_DRIFT_FRAMES = 0.25  # over the whole footage: a stated rate this close is the true one, seen through rounding


def estimate_rate(times_s: NDArray[np.float64], stated: float | None = None) -> float | None:
    """Return the pictures per second of rising time stamps; None if there are fewer than two and no `stated` rate.

    Lost pictures do not lower it: every interval counts as the whole number of median intervals nearest to it.
    Rounded stamps (Matroska: 1 ms) do not bias it: the total is divided by that count. The container's `stated` rate
    is preferred where the two agree over the length of the footage.
    """
    if len(times_s) < 2:
        return stated
    intervals = np.diff(times_s)
    periods = np.maximum(np.round(intervals / np.median(intervals)), 1).sum()
    span = float(times_s[-1] - times_s[0])
    measured = float(periods) / span
    if stated is not None and abs(stated - measured) * span <= _MAX_DRIFT_FRAMES:
        return stated
    return measured
