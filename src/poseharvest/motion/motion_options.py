"""How positions are smoothed over time, as far as the user chooses."""

from __future__ import annotations

import math
from dataclasses import dataclass

from poseharvest.errors import ConfigError


@dataclass(frozen=True)
class MotionOptions:
    """How positions are smoothed over time."""

    longest_gap_s: float = 0.25
    """Longest time, s, between two measured positions of a joint that is filled; across longer gaps there is none."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.longest_gap_s) and self.longest_gap_s >= 0):
            raise ConfigError(f"longest gap: expected seconds from 0, got {self.longest_gap_s:g}")
