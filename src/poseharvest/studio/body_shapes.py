"""Bodies of the studio: lengths of the parts and widths of the tissue around them, within named ranges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poseharvest.errors import ConfigError
from poseharvest.simulation.body import PROPORTIONS

Range = tuple[float, float]


@dataclass(frozen=True)
class ShapeRanges:
    """The ranges from which the bodies of a world are drawn uniformly.

    The factors multiply the proportions and widths of an average adult.

    Attributes:
        stature_mm: from the soles to the top of the head; adults are 1500 to 1950 mm tall.
        legs: length of the legs; the torso takes up the difference.
        arms: length of upper arm and forearm.
        shoulders: width between the shoulder joints.
        hips: width between the hip joints.
        head: size of the head.
        build: thickness of all limbs, lean to strong.
        belly: thickness of the belly beyond that.
        bust: share of the bodies with a bust, 0 to 1.
    """

    stature_mm: Range = (1520.0, 1930.0)
    legs: Range = (0.96, 1.04)
    arms: Range = (0.95, 1.05)
    shoulders: Range = (0.9, 1.12)
    hips: Range = (0.9, 1.12)
    head: Range = (0.94, 1.06)
    build: Range = (0.84, 1.2)
    belly: Range = (0.85, 1.3)
    bust: float = 0.4


@dataclass(frozen=True)
class BodyShape:
    """One body.

    Attributes:
        stature_mm: from the soles to the top of the head, standing upright.
        legs: factor of the legs' length; `ShapeRanges` explains all factors.
        arms: of the arms' length.
        shoulders: of the width between the shoulders.
        hips: of the width between the hips.
        head: of the head's size.
        build: of the thickness of the limbs.
        belly: of the thickness of the belly.
        bust: 0 for none, up to 1.

    Raises:
        ConfigError: the stature or a factor is not positive.
    """

    stature_mm: float = 1750.0
    legs: float = 1.0
    arms: float = 1.0
    shoulders: float = 1.0
    hips: float = 1.0
    head: float = 1.0
    build: float = 1.0
    belly: float = 1.0
    bust: float = 0.0

    def __post_init__(self) -> None:
        for name in ("stature_mm", "legs", "arms", "shoulders", "hips", "head", "build", "belly"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"body shape: {name} must be positive, got {getattr(self, name)}")

    def length(self, part: str) -> float:
        """Return the length of a part, a key of `PROPORTIONS`, mm."""
        return self.stature_mm * PROPORTIONS[part] * self._factor(part)

    def width(self, mm: float) -> float:
        """Return the thickness of a limb that is `mm` on an average adult of 1750 mm."""
        return mm * self.build * self.stature_mm / 1750.0

    def _factor(self, part: str) -> float:
        if part in {"thigh", "shank"}:
            return self.legs
        if part == "torso":
            legs = PROPORTIONS["thigh"] + PROPORTIONS["shank"]
            return 1.0 - (self.legs - 1.0) * legs / PROPORTIONS["torso"]
        named = {"upper_arm": self.arms, "forearm": self.arms, "shoulder": self.shoulders, "hip": self.hips}
        return named.get(part, 1.0)


def draw_shape(ranges: ShapeRanges, rng: np.random.Generator) -> BodyShape:
    """Return a body drawn from `ranges`."""
    named = ("stature_mm", "legs", "arms", "shoulders", "hips", "head", "build", "belly")
    factors = {name: float(rng.uniform(*getattr(ranges, name))) for name in named}
    has_bust, size = rng.random() < ranges.bust, float(rng.uniform(0.5, 1.0))
    return BodyShape(**factors, bust=size if has_bust else 0.0)
