"""The head of a figure: skull, face, ears and hair. Its front differs from its back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from poseharvest.studio.body_shapes import BodyShape
from poseharvest.studio.kinematics import Floats
from poseharvest.studio.paint import Paint, scaled
from poseharvest.studio.solids import Part, cross
from poseharvest.studio.wardrobe import Outfit

Triple = tuple[float, float, float]
Ball = Callable[[Triple, Triple, Paint], Part]

_WHITE = Paint(((0.9, 0.9, 0.88), (0.8, 0.8, 0.8), (0.9, 0.9, 0.9)))
_DARK = Paint(((0.07, 0.05, 0.05), (0.05, 0.05, 0.05), (0.1, 0.1, 0.1)))


def head_parts(shape: BodyShape, outfit: Outfit, at: Mapping[str, Floats]) -> Iterator[Part]:
    """Yield the solids of the head, whose joints and nose are `at`.

    Lengths below are shares of the head's height, from the upper neck to its top.
    """
    base = at["upper_neck"]
    height = float(np.linalg.norm(at["head_top"] - base))
    up = (at["head_top"] - base) / height
    forward = at["nose"] - base - ((at["nose"] - base) @ up) * up
    forward = forward / max(float(np.linalg.norm(forward)), 1e-9)
    left = cross(up, forward)

    def ball(place: Triple, radii: Triple, paint: Paint) -> Part:
        center = base + height * (place[0] * forward + place[1] * left + place[2] * up)
        thickness = height * radii[1]
        scale = (radii[0] / radii[1], 1.0, radii[2] / radii[1])
        return Part(center, center, (thickness, thickness), forward, paint, up=up, scale=scale)

    yield ball((0.02, 0.0, 0.56), (0.46, 0.36, 0.44), outfit.skin)
    yield ball((0.17, 0.0, 0.22), (0.28, 0.27, 0.30), outfit.skin)
    yield ball((0.49, 0.0, 0.36), (0.10, 0.06, 0.11), outfit.skin)
    lips = Paint((scaled(outfit.skin.colors[0], 0.62),) * 3)
    yield ball((0.415, 0.0, 0.16), (0.06, 0.12, 0.035), lips)
    for side in (1.0, -1.0):
        yield ball((0.36, 0.15 * side, 0.47), (0.09, 0.08, 0.055), _WHITE)
        yield ball((0.405, 0.15 * side, 0.47), (0.06, 0.045, 0.05), _DARK)
        yield ball((0.38, 0.16 * side, 0.57), (0.09, 0.10, 0.03), outfit.hair)
        yield ball((-0.02, 0.36 * side, 0.40), (0.10, 0.05, 0.14), outfit.skin)
    yield from _hair(outfit, ball)


def _hair(outfit: Outfit, ball: Ball) -> Iterator[Part]:
    if outfit.hair_style == "bald":
        return
    if outfit.hair_style == "hat":
        yield ball((-0.01, 0.0, 0.74), (0.50, 0.42, 0.32), outfit.belt)
        yield ball((0.40, 0.0, 0.70), (0.36, 0.34, 0.05), outfit.belt)
        yield ball((-0.10, 0.0, 0.46), (0.41, 0.38, 0.34), outfit.hair)
        return
    yield ball((-0.08, 0.0, 0.66), (0.46, 0.40, 0.40), outfit.hair)
    yield ball((-0.13, 0.0, 0.45), (0.38, 0.37, 0.38), outfit.hair)
    if outfit.hair_style == "long":
        yield ball((-0.24, 0.0, 0.10), (0.22, 0.40, 0.55), outfit.hair)
        for side in (1.0, -1.0):
            yield ball((-0.06, 0.33 * side, 0.25), (0.20, 0.10, 0.45), outfit.hair)
