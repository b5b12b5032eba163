"""Five numbers that describe a series, and the sides of a body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from poseharvest.diagnosis.histogram import LogHistogram
from poseharvest.skeleton.skeleton import Limb, Skeleton

Side = Literal["left", "right", "middle"]


@dataclass(frozen=True)
class Spread:
    """Where the values of a series lie; NaN where it is empty.

    Attributes:
        num: number of values.
        low: smallest value.
        q25: a quarter of the values is at most this.
        median: half of them.
        q75: three quarters.
        q90: nine tenths.
        high: largest value.
    """

    num: int
    low: float
    q25: float
    median: float
    q75: float
    q90: float
    high: float

    @property
    def iqr(self) -> float:
        """Width of the middle half of the values."""
        return self.q75 - self.q25


def spreads(histogram: LogHistogram) -> tuple[Spread, ...]:
    """Return the spread of every series of `histogram`."""
    columns = [histogram.num_values, histogram.minimum]
    columns += [histogram.quantile(share) for share in (0.25, 0.5, 0.75, 0.9)]
    columns.append(histogram.maximum)
    return tuple(Spread(int(row[0]), *map(float, row[1:])) for row in zip(*columns, strict=True))


def side_of_joint(skeleton: Skeleton, joint: str) -> Side:
    """Return the side of the body on which `joint` lies, by the skeleton's flip pairs."""
    if any(joint == left for left, _ in skeleton.flip_pairs):
        return "left"
    return "right" if any(joint == right for _, right in skeleton.flip_pairs) else "middle"


def side_of_limb(skeleton: Skeleton, limb: Limb) -> Side:
    """Return the side of a limb: that of its outer end, or of its inner end where the outer one is in the middle."""
    outer = side_of_joint(skeleton, limb.child)
    return outer if outer != "middle" else side_of_joint(skeleton, limb.parent)


def plain_name(joint_or_limb: str) -> str:
    """Return a name as people say it.

    >>> plain_name("left_hip-left_knee")
    'left hip – left knee'
    """
    return joint_or_limb.replace("-", " – ").replace("_", " ")
