"""How far the pictures of a training are varied (Sec. 4.2, choice D10); `augment` varies them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from poseharvest.errors import ConfigError


@dataclass(frozen=True)
class Augmentation:
    """How far pictures are varied."""

    rotation_deg: float = 30.0
    """Largest turn to either side, degrees; D10: 30."""

    scale: float = 0.25
    """Largest relative change of the window's side; D10: 0.25."""

    flip: bool = True
    """Mirror every other picture."""

    colour: float = 0.0
    """Largest relative change of each colour's brightness; the paper has none."""

    def __post_init__(self) -> None:
        if not (0 <= self.rotation_deg <= 180 and 0 <= self.scale < 1 and 0 <= self.colour < 1):
            raise ConfigError(
                "augmentation: expected a rotation of 0 to 180 degrees, scale and colour of 0 to below 1, "
                f"got {self.rotation_deg}, {self.scale}, {self.colour}"
            )

    @property
    def reach(self) -> float:
        """How far the network may look in the picture, in sides of the window."""
        angle = math.radians(min(self.rotation_deg, 45.0))
        return (1 + self.scale) * (math.cos(angle) + math.sin(angle))


NO_AUGMENTATION = Augmentation(rotation_deg=0.0, scale=0.0, flip=False)
