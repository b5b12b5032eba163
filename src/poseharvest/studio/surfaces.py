"""Surface points to shade: for each pixel that hits a surface, the point and its paint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from poseharvest.studio.casting import (
    Hits,
    View,
    camera_depth,
    cast_round,
    dot,
    nearest,
    own_direction,
    pairs,
    picture_boxes,
    solid_table,
)
from poseharvest.studio.paint import Paint, PaintTable, paint_table
from poseharvest.studio.solids import Box, Floats, Solids


@dataclass(frozen=True, eq=False)
class Surface:
    """Points of surfaces that pixels show.

    Attributes:
        pixel: (P,) places in the flattened picture.
        distance: (P,) along the ray, mm.
        normal: (3, P) in the world.
        texture: (2, P) where in its texture, mm.
        paint: (P,) which paint of `paints`.
        paints: the paints.
    """

    pixel: Tensor
    distance: Tensor
    normal: Tensor
    texture: Tensor
    paint: Tensor
    paints: PaintTable


def round_surface(solids: Solids, view: View, depth: Tensor) -> Surface:
    """Return the visible surface of round solids nearer than `depth` (H * W,), mm."""
    hits = cast_round(solids, view, depth)
    table = solid_table(solids, view)[:, hits.solid]
    length, first, last = table[12:15]
    point = table[9:12] + hits.distance * own_direction(table, view, hits.pixel)
    dr = last - first
    along = ((length * point[2] + first * dr) / (length * length - dr * dr)).clamp(0, 1)
    outward = torch.stack((point[0], point[1], point[2] - along * length))
    normal = torch.stack([dot(table[i:9:3], outward) for i in range(3)])
    around = torch.atan2(point[1], point[0]) * (0.5 * (first + last))
    paint = torch.from_numpy(np.ascontiguousarray(solids.paint.T)).to(view.device)[:, hits.solid]
    return Surface(
        pixel=hits.pixel,
        distance=hits.distance,
        normal=normal * dot(normal, normal).rsqrt(),
        texture=torch.stack((around, point[2] * table[15])),
        paint=_painted(paint, point, length, table[16:]),
        paints=paint_table(solids.paints, view.device),
    )


def _painted(paint: Tensor, point: Tensor, length: Tensor, look: Tensor) -> Tensor:
    """Return the paint (P,) at points (3, P) in own coordinates: up to the cut, beyond it, or of the mark."""
    cut, half, low, high, side = look
    share = point[2] / length
    marked = (point[1].abs() < half) & (share > low) & (share < high) & (point[0] * side > 0)
    return torch.where(marked, paint[2], torch.where(share > cut, paint[1], paint[0]))


def box_surface(boxes: Sequence[Box], view: View, depth: Tensor) -> Surface:
    """Return the visible surface of boxes nearer than `depth` (H * W,), mm."""
    pixel, box = pairs(_box_boxes(boxes, view), view)
    turns = _turns(boxes)
    origin = np.einsum("nij,nj->ni", turns, view.origin - np.array([b.center for b in boxes]))
    numbers = np.concatenate((turns.reshape(-1, 9), origin, np.array([b.half for b in boxes])), 1)
    tables = torch.from_numpy(np.ascontiguousarray(numbers.T, dtype=np.float32)).to(view.device)
    hits = nearest(Hits(pixel, _enter(tables[:, box], view, pixel), box), depth)
    table = tables[:, hits.solid]
    point = table[9:12] + hits.distance * own_direction(table, view, hits.pixel)
    axis = (point.abs() - table[12:15]).argmax(0)
    side = torch.sign(point.gather(0, axis.unsqueeze(0)))
    return Surface(
        pixel=hits.pixel,
        distance=hits.distance,
        normal=torch.stack([table[i:9:3].gather(0, axis.unsqueeze(0)).squeeze(0) for i in range(3)]) * side,
        texture=face_texture(axis, point + table[12:15]),
        paint=hits.solid,
        paints=paint_table([b.paint for b in boxes], view.device),
    )


def _turns(boxes: Sequence[Box]) -> Floats:
    cos, sin = np.cos([b.turn for b in boxes]), np.sin([b.turn for b in boxes])
    turns = np.zeros((len(boxes), 3, 3))
    turns[:, 0, 0] = turns[:, 1, 1] = cos
    turns[:, 0, 1], turns[:, 1, 0], turns[:, 2, 2] = sin, -sin, 1.0
    return turns


def _box_boxes(boxes: Sequence[Box], view: View) -> np.ndarray:
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64)
    own = signs * np.array([b.half for b in boxes])[:, None]
    corners = np.einsum("nji,nkj->nki", _turns(boxes), own) + np.array([b.center for b in boxes])[:, None]
    depth = camera_depth(corners, view.camera)
    return picture_boxes(corners, np.full(depth.shape, 4.0), view.camera, depth)


def _enter(table: Tensor, view: View, pixel: Tensor) -> Tensor:
    """Return the distances (P,) at which the rays of pixels enter boxes, mm; infinite where they miss."""
    step = 1.0 / _not_zero(own_direction(table, view, pixel))
    one, two = (-table[12:15] - table[9:12]) * step, (table[12:15] - table[9:12]) * step
    enter = torch.minimum(one, two).amax(0)
    leave = torch.maximum(one, two).amin(0)
    return torch.where((enter < leave) & (enter > 1.0), enter, torch.full_like(enter, torch.inf))


def _not_zero(direction: Tensor) -> Tensor:
    return torch.where(direction.abs() < 1e-7, torch.full_like(direction, 1e-7), direction)


def face_texture(axis: Tensor, point: Tensor) -> Tensor:
    """Return the texture coordinates (2, P), mm, of points (3, P) on faces across `axis` (P,); rows go up walls."""
    x, y, z = point
    return torch.stack((torch.where(axis == 0, y, x), torch.where(axis == 2, y, z)))


@dataclass(frozen=True, eq=False)
class Hall:
    """The inside of a box with its floor at z = 0: all cameras stand in it.

    Attributes:
        low: x and y of its near walls, mm.
        high: x and y of its far walls, and its height, mm.
        paints: of the floor, the ceiling, and the walls at low x, high x, low y, high y.
    """

    low: tuple[float, float]
    high: tuple[float, float, float]
    paints: tuple[Paint, Paint, Paint, Paint, Paint, Paint]


def hall_surface(hall: Hall, view: View) -> Surface:
    """Return the surface of the hall that every pixel sees; a camera outside of the hall sees its far side."""
    high = torch.tensor(hall.high, dtype=torch.float32, device=view.device).unsqueeze(-1)
    low = torch.tensor((*hall.low, 0.0), dtype=torch.float32, device=view.device).unsqueeze(-1)
    origin = torch.from_numpy(view.origin.astype(np.float32)).to(view.device).unsqueeze(-1)
    safe = _not_zero(view.rays)
    each = (torch.where(safe > 0, high, low) - origin) / safe
    distance, axis = each.clamp_min(1.0).min(0)
    positive = (safe > 0).gather(0, axis.unsqueeze(0)).squeeze(0).long()
    inward = 1.0 - 2.0 * positive
    return Surface(
        pixel=torch.arange(len(distance), device=view.device),
        distance=distance,
        normal=torch.stack([torch.where(axis == i, inward, 0.0) for i in range(3)]),
        texture=face_texture(axis, origin + distance * view.rays),
        paint=torch.where(axis == 2, positive, 2 + 2 * axis + positive),
        paints=paint_table(hall.paints, view.device),
    )
