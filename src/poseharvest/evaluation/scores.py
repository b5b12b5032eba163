"""Numbers of an evaluation: each is kept together with its protocol."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class MetricProtocol:
    """How a number was computed. Two numbers may be compared only if their protocols are equal.

    Attributes:
        metric: what was computed, for example "MPJPE".
        unit: unit of the number: "mm", "px", "%", or "1" for a plain ratio.
        num_joints: number of judged joints.
        num_frames: number of poses in which at least one joint was judged.
        num_values: number of values that went into the number.
        alignment: how estimates were aligned with the truth before; "none" for no alignment. Empty if the metric does
            not compare positions.
        details: everything else that must be equal, such as a threshold or a rule.
    """

    metric: str
    unit: str
    num_joints: int
    num_frames: int
    num_values: int
    alignment: str = ""
    details: str = ""

    def __str__(self) -> str:
        alignment = f"alignment {self.alignment}" if self.alignment else ""
        parts = [self.metric, self.details, alignment, _count(self.num_joints, "joint")]
        return ", ".join(part for part in (*parts, _count(self.num_frames, "frame"), self.unit) if part)


@dataclass(frozen=True)
class Interval:
    """A confidence interval.

    Attributes:
        low: its lower end.
        high: its upper end.
        level: 0 to 1, how often such an interval holds the true value.
        num_sequences: number of independent units.
    """

    low: float
    high: float
    level: float
    num_sequences: int

    def __str__(self) -> str:
        return (
            f"{100 * self.level:.0f} % interval {self.low:.3g} to {self.high:.3g} over {self.num_sequences} sequences"
        )

    def overlaps(self, other: Interval) -> bool:
        """Return whether the two intervals share a value."""
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True)
class Score:
    """A number with its protocol.

    Attributes:
        value: the number; NaN if nothing could be judged.
        protocol: how it was computed.
        interval: its confidence interval, if one was computed.
    """

    value: float
    protocol: MetricProtocol
    interval: Interval | None = None

    def __str__(self) -> str:
        text = f"{self.value:.2f} {self.protocol.unit} ({self.protocol})"
        return text if self.interval is None else f"{text}, {self.interval}"

    def as_dict(self) -> dict[str, Any]:
        """Return the score in plain data, for JSON; NaN as None."""
        plain: dict[str, Any] = {
            "value": self.value if math.isfinite(self.value) else None,
            "unit": self.protocol.unit,
            "protocol": str(self.protocol),
            "num_values": self.protocol.num_values,
        }
        if self.interval is not None:
            plain["interval"] = {"low": self.interval.low, "high": self.interval.high, "level": self.interval.level}
        return plain


def mean_score(scores: Sequence[Score], *, over: str) -> Score:
    """Return the unweighted mean of scores, for example the average over actions in Human3.6M's tables.

    Args:
        scores: scores of one metric; NaN is left out.
        over: what the scores stand for, for example "actions"; it goes into the protocol.
    """
    known = [score for score in scores if math.isfinite(score.value)]
    if not known:
        return Score(math.nan, MetricProtocol("mean", "1", 0, 0, 0, details=f"mean over 0 {over}"))
    first = known[0].protocol
    details = ", ".join(part for part in (first.details, f"mean over {len(known)} {over}") if part)
    protocol = MetricProtocol(
        metric=first.metric,
        unit=first.unit,
        num_joints=max(score.protocol.num_joints for score in known),
        num_frames=sum(score.protocol.num_frames for score in known),
        num_values=sum(score.protocol.num_values for score in known),
        alignment=first.alignment,
        details=details,
    )
    return Score(math.fsum(score.value for score in known) / len(known), protocol)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
