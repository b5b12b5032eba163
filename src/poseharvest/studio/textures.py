"""Procedural textures: patterns that repeat, each two weights by which a surface mixes its three colours."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Pattern = NDArray[np.float32]

TEXELS = 128
"""Rows and columns of every texture."""

_SEED = 20170721


def _noise(rng: np.random.Generator, power: float, stretch: tuple[float, float] = (1.0, 1.0)) -> Pattern:
    """Return periodic noise, about -1 to 1, whose spectrum falls by `power`; `stretch` makes it streaky."""
    fy = np.fft.fftfreq(TEXELS)[:, None] * stretch[0]
    fx = np.fft.rfftfreq(TEXELS)[None] * stretch[1]
    frequency = np.maximum(np.hypot(fy, fx), 1.0 / TEXELS)
    white = np.fft.rfft2(rng.standard_normal((TEXELS, TEXELS)))
    noise = np.fft.irfft2(white / frequency**power, s=(TEXELS, TEXELS))
    noise -= noise.mean()
    return np.asarray(np.clip(noise / (2.0 * noise.std()), -1.5, 1.5), dtype=np.float32)


def _grid() -> tuple[Pattern, Pattern]:
    """Return row and column of every texel as shares of the texture, 0 to 1."""
    share = (np.arange(TEXELS, dtype=np.float32) + 0.5) / TEXELS
    rows, columns = np.meshgrid(share, share, indexing="ij")
    return rows.astype(np.float32), columns.astype(np.float32)


def _edge(x: Pattern, sharpness: float = 14.0) -> Pattern:
    """Return 0 where x is below 0, 1 above, with a soft edge."""
    return np.asarray(0.5 + 0.5 * np.tanh(sharpness * x), dtype=np.float32)


def _plain(rng: np.random.Generator) -> tuple[Pattern, Pattern]:
    return 0.25 + 0.25 * _noise(rng, 1.0), 0.08 + 0.08 * _noise(rng, 0.3)


def _across(rng: np.random.Generator) -> tuple[Pattern, Pattern]:
    rows, _ = _grid()
    duty = rng.uniform(-0.5, 0.5)
    return _edge(np.sin(2 * np.pi * 4 * rows) - duty), 0.1 + 0.1 * _noise(rng, 0.8)


def _along(rng: np.random.Generator) -> tuple[Pattern, Pattern]:
    _, columns = _grid()
    duty = rng.uniform(-0.3, 0.7)
    return _edge(np.sin(2 * np.pi * 4 * columns) - duty), 0.1 + 0.1 * _noise(rng, 0.8)


def _checks(rng: np.random.Generator) -> tuple[Pattern, Pattern]:
    rows, columns = _grid()
    lines = [_edge(np.sin(2 * np.pi * n * x) - 0.2, 6.0) for x in (rows, columns) for n in (2, 4)]
    return 0.5 * (lines[0] + lines[2]), 0.35 * lines[1] * lines[3] + 0.06 * _noise(rng, 0.5)


def _dots(rng: np.random.Generator) -> tuple[Pattern, Pattern]:
    rows, columns = _grid()
    wave = np.cos(2 * np.pi * 4 * rows) * np.cos(2 * np.pi * 4 * columns)
    return _edge(wave - rng.uniform(0.35, 0.6), 10.0), 0.08 + 0.08 * _noise(rng, 0.6)


def _blotches(rng: np.random.Generator) -> tuple[Pattern, Pattern]:
    return _edge(_noise(rng, 1.9), 10.0), _edge(_noise(rng, 1.8) - 0.3, 10.0)


def _clouds(rng: np.random.Generator) -> tuple[Pattern, Pattern]:
    return 0.5 + 0.5 * _noise(rng, 2.0), 0.3 + 0.3 * _noise(rng, 1.5)


def _flowers(rng: np.random.Generator) -> tuple[Pattern, Pattern]:
    first, second = np.zeros((2, TEXELS, TEXELS), dtype=np.float32)
    rows, columns = _grid()
    for _ in range(14):
        y, x = rng.uniform(0, 1, 2)
        dy, dx = (rows - y + 0.5) % 1 - 0.5, (columns - x + 0.5) % 1 - 0.5
        radius, angle = np.hypot(dy, dx), np.arctan2(dy, dx)
        size = rng.uniform(0.05, 0.12)
        first = np.maximum(first, _edge(size * (1 + 0.35 * np.cos(5 * angle)) - radius, 90.0))
        second = np.maximum(second, _edge(0.4 * size - radius, 90.0))
    return first, second


def _knit(rng: np.random.Generator) -> tuple[Pattern, Pattern]:
    rows, columns = _grid()
    wave = np.sin(2 * np.pi * (16 * rows + 0.8 * np.abs(np.sin(2 * np.pi * 8 * columns))))
    return np.asarray(0.35 + 0.25 * wave, dtype=np.float32), 0.2 + 0.2 * _noise(rng, 1.6)


def _streaks(rng: np.random.Generator) -> tuple[Pattern, Pattern]:
    return 0.45 + 0.4 * _noise(rng, 1.2, (8.0, 1.0)), 0.15 + 0.15 * _noise(rng, 0.8, (6.0, 1.0))


def _wood(rng: np.random.Generator) -> tuple[Pattern, Pattern]:
    rows, columns = _grid()
    plank = _edge(np.abs((columns * 4) % 1 - 0.5) - 0.47, 40.0)
    tone = rng.uniform(0, 1, 4)[(columns * 4).astype(int)].astype(np.float32)
    return 0.5 * tone + 0.25 + 0.25 * _noise(rng, 1.1, (1.0, 10.0)).T, plank * np.ones_like(rows)


def _bricks(rng: np.random.Generator) -> tuple[Pattern, Pattern]:
    rows, columns = _grid()
    course = np.floor(rows * 8)
    shifted = (columns * 4 + 0.5 * (course % 2)) % 4
    mortar = np.maximum(np.abs((rows * 8) % 1 - 0.5) - 0.44, np.abs(shifted % 1 - 0.5) - 0.47)
    tone = rng.uniform(0, 1, (8, 4))[course.astype(int), np.floor(shifted).astype(int) % 4]
    return np.asarray(0.7 * tone + 0.15 * _noise(rng, 0.8), dtype=np.float32), _edge(mortar, 60.0)


def _tiles(rng: np.random.Generator) -> tuple[Pattern, Pattern]:
    rows, columns = _grid()
    chess = (np.floor(rows * 4) + np.floor(columns * 4)) % 2
    joint = np.maximum(np.abs((rows * 4) % 1 - 0.5), np.abs((columns * 4) % 1 - 0.5)) - 0.48
    return np.asarray(0.8 * chess + 0.1 * _noise(rng, 1.2), dtype=np.float32), 0.6 * _edge(joint, 60.0)


def _print(rng: np.random.Generator) -> tuple[Pattern, Pattern]:
    """Return a poster, a shelf or a chest print: rectangles and discs on top of each other."""
    rows, columns = _grid()
    layers = np.zeros((2, TEXELS, TEXELS), dtype=np.float32)
    for _ in range(12):
        y, x = rng.uniform(0.05, 0.95, 2)
        h, w = rng.uniform(0.04, 0.3, 2)
        disc = np.hypot((rows - y) / h, (columns - x) / w) < 1
        box = (np.abs(rows - y) < h) & (np.abs(columns - x) < w)
        layers[:, disc if rng.random() < 0.4 else box] = rng.uniform(0, 1, (2, 1))
    return layers[0], layers[1]


_MAKERS: dict[str, tuple[Callable[[np.random.Generator], tuple[Pattern, Pattern]], int]] = {
    "plain": (_plain, 2),
    "across": (_across, 3),
    "along": (_along, 3),
    "checks": (_checks, 2),
    "dots": (_dots, 2),
    "blotches": (_blotches, 3),
    "clouds": (_clouds, 3),
    "flowers": (_flowers, 2),
    "knit": (_knit, 2),
    "streaks": (_streaks, 2),
    "wood": (_wood, 3),
    "bricks": (_bricks, 2),
    "tiles": (_tiles, 2),
    "print": (_print, 10),
}

PATTERNS: tuple[str, ...] = tuple(_MAKERS)
"""The patterns by name: `across` are stripes around a limb, `along` stripes along it."""

_FIRST = dict(zip(_MAKERS, np.cumsum([0, *(count for _, count in _MAKERS.values())])[:-1].tolist(), strict=True))


def texture_index(pattern: str, variant: int) -> int:
    """Return the place in the bank of a variant, any number, of a pattern."""
    return int(_FIRST[pattern] + variant % _MAKERS[pattern][1])


@cache
def texture_bank(device: str = "cpu") -> Tensor:
    """Return all textures (K, 128, 128, 2) float32, 0 to 1."""
    bank = []
    for i, (make, count) in enumerate(_MAKERS.values()):
        bank += [np.stack(make(np.random.default_rng((_SEED, i, variant))), -1) for variant in range(count)]
    return torch.from_numpy(np.stack(bank).clip(0, 1).astype(np.float32)).to(device)
