"""Quantiles of a series, and the sides of a body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from poseharvest.diagnosis.histogram import LogHistogram
from poseharvest.skeleton.skeleton import Limb, Skeleton

Side = Literal["left", "right", "middle"]


@dataclass(frozen=True)
class Spread:
    """Quantiles of a series; NaN if it is empty.

    Attributes:
        num: number of values.
        low: smallest value.
        q25: lower quartile.
        median: median.
        q75: upper quartile.
        q90: quantile of 90 %.
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
        """Interquartile range: q75 - q25."""
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
    """Return the side of the outer end of a limb; if that is in the middle, the side of the inner end."""
    outer = side_of_joint(skeleton, limb.child)
    return outer if outer != "middle" else side_of_joint(skeleton, limb.parent)


def plain_name(joint_or_limb: str) -> str:
    """Return the name of a joint or limb in ordinary words.

    >>> plain_name("left_hip-left_knee")
    'left hip – left knee'
    """
    return joint_or_limb.replace("-", " – ").replace("_", " ")
