"""The looks of a person of the studio: clothes, skin, hair and shoes, drawn from the wardrobe of a world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from poseharvest.studio.body_shapes import Range
from poseharvest.studio.paint import Color, Paint, hsv, scaled, shifted

Weights = Mapping[str, float]
"""Names against how often each is drawn, in any unit."""


@dataclass(frozen=True, eq=False)
class Wardrobe:
    """The distribution from which the outfits of a world are drawn.

    Attributes:
        sleeves: weights of "long", "short" and "none".
        legwear: weights of "long", "short" and "skirt".
        hair: weights of "short", "long", "bald" and "hat".
        patterns: weights of the clothes' patterns, names of `textures.PATTERNS`.
        saturation: of the clothes' colours.
        brightness: of the clothes' colours.
        skin: brightness of the skin.
        loose_mm: how far the clothes stand off the body.
        print_share: share of tops with a print on the chest.
        open_share: share of tops with a row of buttons or a zip.
        suit_share: share of outfits with top and legwear of one cloth.
    """

    sleeves: Weights
    legwear: Weights
    hair: Weights
    patterns: Weights
    saturation: Range = (0.1, 0.9)
    brightness: Range = (0.15, 0.95)
    skin: Range = (0.35, 0.95)
    loose_mm: Range = (4.0, 18.0)
    print_share: float = 0.4
    open_share: float = 0.3
    suit_share: float = 0.1


@dataclass(frozen=True)
class Outfit:
    """The looks of one person.

    Attributes:
        top: paint of the upper body.
        legwear: paint of the lower body.
        skin: paint of the skin.
        hair: paint of the hair.
        shoes: paint of the shoes.
        belt: paint of the waist.
        front: a print on the chest; None without.
        opening: a row of buttons or a zip down the front; None without.
        sleeves: where the sleeves end, 0 at the shoulder, 1 at the elbow, 2 at the wrist.
        legs: where the trousers end, 0 at the hip, 1 at the knee, 2 at the ankle.
        skirt: where a skirt ends, in the same measure; 0 for none.
        hair_style: "short", "long", "bald" or "hat".
        loose_mm: how far the clothes stand off the body.
    """

    top: Paint
    legwear: Paint
    skin: Paint
    hair: Paint
    shoes: Paint
    belt: Paint
    front: Paint | None = None
    opening: Paint | None = None
    sleeves: float = 2.0
    legs: float = 2.0
    skirt: float = 0.0
    hair_style: str = "short"
    loose_mm: float = 8.0


def pick(weights: Weights, rng: np.random.Generator) -> str:
    """Return a name, drawn by its weight."""
    names = list(weights)
    share = np.array([weights[name] for name in names], dtype=np.float64)
    return names[
        int(np.searchsorted(np.cumsum(share / share.sum()), rng.random(), side="right").clip(0, len(names) - 1))
    ]


def draw_outfit(wardrobe: Wardrobe, rng: np.random.Generator) -> Outfit:
    """Return an outfit drawn from `wardrobe`."""
    top = _cloth(wardrobe, rng)
    legwear = top if rng.random() < wardrobe.suit_share else _cloth(wardrobe, rng)
    skin = _skin(wardrobe, rng)
    sleeves, legs = pick(wardrobe.sleeves, rng), pick(wardrobe.legwear, rng)
    ends = {"long": rng.uniform(1.8, 2.0), "short": rng.uniform(0.45, 0.95), "none": 0.08}
    legends = {"long": rng.uniform(1.75, 2.0), "short": rng.uniform(0.5, 1.2), "skirt": 0.3}
    return Outfit(
        top=top,
        legwear=legwear,
        skin=skin,
        hair=_hair(rng),
        shoes=_shoes(rng),
        belt=Paint(_colors(hsv(rng.random(), 0.3, rng.uniform(0.05, 0.6)), rng)),
        front=_print(wardrobe, rng) if rng.random() < wardrobe.print_share else None,
        opening=_cloth(wardrobe, rng) if rng.random() < wardrobe.open_share else None,
        sleeves=float(ends[sleeves]),
        legs=float(legends[legs]),
        skirt=float(rng.uniform(0.7, 1.6)) if legs == "skirt" else 0.0,
        hair_style=pick(wardrobe.hair, rng),
        loose_mm=float(rng.uniform(*wardrobe.loose_mm)),
    )


def _cloth(wardrobe: Wardrobe, rng: np.random.Generator) -> Paint:
    saturation, brightness = rng.uniform(*wardrobe.saturation), rng.uniform(*wardrobe.brightness)
    ground = hsv(rng.random(), saturation, brightness)
    second = hsv(rng.random(), rng.uniform(0, 1), rng.uniform(0.1, 1.0))
    third = shifted(ground, rng, 0.5)
    pattern = pick(wardrobe.patterns, rng)
    if pattern in {"plain", "knit", "streaks"}:
        second, third = scaled(ground, rng.uniform(0.6, 0.85)), scaled(ground, rng.uniform(1.1, 1.35))
    return Paint((ground, second, third), pattern, int(rng.integers(100)), float(rng.uniform(110, 420)))


def _print(wardrobe: Wardrobe, rng: np.random.Generator) -> Paint:
    colors = [hsv(rng.random(), rng.uniform(*wardrobe.saturation), rng.uniform(0.1, 1.0)) for _ in range(3)]
    return Paint((colors[0], colors[1], colors[2]), "print", int(rng.integers(100)), 260.0)


def _skin(wardrobe: Wardrobe, rng: np.random.Generator) -> Paint:
    value = rng.uniform(*wardrobe.skin)
    tone = hsv(rng.uniform(0.035, 0.075), rng.uniform(0.28, 0.5) + 0.15 * (1 - value), value)
    return Paint((tone, scaled(tone, 0.85), scaled(tone, 1.1)), "clouds", int(rng.integers(100)), 300.0)


def _hair(rng: np.random.Generator) -> Paint:
    value = rng.choice((rng.uniform(0.05, 0.2), rng.uniform(0.2, 0.5), rng.uniform(0.5, 0.85)), p=(0.5, 0.3, 0.2))
    tone = hsv(rng.uniform(0.03, 0.13), rng.uniform(0.15, 0.6), float(value))
    return Paint((tone, scaled(tone, 0.55), scaled(tone, 1.3)), "streaks", int(rng.integers(100)), 130.0)


def _shoes(rng: np.random.Generator) -> Paint:
    tone = hsv(rng.random(), rng.uniform(0, 0.6), rng.uniform(0.05, 0.95))
    return Paint((tone, scaled(tone, 0.5), hsv(rng.random(), 0.6, 0.9)), "plain", 0, 200.0)


def _colors(ground: Color, rng: np.random.Generator) -> tuple[Color, Color, Color]:
    return ground, scaled(ground, 0.7), shifted(ground, rng, 0.3)
