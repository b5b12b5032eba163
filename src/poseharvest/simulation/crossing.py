"""Paths of several people over one stage: all walk to and fro through its middle, where they touch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

PERIOD_S = 6.0
"""Time of going to and fro: everybody meets in the middle every half of it."""

REACH_MM = 1100.0
"""How far from the middle people turn round; they are at their fastest, 1.15 m/s, where they meet."""

APART_MM = 400.0
"""Distance between neighbours where all meet: arms and elbows touch."""


@dataclass(frozen=True)
class Crossing:
    """A straight path through the stage, to and fro.

    Attributes:
        direction_rad: direction of the path, from the x axis.
        aside_mm: distance of the path from the middle, to the left of its direction.
    """

    direction_rad: float
    aside_mm: float

    def place(self, times: Tensor) -> Tensor:
        """Return where the person stands, (T, 2) mm from the middle of the stage, at times (T,) in seconds."""
        along = torch.tensor([math.cos(self.direction_rad), math.sin(self.direction_rad)], dtype=torch.float64)
        left = torch.stack((-along[1], along[0]))
        reach = REACH_MM * torch.cos(2 * math.pi / PERIOD_S * times.double())
        return reach.unsqueeze(-1) * along + self.aside_mm * left


def crossings(num_people: int) -> tuple[Crossing, ...]:
    """Return paths of people in evenly spread directions, who pass their neighbours at a distance of `APART_MM`."""
    aside = APART_MM / (2 * math.sin(math.pi / num_people)) if num_people > 1 else 0.0
    return tuple(Crossing(2 * math.pi * i / num_people + 0.3, aside) for i in range(num_people))
