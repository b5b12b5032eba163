"""One clock for all views: the picture of each view in each frame of the capture.

Frames have regular times. Each view contributes the picture nearest in time, if it lies within half a frame period.
Otherwise the view has no picture in that frame. Views are matched by time alone, never by counting pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseharvest.errors import CaptureError

MIN_VIEWS = 2
_MAX_ROUNDING_S = 1e-3  # Matroska rounds time stamps to 1 ms ...
_MAX_ROUNDING_PERIODS = 0.1  # ... of which we allow no more than this, in periods of the capture


@dataclass(frozen=True, eq=False)
class Timeline:
    """The frames of a capture and the pictures in them.

    Attributes:
        frame_rate: frames per second.
        start_s: time of frame 0 on the common clock of the views, seconds.
        pictures: (V, F) int32 index of the picture of each view in each frame; -1 for no picture.
    """

    frame_rate: float
    start_s: float
    pictures: NDArray[np.int32]

    @property
    def num_frames(self) -> int:
        """Number of frames F."""
        return int(self.pictures.shape[1])

    @property
    def present(self) -> NDArray[np.bool_]:
        """(V, F) bool, True if the view has a picture in the frame."""
        return np.asarray(self.pictures >= 0, dtype=bool)

    def time_errors_s(self, view: int, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (M,) times between the pictures of a view and their M frames, seconds.

        Args:
            view: index of the view.
            times_s: (N,) its time stamps on the common clock, seconds.
        """
        frames = np.flatnonzero(self.pictures[view] >= 0)
        taken_s = times_s[self.pictures[view, frames]]
        return np.asarray(taken_s - (self.start_s + frames / self.frame_rate), dtype=np.float64)


def synchronise(times_s: Sequence[NDArray[np.float64]], *, frame_rate: float, phase_s: float) -> Timeline:
    """Return the timeline of views with pictures at `times_s`.

    It runs from the first to the last frame in which two views are running, so it contains all moments that can be seen
    in 3D. Between these frames a view may be missing.

    Args:
        times_s: for every view (N,) increasing times on the common clock, seconds.
        frame_rate: frames per second of the capture.
        phase_s: the time of any frame; the other frames are whole periods away.

    Raises:
        CaptureError: at no moment are two views running.
    """
    period_s = 1 / frame_rate
    tolerance_s = period_s / 2 + min(_MAX_ROUNDING_S, _MAX_ROUNDING_PERIODS * period_s)
    first = [int(np.ceil((times[0] - tolerance_s - phase_s) / period_s)) for times in times_s]
    last = [int(np.floor((times[-1] + tolerance_s - phase_s) / period_s)) for times in times_s]
    begin, end = _shared_span(first, last)
    ticks_s = np.asarray(phase_s + np.arange(begin, end + 1) * period_s, dtype=np.float64)
    pictures = np.stack([_nearest(times, ticks_s, tolerance_s) for times in times_s])
    return Timeline(frame_rate, float(ticks_s[0]), pictures)


def _shared_span(first: Sequence[int], last: Sequence[int]) -> tuple[int, int]:
    """Return the first and the last tick that lie in at least two of the intervals [first, last]."""
    spans = list(zip(first, last, strict=True))

    def is_shared(tick: int) -> bool:
        return sum(begin <= tick <= end for begin, end in spans) >= MIN_VIEWS

    begins = [tick for tick in first if is_shared(tick)]
    ends = [tick for tick in last if is_shared(tick)]
    if not begins:
        raise CaptureError(
            "expected a moment at which two views are running, got none: the time stamps of no two views overlap; "
            'set offsets, or time_zero = "first_picture" if all views begin together'
        )
    return min(begins), max(ends)


def _nearest(times_s: NDArray[np.float64], ticks_s: NDArray[np.float64], tolerance_s: float) -> NDArray[np.int32]:
    """Return (F,) the index of the picture nearest to every tick; -1 if none is within the tolerance."""
    after = np.searchsorted(times_s, ticks_s).clip(max=len(times_s) - 1)
    before = (after - 1).clip(min=0)
    is_before_nearer = ticks_s - times_s[before] < times_s[after] - ticks_s
    nearest = np.where(is_before_nearer, before, after)
    is_near = np.abs(times_s[nearest] - ticks_s) <= tolerance_s
    return np.where(is_near, nearest, -1).astype(np.int32)
