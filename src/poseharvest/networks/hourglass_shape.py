"""Sizes of a stacked hourglass; `hourglass` is the network."""

from __future__ import annotations

from dataclasses import dataclass

from poseharvest.errors import ShapeError

STRIDE = 4
"""Pixels of the picture per pixel of the heatmap."""


_LARGEST = {"stacks": 64, "blocks": 64, "features": 4096, "stem": 4096, "depth": 8, "joints": 4096}


@dataclass(frozen=True)
class HourglassShape:
    """Sizes of a stacked hourglass; the defaults are the published ones.

    Attributes:
        stacks: number of hourglasses, one after another.
        blocks: number of residual blocks at every place inside an hourglass.
        features: channels inside a residual block; between blocks there are twice as many.
        stem: channels of the first convolution.
        depth: number of halvings of the resolution inside an hourglass.
        joints: number of heatmaps.
    """

    stacks: int = 2
    blocks: int = 1
    features: int = 128
    stem: int = 64
    depth: int = 4
    joints: int = 16

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 1 <= value <= _LARGEST[name]:
                raise ShapeError(f"hourglass: expected {name} of 1 to {_LARGEST[name]}, got {value}")

    @property
    def channels(self) -> int:
        """Channels between residual blocks."""
        return 2 * self.features

    @property
    def multiple(self) -> int:
        """Height and width of a picture must be multiples of this, pixels."""
        return STRIDE * int(2**self.depth)
