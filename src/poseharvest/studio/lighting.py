"""Light on surfaces: ambient light that is softer from below, lamps, a pool of light, and soft shadows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from poseharvest.studio.body_shapes import Range
from poseharvest.studio.casting import View, dot
from poseharvest.studio.kinematics import Floats
from poseharvest.studio.paint import Color, hsv
from poseharvest.studio.surfaces import Surface
from poseharvest.studio.textures import TEXELS, texture_bank
from poseharvest.studio.wardrobe import pick

_SHADOW_MM = 40.0
_POOL_MM = 2200.0


@dataclass(frozen=True)
class Lamp:
    """A distant lamp.

    Attributes:
        direction: (3,) unit vector towards it.
        color: its light; 1 lights a white surface fully.
    """

    direction: tuple[float, float, float]
    color: Color


@dataclass(frozen=True)
class Lighting:
    """The light of a room.

    Attributes:
        ambient: light from everywhere.
        lamps: the first one casts the shadow on the floor.
        pool: (x, y, z) mm of the middle of a pool of light.
        pool_gain: how much brighter it is there; negative is darker.
        shadow: how dark the shadow is, 0 to 1.
    """

    ambient: Color
    lamps: tuple[Lamp, ...]
    pool: tuple[float, float, float] = (0.0, 0.0, 1000.0)
    pool_gain: float = 0.0
    shadow: float = 0.5


@dataclass(frozen=True, eq=False)
class LightStyle:
    """The distribution from which the lighting of a world is drawn.

    Attributes:
        settings: weights of "even", "side", "spot" and "window".
        brightness: of the whole.
        tint: saturation of the light's colour.
    """

    settings: Mapping[str, float]
    brightness: Range = (0.8, 1.1)
    tint: Range = (0.0, 0.1)


_SETTINGS: dict[str, tuple[float, float, float, float]] = {
    "even": (0.7, 0.35, 0.2, 0.0),
    "side": (0.45, 0.8, 0.1, 0.1),
    "spot": (0.4, 0.5, 0.2, 0.8),
    "window": (0.5, 0.7, 0.1, -0.35),
}
"""Ambient light, first lamp, second lamp and pool."""


def draw_lighting(style: LightStyle, rng: np.random.Generator) -> Lighting:
    """Return a lighting drawn from `style`."""
    name = pick(style.settings, rng)
    ambient, key, fill, pool = _SETTINGS[name]
    level = rng.uniform(*style.brightness)
    low = name in {"side", "window"}
    azimuth = rng.uniform(0, 2 * math.pi)
    lamps = (
        _lamp(azimuth, rng.uniform(0.35, 0.8) if low else rng.uniform(0.8, 1.35), level * key, style, rng),
        _lamp(azimuth + rng.uniform(1.8, 4.4), rng.uniform(0.3, 1.1), level * fill, style, rng),
    )
    place = (*rng.uniform(-900, 900, 2).tolist(), float(rng.uniform(600, 1600)))
    gain = pool * rng.uniform(0.7, 1.3)
    return Lighting(_light(level * ambient, style, rng), lamps, place, float(gain), float(rng.uniform(0.3, 0.65)))


def _lamp(azimuth: float, elevation: float, level: float, style: LightStyle, rng: np.random.Generator) -> Lamp:
    flat = math.cos(elevation)
    direction = (flat * math.cos(azimuth), flat * math.sin(azimuth), math.sin(elevation))
    return Lamp(direction, _light(level, style, rng))


def _light(level: float, style: LightStyle, rng: np.random.Generator) -> Color:
    red, green, blue = hsv(float(rng.choice((0.09, 0.11, 0.58, rng.random()))), rng.uniform(*style.tint), 1.0)
    return (level * red, level * green, level * blue)


def shade(surface: Surface, view: View, lighting: Lighting) -> Tensor:
    """Return the colours (3, P) of a surface as the view sees it, 1 for white; brighter than white is possible."""
    light = _column(lighting.ambient, view) * (0.85 + 0.15 * surface.normal[2])
    for lamp in lighting.lamps:
        x, y, z = lamp.direction
        facing = (surface.normal[0] * x + surface.normal[1] * y + surface.normal[2] * z).clamp_min(0)
        light = light + facing * _column(lamp.color, view)
    if lighting.pool_gain:
        offset = _column(view.origin - np.array(lighting.pool), view)
        point = offset + surface.distance * view.rays[:, surface.pixel]
        light = light * (1.0 + lighting.pool_gain * torch.exp(dot(point, point) * (-1.0 / _POOL_MM**2)))
    return textured(surface) * light


def _column(values: Sequence[float] | Floats, view: View) -> Tensor:
    return torch.tensor([float(value) for value in values], dtype=torch.float32, device=view.device).unsqueeze(-1)


def textured(surface: Surface) -> Tensor:
    """Return the colours (3, P) of a surface in even white light."""
    table = surface.paints
    bank = texture_bank(str(surface.pixel.device)).reshape(-1, 2)
    repeats = table.repeats_per_mm[surface.paint] * TEXELS
    column, row = (surface.texture * repeats).floor().int() & (TEXELS - 1)
    first, second = bank[(table.texture[surface.paint] * TEXELS + row) * TEXELS + column].unbind(-1)
    colors = table.colors[:, surface.paint]
    return colors[:3] + first * (colors[3:6] - colors[:3]) + second * (colors[6:] - colors[:3])


@dataclass(frozen=True, eq=False)
class Spots:
    """Soft dark spots on the floor.

    Attributes:
        middle: (K, 2) x, y, mm.
        size: (K,) how far they reach, mm.
        dark: (K,) share of the light that is missing in their middle.
    """

    middle: Floats
    size: Floats
    dark: Floats


def shadow_spots(balls: Floats, radii: Floats, lighting: Lighting) -> Spots:
    """Return the shadows of balls (K, 3) with radii (K,), mm, by the first lamp; softer the higher the ball."""
    x, y, z = lighting.lamps[0].direction
    height = np.maximum(balls[:, 2:], 0.0)
    size = radii + _SHADOW_MM + 0.22 * height[:, 0]
    # A lamp just above the horizon would throw the shadow across the room.
    middle = balls[:, :2] - np.array(((x, y),)) / max(z, 0.6) * height
    return Spots(middle, size, lighting.shadow * np.minimum(1.0, 1.6 * radii / size))


def floor_shadow(floor: Tensor, spots: Spots) -> Tensor:
    """Return the share of light (P,), 0 to 1, that reaches points (2, P) of the floor, mm."""
    light = torch.ones_like(floor[0])
    for (x, y), size, dark in zip(spots.middle.tolist(), spots.size.tolist(), spots.dark.tolist(), strict=True):
        away = (floor[0] - x).square() + (floor[1] - y).square()
        light = light * (1.0 - dark * torch.exp(away * (-1.0 / size**2)))
    return light
