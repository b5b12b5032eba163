"""A limited number of moments of a whole harvest, with the velocities of the heatmap peaks."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from poseharvest.annotations.records import FrameAnnotations
from poseharvest.diagnosis.shown_joints import ShownJoints
from poseharvest.localization.limits import CONFIDENT_PEAK

MAX_MOMENTS = 256
"""Largest number of moments. Of a longer recording, every second, fourth, ... stretch is kept."""

STRETCH = 32
"""Frames in a row that are kept together, so that delays show."""

_HALF_WINDOW_S = 1 / 30  # velocities are differences over twice this time, at least over two frames


@dataclass(frozen=True, eq=False)
class SampledMoment:
    """One person in one frame.

    Attributes:
        frame: index in the capture.
        person: number of the person.
        center: (3,) mean of the supported joints, mm.
        peaks: (V, J, 2) positions of the maxima of the heatmaps, pixels; NaN in an absent view and for an unsupported
            joint.
        scores: (V, J) values of these maxima.
        velocity: (V, J, 2) velocity of the peaks, pixels per second; NaN where it is unknown.
    """

    frame: int
    person: int
    center: Tensor
    peaks: Tensor
    scores: Tensor
    velocity: Tensor


class MomentSamples:
    """Keeps a regular sample of a stream of records in order of frame. The result is deterministic.

    Args:
        max_moments: largest number of moments.
    """

    def __init__(self, max_moments: int = MAX_MOMENTS) -> None:
        self._max, self._stride = max_moments, 1
        self._recent: dict[int, deque[FrameAnnotations]] = {}
        self._moments: list[SampledMoment] = []

    def add(self, record: FrameAnnotations) -> None:
        """Add one person in one frame."""
        if not bool(record.supported.any()):
            return
        window = self._window(record)
        moment = _moment(window)
        if not self._is_kept(moment):
            return
        self._moments.append(moment)
        while len(self._moments) > self._max and self._moments[-1].frame // STRETCH > 0:
            self._stride *= 2
            self._moments = [moment for moment in self._moments if self._is_kept(moment)]

    @property
    def moments(self) -> tuple[SampledMoment, ...]:
        """The sampled moments, in order."""
        return tuple(self._moments)

    def _is_kept(self, moment: SampledMoment) -> bool:
        return moment.frame // STRETCH % self._stride == 0

    def _window(self, record: FrameAnnotations) -> tuple[FrameAnnotations, ...]:
        """Return the last records of the person, an odd number; only this record where frames are missing."""
        for person in [one for one, recent in self._recent.items() if recent and recent[-1].frame < record.frame - 1]:
            del self._recent[person]
        recent = self._recent.setdefault(record.person, deque(maxlen=3))
        if recent and record.frame != recent[-1].frame + 1:
            recent.clear()
        recent.append(record)
        if len(recent) > 1 and (step := recent[1].time_s - recent[0].time_s) > 0:
            length = 2 * max(1, round(_HALF_WINDOW_S / step)) + 1
            recent = self._recent[record.person] = deque(recent, maxlen=length)
        return tuple(recent) if len(recent) > 1 and len(recent) == recent.maxlen else (record,)


def shown_in(moments: Sequence[SampledMoment]) -> ShownJoints:
    """Return what the views show in moments of one person; at least one moment."""
    known = torch.stack([moment.scores > CONFIDENT_PEAK for moment in moments], dim=1).unsqueeze(-1)
    peaks = torch.stack([moment.peaks.double() for moment in moments], dim=1)
    frames = np.asarray([moment.frame for moment in moments], dtype=np.int64)
    return ShownJoints(frames, torch.where(known, peaks, torch.nan).numpy())


def _moment(window: tuple[FrameAnnotations, ...]) -> SampledMoment:
    """Return the moment of the middle record of a window with an odd number of records."""
    first, record, last = window[0], window[len(window) // 2], window[-1]
    supported = record.supported[None, :, None]
    if len(window) > 1:
        velocity = (last.peak_pixels - first.peak_pixels) / (last.time_s - first.time_s)
    else:
        velocity = torch.full_like(record.peak_pixels, torch.nan)
    return SampledMoment(
        frame=record.frame,
        person=record.person,
        center=record.mean[record.supported].mean(0),
        peaks=torch.where(supported, record.peak_pixels, torch.nan),
        scores=record.peak_score,
        velocity=velocity,
    )
