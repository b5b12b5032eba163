"""For each limb, the length assumed by inference and the lengths in the poses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseharvest.annotations.records import FrameAnnotations
from poseharvest.diagnosis.histogram import LogHistogram
from poseharvest.diagnosis.spread import Side, Spread, side_of_limb, spreads
from poseharvest.diagnosis.wording import signed
from poseharvest.skeleton.skeleton import Limb, Skeleton

OFF_SHARE = 0.05
"""Largest relative difference of the median from the estimate, and from the median of the other side."""

WIDE_SHARE = 0.10
"""Largest interquartile range of the lengths, as a share of their median."""

MIN_FLAG_MM = 20.0
"""Smaller deviations are never flagged: five percent of the distance of the eyes is only 3 mm."""


@dataclass(frozen=True)
class LimbSummary:
    """Statistics of one limb over the whole harvest.

    Attributes:
        limb: the limb.
        side: side of the body.
        estimated_mm: length used by inference, mm; NaN if the harvest does not contain it.
        measured: spread of the distance between the means of the two joints, mm, over the frames with both joints.
        mirrored_median_mm: median length of the limb on the other side, mm; NaN for a limb in the middle.
    """

    limb: Limb
    side: Side
    estimated_mm: float
    measured: Spread
    mirrored_median_mm: float

    @property
    def flags(self) -> tuple[str, ...]:
        """Texts on what is unusual about the limb; empty if nothing is."""
        flags = []
        median = self.measured.median
        if abs(median - self.estimated_mm) > max(OFF_SHARE * self.estimated_mm, MIN_FLAG_MM):
            flags.append(f"median {signed(median - self.estimated_mm)} mm from the estimate")
        if self.measured.iqr > max(WIDE_SHARE * median, MIN_FLAG_MM):
            flags.append(f"length varies by {self.measured.iqr:.0f} mm")
        if abs(median - self.mirrored_median_mm) > max(OFF_SHARE * median, MIN_FLAG_MM):
            flags.append(f"{signed(median - self.mirrored_median_mm)} mm against the other side")
        return tuple(flags)


class LimbTally:
    """Measures the limbs of a stream of frames."""

    def __init__(self, skeleton: Skeleton) -> None:
        self._skeleton = skeleton
        self._parents = [skeleton.index(limb.parent) for limb in skeleton.limbs]
        self._children = [skeleton.index(limb.child) for limb in skeleton.limbs]
        self._lengths = LogHistogram(len(skeleton.limbs))

    def add(self, frame: FrameAnnotations) -> None:
        """Measure one person in one frame."""
        supported = frame.supported.numpy()
        present: NDArray[np.bool_] = supported[self._parents] & supported[self._children]
        points = frame.mean.numpy()
        self._lengths.add(np.linalg.norm(points[self._children] - points[self._parents], axis=1), present)

    def summary(self, estimated_mm: Mapping[str, float]) -> tuple[LimbSummary, ...]:
        """Return the statistics of every limb, with the estimates, mm, by `parent-child`."""
        measured = dict(zip(self._skeleton.limbs, spreads(self._lengths), strict=True))
        return tuple(
            LimbSummary(
                limb=limb,
                side=side_of_limb(self._skeleton, limb),
                estimated_mm=estimated_mm.get(limb.name, float("nan")),
                measured=spread,
                mirrored_median_mm=_mirrored_median(self._skeleton, limb, measured),
            )
            for limb, spread in measured.items()
        )


def _mirrored_median(skeleton: Skeleton, limb: Limb, measured: Mapping[Limb, Spread]) -> float:
    """Return the median of the mirrored limb; NaN for left hip to right hip, whose mirror is its own reverse."""
    mirror = skeleton.mirrored_limb(limb)
    return measured[mirror].median if mirror != limb and mirror in measured else float("nan")
