"""How a surface looks: three colours that a texture mixes."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from poseharvest.studio.textures import texture_index

Color = tuple[float, float, float]
"""Red, green, blue, 0 to 1."""


@dataclass(frozen=True)
class Paint:
    """The look of a surface.

    Attributes:
        colors: the ground and the two colours that the texture adds.
        pattern: a name of `textures.PATTERNS`.
        variant: which texture of that pattern.
        repeat_mm: length over which the texture repeats.
    """

    colors: tuple[Color, Color, Color]
    pattern: str = "plain"
    variant: int = 0
    repeat_mm: float = 400.0

    def with_ground(self, color: Color) -> Paint:
        """Return the paint with another ground colour."""
        return replace(self, colors=(color, *self.colors[1:]))


@dataclass(frozen=True, eq=False)
class PaintTable:
    """Many paints as tensors.

    Attributes:
        colors: (9, M) the three colours of each.
        texture: (M,) place in the texture bank.
        repeats_per_mm: (M,).
    """

    colors: Tensor
    texture: Tensor
    repeats_per_mm: Tensor


def paint_table(paints: Sequence[Paint], device: str) -> PaintTable:
    """Return the table of `paints` in their order."""
    colors = np.array([paint.colors for paint in paints], dtype=np.float32).reshape(-1, 9).T
    texture = np.array([texture_index(paint.pattern, paint.variant) for paint in paints])
    repeats = np.array([1.0 / paint.repeat_mm for paint in paints], dtype=np.float32)
    return PaintTable(*(torch.from_numpy(np.ascontiguousarray(part)).to(device) for part in (colors, texture, repeats)))


def hsv(hue: float, saturation: float, value: float) -> Color:
    """Return a colour from hue (0 to 1, wraps), saturation and value (0 to 1, clipped)."""
    return colorsys.hsv_to_rgb(hue % 1.0, min(max(saturation, 0.0), 1.0), min(max(value, 0.0), 1.0))


def shifted(color: Color, rng: np.random.Generator, amount: float) -> Color:
    """Return a colour near `color`: each channel moved by at most `amount`."""
    moved = np.clip(np.array(color) + rng.uniform(-amount, amount, 3), 0.0, 1.0).tolist()
    return (moved[0], moved[1], moved[2])


def scaled(color: Color, factor: float) -> Color:
    """Return a darker or lighter colour."""
    return (min(color[0] * factor, 1.0), min(color[1] * factor, 1.0), min(color[2] * factor, 1.0))
