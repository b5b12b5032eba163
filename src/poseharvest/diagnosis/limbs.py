"""Per limb: the length that inference assumed against the lengths that the poses show."""

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
"""A limb is flagged if its median is this share away from the estimate, or from the other side's median."""

WIDE_SHARE = 0.10
"""A limb is flagged if the middle half of its lengths is wider than this share of their median."""

MIN_FLAG_MM = 20.0
"""No deviation smaller than this is flagged: between the eyes five percent are three millimetres."""


@dataclass(frozen=True)
class LimbSummary:
    """One limb over the whole harvest.

    Attributes:
        limb: the limb.
        side: side of the body.
        estimated_mm: length that inference used; NaN if the harvest does not tell.
        measured: spread of the distance between the two joints' means, mm; frames that lack a joint are left out.
        mirrored_median_mm: median of the limb on the other side; NaN for a limb in the middle.
    """

    limb: Limb
    side: Side
    estimated_mm: float
    measured: Spread
    mirrored_median_mm: float

    @property
    def flags(self) -> tuple[str, ...]:
        """What is wrong with the limb, in plain words; empty for a sound one."""
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
        self._lengths.add(limb_lengths(frame.mean.numpy(), self._parents, self._children), present)

    def summary(self, estimated_mm: Mapping[str, float]) -> tuple[LimbSummary, ...]:
        """Return what was measured beside the estimates, which are found by `parent-child`."""
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


def limb_lengths(points: NDArray[np.float64], parents: list[int], children: list[int]) -> NDArray[np.float64]:
    """Return (E,) distances between the ends of limbs over joints (J, 3)."""
    lengths: NDArray[np.float64] = np.linalg.norm(points[children] - points[parents], axis=1)
    return lengths


def _mirrored_median(skeleton: Skeleton, limb: Limb, measured: Mapping[Limb, Spread]) -> float:
    """A limb between the sides (left hip to right hip) mirrors into its own reverse, which is not another limb."""
    mirror = skeleton.mirrored_limb(limb)
    return measured[mirror].median if mirror != limb and mirror in measured else float("nan")
