"""Round cones: the solids of a synthetic body, and their intersections with rays in closed form.

A round cone is the union of balls along a line segment whose radius changes linearly. Its surface consists of parts of
the first ball, of the last ball, and of the cone that touches all balls.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseharvest.simulation.body import POINTS

Floats = NDArray[np.float64]

LEFT = (62, 118, 196)
RIGHT = (214, 110, 52)
_SHIRT = (128, 146, 134)
_TROUSERS = (70, 66, 74)
_SKIN = (206, 160, 132)


@dataclass(frozen=True)
class _Part:
    """A solid of the body: two ends as weighted points, their radii (mm, for a stature of 1750 mm), its colour."""

    start: dict[str, float]
    end: dict[str, float]
    radii: tuple[float, float]
    color: tuple[int, int, int]


def _limb(start: str, end: str, radii: tuple[float, float], color: tuple[int, int, int]) -> _Part:
    return _Part({start: 1.0}, {end: 1.0}, radii, color)


def _side(side: str, color: tuple[int, int, int]) -> tuple[_Part, ...]:
    return (
        _limb(f"{side}_hip", f"{side}_knee", (82.0, 54.0), color),
        _limb(f"{side}_knee", f"{side}_ankle", (54.0, 36.0), color),
        _limb(f"{side}_ankle", f"{side}_toe", (40.0, 30.0), _TROUSERS),
        _limb(f"{side}_shoulder", f"{side}_elbow", (50.0, 38.0), color),
        _limb(f"{side}_elbow", f"{side}_wrist", (38.0, 28.0), color),
        _limb(f"{side}_wrist", f"{side}_hand", (32.0, 22.0), _SKIN),
    )


PARTS = (
    _limb("left_hip", "right_hip", (80.0, 80.0), _TROUSERS),
    _limb("pelvis", "thorax", (108.0, 96.0), _SHIRT),
    _limb("left_shoulder", "right_shoulder", (62.0, 62.0), _SHIRT),
    _limb("thorax", "upper_neck", (54.0, 50.0), _SKIN),
    _Part({"upper_neck": 0.7, "head_top": 0.3}, {"upper_neck": 0.42, "head_top": 0.58}, (76.0, 88.0), _SKIN),
    *_side("left", LEFT),
    *_side("right", RIGHT),
)
"""The solids of a body; left limbs are blue, right limbs orange."""

COLORS = np.array([part.color for part in PARTS], dtype=np.float64)
"""(N, 3) colours of `PARTS`, 0 to 255."""

_RADII = np.array([part.radii for part in PARTS])
_WEIGHTS = np.array([[[end.get(name, 0.0) for name in POINTS] for end in (part.start, part.end)] for part in PARTS])


@dataclass(frozen=True, eq=False)
class RoundCones:
    """Round cones.

    Attributes:
        start: (..., 3) centres of the first balls, mm.
        end: (..., 3) centres of the last balls, mm.
        radii: (..., 2) radii of the first and the last ball, mm; they differ by less than the cone's length.
    """

    start: Floats
    end: Floats
    radii: Floats

    def seen_from(self, origin: Floats) -> RoundCones:
        """Return the cones with `origin`, broadcastable to (..., 3), as the origin."""
        return RoundCones(self.start - origin, self.end - origin, self.radii)

    def grown(self, by_mm: float) -> RoundCones:
        """Return the cones with a skin of `by_mm` around them."""
        return RoundCones(self.start, self.end, self.radii + by_mm)

    def each(self) -> RoundCones:
        """Return (..., 1, N) cones of (..., N), to be met by several rays each."""
        return RoundCones(self.start[..., None, :, :], self.end[..., None, :, :], self.radii[..., None, :, :])

    def single(self, index: int) -> RoundCones:
        """Return one cone of (N, ...)."""
        return RoundCones(self.start[index], self.end[index], self.radii[index])


@dataclass(frozen=True, eq=False)
class Hits:
    """The first intersections of rays from the origin with round cones.

    Attributes:
        distance: (...) mm along the ray, infinite where it misses.
        along: (...) 0 to 1, position along the cone of the ball that is hit.
    """

    distance: Floats
    along: Floats


def body_cones(points: Floats, stature_mm: float) -> RoundCones:
    """Return the solids (..., N) of bodies with `POINTS` (..., P, 3), mm, and the stature `stature_mm`."""
    ends = np.einsum("nep,...px->...nex", _WEIGHTS, points)
    radii = np.broadcast_to(_RADII * (stature_mm / 1750.0), (*ends.shape[:-2], 2))
    return RoundCones(ends[..., 0, :], ends[..., 1, :], radii)


def first_hits(directions: Floats, cones: RoundCones) -> Hits:
    """Return the first intersections of rays from the origin in `directions`, unit vectors (..., 3), with `cones`.

    The shapes of both broadcast. A solid that contains the origin or lies behind it counts as missed.
    """
    # u, w: direction . start and . axis; the ball at s has its centre at start + s axis and the radius r + s dr.
    # A point q from the start lies on the touching cone where D (q.q - r^2) = (q.axis + r dr)^2 with D = L^2 - dr^2,
    # and touches the ball s = (q.axis + r dr) / D. With q = t direction - start this is a quadratic in t.
    axis = cones.end - cones.start
    r, dr = cones.radii[..., 0], cones.radii[..., 1] - cones.radii[..., 0]
    u = _dot(directions, cones.start)
    w = _dot(directions, axis)
    offset = r * dr - _dot(cones.start, axis)
    D = _dot(axis, axis) - dr * dr
    a = D - w * w
    b = D * u + w * offset
    c = D * (_dot(cones.start, cones.start) - r * r) - offset * offset
    discriminant = b * b - a * c
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (b - np.sqrt(discriminant)) / a
    s = (t * w + offset) / D
    distance = np.where((discriminant > 0) & (t > 0) & (s >= 0) & (s <= 1), t, np.inf)
    along = np.where(np.isfinite(distance), s, 0.0)
    for ball, (center_along, radius) in enumerate(((u, r), (u + w, r + dr))):
        center = cones.start if ball == 0 else cones.end
        reach = center_along * center_along - _dot(center, center) + radius * radius
        with np.errstate(invalid="ignore"):
            ball_t = center_along - np.sqrt(reach)
        nearer = (reach > 0) & (ball_t > 0) & (ball_t < distance)
        distance = np.where(nearer, ball_t, distance)
        along = np.where(nearer, float(ball), along)
    return Hits(distance, along)


def contains(points: Floats, cones: RoundCones) -> NDArray[np.bool_]:
    """Return (...) bool: the points (..., 3) lie within the cones; the shapes of both broadcast."""
    axis = cones.end - cones.start
    length_squared = _dot(axis, axis)
    dr = cones.radii[..., 1] - cones.radii[..., 0]
    q = points - cones.start
    along = _dot(q, axis)
    across = np.sqrt(np.maximum(_dot(q, q) - along * along / length_squared, 0.0))
    # The ball that reaches farthest towards a point is displaced from its foot by the slope of the cone.
    length = np.sqrt(length_squared)
    slope = dr / np.sqrt(length_squared - dr * dr)
    s = np.clip((along / length + across * slope) / length, 0.0, 1.0)
    gap = q - s[..., None] * axis
    inside: NDArray[np.bool_] = _dot(gap, gap) <= (cones.radii[..., 0] + s * dr) ** 2
    return inside


def _dot(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.einsum("...i,...i->...", a, b), dtype=np.float64)
