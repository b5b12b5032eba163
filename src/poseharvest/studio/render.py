"""Drawing of pictures: the room is drawn once for each camera, the person in every picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from poseharvest.arrays import ImageSize
from poseharvest.geometry.camera import Camera
from poseharvest.studio.casting import View, make_view
from poseharvest.studio.figure import Dressed
from poseharvest.studio.kinematics import POINTS, Floats
from poseharvest.studio.lighting import Lighting, floor_shadow, shade, shadow_spots
from poseharvest.studio.room import Room
from poseharvest.studio.solids import assemble
from poseharvest.studio.surfaces import Surface, box_surface, hall_surface, round_surface

_CASTERS: dict[str, float] = {
    "left_toe": 60.0,
    "right_toe": 60.0,
    "left_ankle": 60.0,
    "right_ankle": 60.0,
    "left_knee": 90.0,
    "right_knee": 90.0,
    "pelvis": 190.0,
    "thorax": 190.0,
    "head_top": 120.0,
    "left_hand": 60.0,
    "right_hand": 60.0,
}
"""Balls (mm) that stand for the body in the shadow on the floor."""


@dataclass(frozen=True, eq=False)
class Backdrop:
    """The picture of a room without the person.

    Attributes:
        view: the camera.
        lighting: the room's light.
        colors: (3, H * W), 1 for white.
        depth: (H * W,) distance along the ray, mm.
        floor: (F,) which pixels show the floor.
        floor_at: (2, F) x, y of the floor there, mm.
    """

    view: View
    lighting: Lighting
    colors: Tensor
    depth: Tensor
    floor: Tensor
    floor_at: Tensor


@dataclass(frozen=True, eq=False)
class Drawn:
    """A picture before a camera develops it.

    Attributes:
        camera: the camera.
        colors: (3, H, W), 1 for white.
        depth: (H, W) distance along the ray, mm.
    """

    camera: Camera
    colors: Tensor
    depth: Tensor


def draw_backdrop(room: Room, view: View) -> Backdrop:
    """Return the picture of `room` without a person, as `view` sees it."""
    hall = hall_surface(room.hall, view)
    colors, depth = shade(hall, view, room.lighting), hall.distance.clone()
    if room.boxes:
        _paint_over(colors, depth, box_surface(room.boxes, view, depth), view, room.lighting)
    if room.rounds:
        _paint_over(colors, depth, round_surface(assemble(room.rounds), view, depth), view, room.lighting)
    floor = ((hall.paint == 0) & (depth == hall.distance)).nonzero().squeeze(-1)
    return Backdrop(view, room.lighting, colors, depth, floor, hall.texture[:, floor])


def draw_person(backdrop: Backdrop, person: Dressed, points: Floats, *, zoom: int = 1) -> Drawn:
    """Return the picture of the backdrop with a person whose body is at `points`.

    Args:
        backdrop: the room.
        person: the person.
        points: (P, 3) points of the body, mm in the world.
        zoom: draws the person `zoom` times finer than the room; the result has `zoom` times as many rows and columns.
    """
    view = backdrop.view
    height, width = view.camera.image_size
    colors, depth = _with_shadow(backdrop, points), backdrop.depth
    if zoom > 1:
        colors, depth = _magnified(colors, (height, width), zoom), _magnified(depth, (height, width), zoom)
        view = make_view(zoomed(view.camera, zoom), view.device)
    elif depth is backdrop.depth:
        depth = depth.clone()
    _paint_over(colors, depth, round_surface(assemble(person.parts(points)), view, depth), view, backdrop.lighting)
    height, width = view.camera.image_size
    return Drawn(view.camera, colors.reshape(3, height, width), depth.reshape(height, width))


def zoomed(camera: Camera, zoom: int) -> Camera:
    """Return the camera with `zoom` times as many rows and columns."""
    scale = torch.tensor(
        ((zoom, 0.0, (zoom - 1) / 2), (0.0, zoom, (zoom - 1) / 2), (0.0, 0.0, 1.0)), dtype=torch.float64
    )
    height, width = camera.image_size
    px_from_cam = scale @ camera.px_from_cam.double()
    return replace(camera, image_size=(height * zoom, width * zoom), px_from_cam=px_from_cam)


def _magnified(values: Tensor, size: ImageSize, zoom: int) -> Tensor:
    """Return (..., H * W) values with every pixel repeated `zoom` times along both axes."""
    picture = values.reshape(*values.shape[:-1], size[0], 1, size[1], 1)
    return picture.expand(*values.shape[:-1], size[0], zoom, size[1], zoom).reshape(*values.shape[:-1], -1)


def _paint_over(colors: Tensor, depth: Tensor, surface: Surface, view: View, lighting: Lighting) -> None:
    """Write a nearer surface into `colors` (3, H * W) and `depth` (H * W,), in place."""
    colors[:, surface.pixel] = shade(surface, view, lighting)
    depth[surface.pixel] = surface.distance


def _with_shadow(backdrop: Backdrop, points: Floats) -> Tensor:
    """Return the backdrop's colours (3, H * W), a copy, with the person's shadow on the floor."""
    at = dict(zip(POINTS, points, strict=True))
    balls, radii = np.array([at[name] for name in _CASTERS]), np.array(list(_CASTERS.values()))
    spots = shadow_spots(balls, radii, backdrop.lighting)
    low, high = (spots.middle - 2.5 * spots.size[:, None]).min(0), (spots.middle + 2.5 * spots.size[:, None]).max(0)
    x, y = backdrop.floor_at
    near = ((x > low[0]) & (x < high[0]) & (y > low[1]) & (y < high[1])).nonzero().squeeze(-1)
    light = floor_shadow(backdrop.floor_at[:, near], spots)
    colors = backdrop.colors.clone()
    colors[:, backdrop.floor[near]] *= light
    return colors
