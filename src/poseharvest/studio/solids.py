"""The solids of the studio: round cones and ellipsoids, squeezed along their own axes, and boxes.

Every round solid is a round cone in its own coordinates: a ball at 0 with the first radius, a ball at (0, 0, length)
with the second, and the cone that touches both. An affine map leads from the world to these coordinates, so that a limb
may be flat and a ball an ellipsoid. The own x axis points to the front of the body, where textures begin and marks lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from poseharvest.studio.paint import Paint

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Mark:
    """A patch of another paint on a solid: a print, a row of buttons, a neckline.

    Attributes:
        paint: its paint.
        half_width_mm: to both sides of the middle line.
        low: where it begins along the solid's length, 0 to 1; below 0 and above 1 lie the end balls.
        high: where it ends.
        front: it lies on the front, otherwise on the back.
    """

    paint: Paint
    half_width_mm: float
    low: float
    high: float
    front: bool = True


@dataclass(frozen=True, eq=False)
class Part:
    """A round solid in the world.

    Attributes:
        start: (3,) centre of the first ball, mm.
        end: (3,) centre of the last ball; the same for an ellipsoid.
        radii: of the balls, mm.
        forward: (3,) towards its front.
        up: (3,) its axis where start and end are the same.
        scale: its thickness from front to back, across, and along relative to the radii.
        paint: of its surface up to `cut`.
        beyond: paint of the rest; None for the same.
        cut: 0 to 1 along its length.
        mark: a patch upon it.
    """

    start: Floats
    end: Floats
    radii: tuple[float, float]
    forward: Floats
    paint: Paint
    up: Floats = field(default_factory=lambda: np.array((0.0, 0.0, 1.0)))
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    beyond: Paint | None = None
    cut: float = 1.0
    mark: Mark | None = None


@dataclass(frozen=True, eq=False)
class Solids:
    """N round solids as arrays.

    Attributes:
        center: (N, 3) of the first ball in the world, mm.
        end: (N, 3) of the last ball.
        reach: (N, 2) radii of balls in the world that hold the solid's ends.
        own_from_world: (N, 3, 3) linear part of the map into own coordinates.
        length: (N,) in own coordinates.
        radii: (N, 2) in own coordinates.
        look: (N, 6) thickness along the axis relative to own coordinates, the cut, and half width, low, high and side
            (1 front, -1 back, 0 none) of the mark.
        paints: of all solids.
        paint: (N, 3) places in `paints`: up to the cut, beyond it, of the mark.
    """

    center: Floats
    end: Floats
    reach: Floats
    own_from_world: Floats
    length: Floats
    radii: Floats
    look: Floats
    paints: tuple[Paint, ...]
    paint: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Box:
    """A box that stands in the room.

    Attributes:
        center: (3,) mm.
        half: (3,) half of its extents, mm.
        turn: about the vertical, radians.
        paint: of its sides.
    """

    center: Floats
    half: Floats
    turn: float
    paint: Paint


def assemble(parts: Sequence[Part]) -> Solids:
    """Return the solids of `parts`, of which there is at least one."""
    start, end = np.array([part.start for part in parts]), np.array([part.end for part in parts])
    forward, up = np.array([part.forward for part in parts]), np.array([part.up for part in parts])
    scale, radii = np.array([part.scale for part in parts]), np.array([part.radii for part in parts])
    axis = end - start
    length = np.linalg.norm(axis, axis=-1)
    is_ball = length < 1e-6
    z = _unit(np.where(is_ball[:, None], up, axis))
    x = _unit(forward - (forward * z).sum(-1, keepdims=True) * z)
    own = np.stack((x, cross(z, x), z), 1) / scale[..., None]
    paints: dict[Paint, int] = {}
    return Solids(
        center=start,
        end=end,
        reach=radii * scale.max(-1, keepdims=True),
        own_from_world=own,
        length=np.maximum(length / scale[:, 2], 1e-3),
        radii=radii,
        look=np.array([_look(part) for part in parts]),
        paint=np.array([[paints.setdefault(paint, len(paints)) for paint in _paints(part)] for part in parts]),
        paints=tuple(paints),
    )


def cross(a: Floats, b: Floats) -> Floats:
    """Return the vector products (..., 3); several times faster than numpy's on a few vectors."""
    x = a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1]
    y = a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2]
    return np.stack((x, y, a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]), -1)


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))


def _look(part: Part) -> tuple[float, ...]:
    if part.mark is None:
        return (part.scale[2], part.cut, 0.0, 0.0, 0.0, 0.0)
    mark = part.mark
    return (part.scale[2], part.cut, mark.half_width_mm, mark.low, mark.high, 1.0 if mark.front else -1.0)


def _paints(part: Part) -> tuple[Paint, Paint, Paint]:
    mark = part.mark.paint if part.mark else part.paint
    return part.paint, part.beyond or part.paint, mark
