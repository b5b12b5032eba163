"""Pictures of a synthetic body: its solids on a chequered floor, ray cast through the real lens model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.arrays import Image
from poseharvest.geometry.camera import Camera
from poseharvest.simulation.rays import camera_rays
from poseharvest.simulation.round_cones import COLORS, Floats, RoundCones, first_hits

_MARGIN = 1.15  # a ball's outline in the picture is an ellipse, a bit larger than its radius says
_KEY_LIGHT = np.array((0.45, -0.35, 0.82))
_FILL_LIGHT = np.array((-0.6, 0.6, 0.5))
_TINT = np.array((1.0, 0.985, 0.95))
_TILE_MM = 500.0
_FLOOR_END_MM = 4500.0
_SHADOW_MM = 420.0


@dataclass(frozen=True)
class _Box:
    """Rows and columns of a picture, ends exclusive."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        return (slice(self.top, self.bottom), slice(self.left, self.right))

    @property
    def empty(self) -> bool:
        return self.bottom <= self.top or self.right <= self.left

    def within(self, outer: _Box) -> tuple[slice, slice]:
        return (
            slice(self.top - outer.top, self.bottom - outer.top),
            slice(self.left - outer.left, self.right - outer.left),
        )


@dataclass(frozen=True, eq=False)
class Renderer:
    """Draws bodies as one camera sees them.

    Attributes:
        camera: a perspective camera.
    """

    camera: Camera

    @cached_property
    def _rays(self) -> NDArray[np.float32]:
        """(H, W, 3) unit directions in the world."""
        return np.ascontiguousarray(camera_rays(self.camera).numpy())

    @cached_property
    def _center(self) -> Floats:
        return self.camera.center.double().numpy()

    @cached_property
    def _background(self) -> Image:
        floor = self._floor_points(self._rays)
        on_floor = np.isfinite(floor[..., 0])
        floor = np.where(np.isfinite(floor), floor, 0.0)
        radius = np.linalg.norm(floor, axis=-1)
        waves = np.sin(floor * (np.pi / _TILE_MM)).prod(-1)
        tiles = 128.0 + 14.0 * np.tanh(6.0 * waves) - 20.0 * radius / _FLOOR_END_MM
        wall = 176.0 + 40.0 * np.clip(self._rays[..., 2], -0.5, 0.5)
        gray = np.where(on_floor & (radius < _FLOOR_END_MM), tiles, wall)
        return np.asarray(np.clip(gray[..., None] * _TINT, 0, 255), dtype=np.uint8)

    def picture(self, cones: RoundCones) -> Image:
        """Return the picture (H, W, 3) of a body whose solids (N, ...) are those of `solids.PARTS`."""
        picture = self._background.copy()
        boxes = self._boxes(cones)
        whole = self._union(boxes)
        if whole.empty:
            return picture
        local = cones.seen_from(self._center)
        rays = self._rays[whole.slices].astype(np.float64)
        distance = np.full(rays.shape[:2], np.inf)
        along, part = np.zeros(rays.shape[:2]), np.zeros(rays.shape[:2], dtype=np.intp)
        for i, box in enumerate(boxes):
            area = box.within(whole)
            hits = first_hits(rays[area], local.single(i))
            nearer = hits.distance < distance[area]
            distance[area] = np.where(nearer, hits.distance, distance[area])
            along[area] = np.where(nearer, hits.along, along[area])
            part[area] = np.where(nearer, i, part[area])
        window = picture[whole.slices]
        window[:] = self._shadowed(window, rays, cones)
        is_hit = np.isfinite(distance)
        surface = rays[is_hit] * distance[is_hit][:, None]
        window[is_hit] = _shade(surface, along[is_hit], part[is_hit], local)
        return picture

    def _floor_points(self, rays: NDArray[np.floating]) -> Floats:
        """Return (..., 2) x, y, mm, of the rays' intersections with the floor; infinite where there is none."""
        with np.errstate(divide="ignore"):
            t = np.where(rays[..., 2] < -1e-6, -self._center[2] / rays[..., 2], np.inf)
        with np.errstate(invalid="ignore"):
            points = self._center[:2] + t[..., None] * rays[..., :2]
        return np.where(np.isfinite(t)[..., None], points, np.inf)

    def _shadowed(self, window: Image, rays: Floats, cones: RoundCones) -> Image:
        """Return the background with a soft shadow on the floor, which is darker where the body is nearer to it."""
        middle = (cones.start[:, :2] + cones.end[:, :2]).mean(0) / 2
        with np.errstate(invalid="ignore", over="ignore"):
            away = ((self._floor_points(rays) - middle) ** 2).sum(-1) / _SHADOW_MM**2
        height = max(0.0, float(min(cones.start[:, 2].min(), cones.end[:, 2].min())))
        light = 1.0 - 0.45 * np.exp(-np.minimum(away, 50.0) - height / _SHADOW_MM)
        return np.asarray(np.rint(window * light[..., None]), dtype=np.uint8)

    def _boxes(self, cones: RoundCones) -> list[_Box]:
        """Return, for every solid, the pixels that may show it; the whole picture if it reaches behind the camera."""
        height, width = self.camera.image_size
        balls = torch.from_numpy(np.stack((cones.start, cones.end), 1))  # (N, 2, 3)
        projection = self.camera.project(balls)
        depth = (balls @ self.camera.rotation.double().T + self.camera.translation.double())[..., 2].numpy()
        focal = float(torch.diagonal(self.camera.px_from_cam)[:2].max())
        pixels = projection.pixels.numpy()
        boxes = []
        for i in range(len(pixels)):
            if not bool(projection.valid[i].all()) or (depth[i] < 2 * cones.radii[i]).any():
                boxes.append(_Box(0, height, 0, width))
                continue
            reach = (_MARGIN * focal * cones.radii[i] / (depth[i] - cones.radii[i]) + 2.0)[:, None]
            left, top = np.clip((pixels[i] - reach).min(0), 0, (width, height)).astype(int)
            right, bottom = np.clip((pixels[i] + reach).max(0) + 1, 0, (width, height)).astype(int)
            boxes.append(_Box(top, bottom, left, right))
        return boxes

    def _union(self, boxes: list[_Box]) -> _Box:
        """Return a box around the solids' and around the shadow that lies a little below and beside them."""
        height, width = self.camera.image_size
        filled = [box for box in boxes if not box.empty] or [_Box(0, 0, 0, 0)]
        pad = max(box.bottom for box in filled) - min(box.top for box in filled)
        return _Box(
            min(box.top for box in filled),
            min(height, max(box.bottom for box in filled) + pad // 3),
            max(0, min(box.left for box in filled) - pad // 2),
            min(width, max(box.right for box in filled) + pad // 2),
        )


def _shade(surface: Floats, along: Floats, part: NDArray[np.intp], cones: RoundCones) -> Image:
    """Return the colours (N, 3) of the surface points (N, 3), lit by two lamps."""
    axis = cones.end - cones.start
    normal = surface - cones.start[part] - along[:, None] * axis[part]
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    key = np.maximum(normal @ (_KEY_LIGHT / np.linalg.norm(_KEY_LIGHT)), 0.0)
    fill = np.maximum(normal @ (_FILL_LIGHT / np.linalg.norm(_FILL_LIGHT)), 0.0)
    light = 0.42 + 0.55 * key + 0.2 * fill
    return np.asarray(np.clip(COLORS[part] * light[:, None], 0, 255), dtype=np.uint8)
