"""A bounded number of moments of a harvest, spread over the take, with how the heatmaps' peaks move in them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.annotations.records import FrameAnnotations

MAX_MOMENTS = 256
"""No more moments than this are kept; of a longer take every second, fourth, ... is."""

_HALF_WINDOW_S = 1 / 30  # velocities are measured over twice this time, or over two frames


@dataclass(frozen=True, eq=False)
class SampledMoment:
    """One person in one frame.

    Attributes:
        frame: index in the capture.
        person: number of the person.
        center: (3,) mean of the joints that cameras see, mm.
        peaks: (V, J, 2) maxima of the heatmaps, pixels; NaN in an absent view and for a joint that no camera sees.
        scores: (V, J) heights of these maxima.
        velocity: (V, J, 2) how the peaks move, pixels a second; NaN where that is unknown.
    """

    frame: int
    person: int
    center: Tensor
    peaks: Tensor
    scores: Tensor
    velocity: Tensor


class MomentSamples:
    """Keeps moments of a stream of records in order of frame, at most `MAX_MOMENTS`, without chance.

    Args:
        max_moments: how many are kept at most.
    """

    def __init__(self, max_moments: int = MAX_MOMENTS) -> None:
        self._max, self._stride, self._num = max_moments, 1, 0
        self._recent: dict[int, deque[FrameAnnotations]] = {}
        self._kept: list[SampledMoment] = []

    def add(self, record: FrameAnnotations) -> None:
        """Take in one person in one frame."""
        if not bool(record.supported.any()):
            return
        window = self._window(record)
        self._num += 1
        if (self._num - 1) % self._stride:
            return
        self._kept.append(_moment(window))
        if len(self._kept) > self._max:
            self._kept, self._stride = self._kept[::2], 2 * self._stride

    @property
    def moments(self) -> tuple[SampledMoment, ...]:
        """What was kept, in order."""
        return tuple(self._kept)

    def _window(self, record: FrameAnnotations) -> tuple[FrameAnnotations, ...]:
        """Return the person's last records around one in the middle, or this one alone where frames are missing."""
        self._forget_who_is_gone(record.frame)
        recent = self._recent.setdefault(record.person, deque(maxlen=3))
        if recent and record.frame != recent[-1].frame + 1:
            recent.clear()
        recent.append(record)
        if len(recent) > 1 and (step := recent[1].time_s - recent[0].time_s) > 0:
            length = 2 * max(1, round(_HALF_WINDOW_S / step)) + 1
            recent = self._recent[record.person] = deque(recent, maxlen=length)
        return tuple(recent) if len(recent) > 1 and len(recent) == recent.maxlen else (record,)

    def _forget_who_is_gone(self, frame: int) -> None:
        gone = [person for person, recent in self._recent.items() if recent and recent[-1].frame < frame - 1]
        for person in gone:
            del self._recent[person]


def _moment(window: tuple[FrameAnnotations, ...]) -> SampledMoment:
    """Return the moment in the middle of a window of an odd number of records."""
    first, record, last = window[0], window[len(window) // 2], window[-1]
    seen = record.supported[None, :, None]
    if len(window) > 1:
        velocity = (last.peak_pixels - first.peak_pixels) / (last.time_s - first.time_s)
    else:
        velocity = torch.full_like(record.peak_pixels, torch.nan)
    return SampledMoment(
        frame=record.frame,
        person=record.person,
        center=record.mean[record.supported].mean(0),
        peaks=torch.where(seen, record.peak_pixels, torch.nan),
        scores=record.peak_score,
        velocity=velocity,
    )
