"""Furniture made of boxes: chairs, tables, cupboards and other pieces that hide legs."""

from __future__ import annotations

import math

import numpy as np

from poseharvest.studio.body_shapes import Range
from poseharvest.studio.kinematics import Floats
from poseharvest.studio.paint import Paint, hsv, scaled, shifted
from poseharvest.studio.solids import Box

_PATTERNS = ("wood", "wood", "plain", "clouds", "checks", "print")


def chair(place: tuple[float, float], turn: float, seat_mm: float, rng: np.random.Generator) -> list[Box]:
    """Return a chair whose seat is `seat_mm` high, at `place`, its sitter looking along `turn` (radians)."""
    paint = furniture_paint(rng)
    legs = paint.with_ground(scaled(paint.colors[0], 0.7))
    back_mm = float(rng.uniform(300, 520))
    boxes = [_at(place, turn, (0.0, 0.0, seat_mm - 22.0), (215.0, 215.0, 22.0), paint)]
    if rng.random() < 0.85:
        middle = seat_mm + 0.5 * back_mm + 40.0
        boxes.append(_at(place, turn, (-225.0, 0.0, middle), (15.0, 205.0, 0.5 * back_mm), paint))
        boxes += [_at(place, turn, (-225.0, y, seat_mm + 40.0), (14.0, 16.0, 80.0), legs) for y in (-160.0, 160.0)]
    height = 0.5 * (seat_mm - 40.0)
    corners = [(x, y) for x in (-190.0, 190.0) for y in (-190.0, 190.0)]
    return boxes + [_at(place, turn, (x, y, height), (17.0, 17.0, height), legs) for x, y in corners]


def table(
    place: tuple[float, float], turn: float, size: tuple[float, float, float], rng: np.random.Generator
) -> list[Box]:
    """Return a table with `size`: half depth along `turn`, half width, height, mm; some have a closed front."""
    paint = furniture_paint(rng)
    depth, width, height = size
    boxes = [_at(place, turn, (0.0, 0.0, height - 18.0), (depth, width, 18.0), paint)]
    if rng.random() < 0.3:
        boxes.append(_at(place, turn, (0.0, 0.0, 0.5 * height), (12.0, 0.94 * width, 0.42 * height), paint))
    legs = paint.with_ground(scaled(paint.colors[0], 0.75))
    corners = [(x * (depth - 40.0), y * (width - 40.0)) for x in (-1, 1) for y in (-1, 1)]
    boxes += [
        _at(place, turn, (x, y, 0.5 * height - 18.0), (22.0, 22.0, 0.5 * height - 18.0), legs) for x, y in corners
    ]
    for _ in range(int(rng.integers(0, 4))):
        thing = rng.uniform((30.0, 30.0, 20.0), (90.0, 90.0, 110.0))
        x, y = rng.uniform(-0.6, 0.6, 2) * (depth, width)
        boxes.append(_at(place, turn, (x, y, height + thing[2]), (thing[0], thing[1], thing[2]), furniture_paint(rng)))
    return boxes


def obstacles(
    keep_clear: Floats, number: int, heights_mm: Range, rng: np.random.Generator, reach_mm: float = 1500.0
) -> list[Box]:
    """Return up to `number` pieces of furniture near the points (N, 2), mm, of a person's path, but not on them."""
    boxes: list[Box] = []
    middle = keep_clear.mean(0)
    for _ in range(8 * number):
        if number == 0:
            break
        angle, away = rng.uniform(0, 2 * math.pi), rng.uniform(450.0, reach_mm)
        place = middle + away * np.array((math.cos(angle), math.sin(angle)))
        half = rng.uniform((150.0, 250.0), (330.0, 650.0))
        # Broadside to the middle, so that it hides something.
        turn = angle + rng.uniform(-0.4, 0.4)
        if _gap(keep_clear, place, turn, half) < 130.0:
            continue
        number -= 1
        height = float(rng.uniform(*heights_mm))
        spot = (float(place[0]), float(place[1]))
        if rng.random() < 0.5:
            boxes += table(spot, turn, (float(half[0]), float(half[1]), height), rng)
        else:
            size = (float(half[0]), float(half[1]), 0.5 * height)
            boxes.append(_at(spot, turn, (0.0, 0.0, 0.5 * height), size, furniture_paint(rng)))
    return boxes


def furniture_paint(rng: np.random.Generator) -> Paint:
    """Return a paint for furniture."""
    pattern = _PATTERNS[int(rng.integers(len(_PATTERNS)))]
    hue = rng.uniform(0.04, 0.12) if pattern == "wood" else rng.random()
    ground = hsv(hue, rng.uniform(0.05, 0.65), rng.uniform(0.12, 0.95))
    colors = (ground, shifted(ground, rng, 0.3), scaled(ground, 0.55))
    return Paint(colors, pattern, int(rng.integers(100)), float(rng.uniform(300, 1200)))


def _gap(points: Floats, place: Floats, turn: float, half: Floats) -> float:
    """Return the distance between the nearest of points (N, 2) and a turned rectangle, mm; 0 within."""
    own = (points - place) @ np.array(((math.cos(turn), -math.sin(turn)), (math.sin(turn), math.cos(turn))))
    return float(np.linalg.norm(np.maximum(np.abs(own) - half, 0.0), axis=-1).min())


def _at(
    place: tuple[float, float],
    turn: float,
    offset: tuple[float, float, float],
    half: tuple[float, float, float],
    paint: Paint,
) -> Box:
    cos, sin = math.cos(turn), math.sin(turn)
    x, y, z = offset
    center = np.array((place[0] + cos * x - sin * y, place[1] + sin * x + cos * y, z))
    return Box(center, np.array(half), turn, paint)
