"""The moments that a person should look at first: the widest sigma, and the views that disagree most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from poseharvest.annotations.records import FrameAnnotations
from poseharvest.geometry.rig import Rig, all_pixels_per_mm
from poseharvest.report.ellipses import sigma_mm

MAX_LISTED = 6
"""Moments of one kind in the list."""

_NUM_STRETCHES = 240
_LEAST_APART = 0.05  # of the take, between two moments of one list

Kind = Literal["sigma", "disagreement"]


@dataclass(frozen=True)
class WorstMoment:
    """One joint of one person in one frame.

    Attributes:
        kind: "sigma": its standard deviation; "disagreement": the median over the views of the distance between their
            own peak and the pose.
        value_mm: how much, mm.
        frame: the frame.
        time_s: its time.
        person: the person.
        joint: index of the joint.
    """

    kind: Kind
    value_mm: float
    frame: int
    time_s: float
    person: int
    joint: int


class WorstTally:
    """Keeps the worst moment of each stretch of a stream of records, so that its memory does not grow.

    Args:
        rig: the cameras.
        frames: first and last frame of the harvest.
    """

    def __init__(self, rig: Rig, frames: tuple[int, int]) -> None:
        self._rig, self._first = rig, frames[0]
        self._num_frames = frames[1] - frames[0] + 1
        self._stretch = max(1, -(-self._num_frames // _NUM_STRETCHES))
        self._worst: dict[tuple[Kind, int], WorstMoment] = {}

    def add(self, record: FrameAnnotations) -> None:
        """Add one person in one frame, with recalibrated covariances."""
        sigma = np.where(record.supported.numpy(), sigma_mm(record.cov).numpy(), np.nan)
        self._note(record, "sigma", sigma)
        self._note(record, "disagreement", disagreement_mm(record, self._rig))

    def moments(self, kind: Kind) -> tuple[WorstMoment, ...]:
        """Return the worst moments of a kind, worst first, none of them near another."""
        found = [moment for (one, _), moment in self._worst.items() if one == kind]
        apart = max(1, round(_LEAST_APART * self._num_frames))
        listed: list[WorstMoment] = []
        for moment in sorted(found, key=lambda moment: (-moment.value_mm, moment.frame)):
            if all(abs(moment.frame - other.frame) >= apart for other in listed):
                listed.append(moment)
            if len(listed) == MAX_LISTED:
                break
        return tuple(listed)

    def _note(self, record: FrameAnnotations, kind: Kind, values_mm: NDArray[np.float64]) -> None:
        if not np.isfinite(values_mm).any():
            return
        joint = int(np.nanargmax(values_mm))
        key = (kind, (record.frame - self._first) // self._stretch)
        if key not in self._worst or values_mm[joint] > self._worst[key].value_mm:
            value_mm = float(values_mm[joint])
            self._worst[key] = WorstMoment(kind, value_mm, record.frame, record.time_s, record.person, joint)


def disagreement_mm(record: FrameAnnotations, rig: Rig) -> NDArray[np.float64]:
    """Return (J,) mm: for each joint the median, over the views that show it, of the distance from peak to pose.

    The distance is measured across the line of sight at the person's place. NaN where fewer than two views show it.
    """
    supported = record.supported
    center = (record.mean[supported] if bool(supported.any()) else record.mean).mean(0)
    scale = all_pixels_per_mm(rig.at(record.frame), center).numpy()
    distance = (record.peak_pixels - record.pixels).norm(dim=-1).numpy()
    present = np.array([crop is not None for crop in record.crops])
    has_peak = record.inside.numpy() & np.isfinite(distance) & (record.peak_score.numpy() > 0)
    shown = has_peak & (present & np.isfinite(scale) & (scale > 0))[:, None]
    known = np.where(shown, distance / np.where(scale > 0, scale, 1.0)[:, None], np.nan)
    is_asked = (shown.sum(0) >= 2) & supported.numpy()
    return np.where(is_asked, np.nanmedian(np.where(is_asked, known, 0.0), axis=0), np.nan)
