"""Ray casting: the first solid that each pixel of a camera sees.

A solid is tested only with the rays of the pixels within its box in the picture. All pairs of a pixel and a solid are
computed at once, and the nearest solid of each pixel wins. No step depends on the order of the solids.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poseharvest.geometry.camera import Camera
from poseharvest.simulation.rays import camera_rays
from poseharvest.studio.solids import Solids

_MARGIN = 1.15  # a ball's outline in the picture is an ellipse, a bit larger than its radius says
_NEAR_MM = 60.0


@dataclass(frozen=True, eq=False)
class View:
    """A camera with its rays.

    Attributes:
        camera: a perspective camera.
        rays: (3, H * W) float32 unit vectors in the world: x, y and z of all pixels one after the other.
    """

    camera: Camera
    rays: Tensor

    @property
    def origin(self) -> NDArray[np.float64]:
        """(3,) where the rays begin, mm."""
        return np.asarray(self.camera.center.double().numpy())

    @property
    def device(self) -> str:
        """Where the rays are."""
        return str(self.rays.device)


def make_view(camera: Camera, device: str = "cpu") -> View:
    """Return the view of a camera, its rays on `device`."""
    return View(camera, camera_rays(camera).reshape(-1, 3).T.contiguous().to(device))


@dataclass(frozen=True, eq=False)
class Hits:
    """The first hits of pixels' rays.

    Attributes:
        pixel: (P,) places in the flattened picture, each once.
        distance: (P,) along the ray, mm.
        solid: (P,) which solid.
    """

    pixel: Tensor
    distance: Tensor
    solid: Tensor


def cast_round(solids: Solids, view: View, depth: Tensor) -> Hits:
    """Return the pixels that see a solid nearer than `depth` (H * W,), mm, with the nearest of them."""
    pixel, solid = pairs(_round_boxes(solids, view.camera), view)
    table = solid_table(solids, view)[:15, solid]
    distance = _first_meeting(own_direction(table, view, pixel), table[9:])
    return nearest(Hits(pixel, distance, solid), depth)


def solid_table(solids: Solids, view: View) -> Tensor:
    """Return (21, N): own_from_world row by row, the view's origin in own coordinates, length, radii, look."""
    origin = np.einsum("nij,nj->ni", solids.own_from_world, view.origin - solids.center)
    own = solids.own_from_world.reshape(-1, 9)
    table = np.concatenate((own, origin, solids.length[:, None], solids.radii, solids.look), 1)
    return torch.from_numpy(np.ascontiguousarray(table.T, dtype=np.float32)).to(view.device)


def own_direction(table: Tensor, view: View, pixel: Tensor) -> Tensor:
    """Return the rays (3, P) of pixels in the own coordinates whose matrices are the first rows of `table` (9, P)."""
    x, y, z = view.rays[:, pixel]
    return torch.stack([table[i] * x + table[i + 1] * y + table[i + 2] * z for i in (0, 3, 6)])


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Return the scalar products (P,) of vectors (3, P)."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _first_meeting(direction: Tensor, shape: Tensor) -> Tensor:
    """Return the distances (P,) along `direction` (3, P) at which rays hit round cones in own coordinates, or infinity.

    `shape` (6, P): origin of the rays, length, first and last radius.
    """
    # The ray is first moved to its point p nearest to the first ball, so that float32 keeps its digits. A point q lies
    # on the touching cone where D (q.q - r^2) = (L q_z + r dr)^2 with D = L^2 - dr^2; with q = p + t d a quadratic.
    length, first, last = shape[3:6]
    dz, dd = direction[2], dot(direction, direction)
    ahead = -dot(direction, shape[:3]) / dd
    p = shape[:3] + ahead * direction
    pz, pp = p[2], dot(p, p)
    dr = last - first
    square = length * length - dr * dr
    k = length * pz + first * dr
    lean = length * dz
    a = square * dd - lean * lean
    c = square * (pp - first * first) - k * k
    root = lean * lean * k * k - a * c
    t = (lean * k - root.clamp_min(0).sqrt()) / a
    along = (length * (pz + t * dz) + first * dr) / square
    far = torch.full_like(t, torch.inf)
    t = torch.where((root > 0) & (along >= 0) & (along <= 1), t, far)
    reach = (first * first - pp) / dd
    t = torch.where(reach > 0, torch.minimum(t, -reach.clamp_min(0).sqrt()), t)
    middle = lean / dd
    reach = middle * middle - (pp - 2 * length * pz + length * length - last * last) / dd
    t = torch.where(reach > 0, torch.minimum(t, middle - reach.clamp_min(0).sqrt()), t)
    return torch.where(t + ahead > _NEAR_MM, t + ahead, far)


def nearest(hits: Hits, depth: Tensor) -> Hits:
    """Return each pixel's nearest hit that is nearer than `depth` (H * W,), mm; in a tie the first solid's."""
    keep = (hits.distance < depth[hits.pixel]).nonzero().squeeze(-1)
    pixel, distance, solid = hits.pixel[keep], hits.distance[keep], hits.solid[keep]
    best = depth.scatter_reduce(0, pixel, distance, "amin")
    wins = (distance == best[pixel]).nonzero().squeeze(-1)
    pixel, solid = pixel[wins], solid[wins]
    owner = torch.full(depth.shape, 1 << 30, dtype=torch.int64, device=depth.device)
    owner = owner.scatter_reduce(0, pixel, solid, "amin")
    pixel = (owner < 1 << 30).nonzero().squeeze(-1)
    return Hits(pixel, best[pixel], owner[pixel])


def pairs(boxes: NDArray[np.int64], view: View) -> tuple[Tensor, Tensor]:
    """Return the place in the picture and the box number of each pixel of boxes (N, 4) of left, top, right, bottom."""
    width = view.camera.image_size[1]
    left, top, right, bottom = torch.from_numpy(boxes).to(view.device).unbind(-1)
    wide = (right - left).clamp_min(0)
    count = wide * (bottom - top).clamp_min(0)
    box = torch.repeat_interleave(torch.arange(len(boxes), device=view.device), count)
    within = torch.arange(len(box), device=view.device) - (count.cumsum(0) - count)[box]
    row = torch.div(within, wide[box], rounding_mode="floor")
    return (top[box] + row) * width + left[box] + within - row * wide[box], box


def _round_boxes(solids: Solids, camera: Camera) -> NDArray[np.int64]:
    """Return a box (N, 4) of left, top, right, bottom (exclusive) around each solid in the picture."""
    balls = np.stack((solids.center, solids.end), 1)
    focal = float(torch.diagonal(camera.px_from_cam)[:2].max())
    depth = camera_depth(balls, camera)
    reach = _MARGIN * focal * solids.reach / np.maximum(depth - solids.reach, _NEAR_MM) + 2.0
    return picture_boxes(balls, reach, camera, depth - solids.reach)


def camera_depth(points: NDArray[np.float64], camera: Camera) -> NDArray[np.float64]:
    """Return the depth (...) of world points (..., 3) in front of the camera, mm."""
    return np.asarray(points @ camera.rotation[2].double().numpy() + float(camera.translation[2]))


def picture_boxes(
    points: NDArray[np.float64], reach_px: NDArray[np.float64], camera: Camera, depth: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the boxes (N, 4) around discs of radius `reach_px` (N, K) at the projections of points (N, K, 3).

    The box is empty if all points are behind the camera, and the whole picture if only some are.
    """
    height, width = camera.image_size
    projection = camera.project(torch.from_numpy(points))
    pixels = projection.pixels.numpy()
    low = np.floor((pixels - reach_px[..., None]).min(1)).clip(0, (width, height))
    high = np.ceil((pixels + reach_px[..., None]).max(1) + 1).clip(0, (width, height))
    boxes = np.concatenate((low, high), 1)
    boxes[~(projection.valid.numpy() & (depth > _NEAR_MM)).all(1)] = (0, 0, width, height)
    boxes[(depth < 0).all(1)] = 0
    return np.asarray(boxes.astype(np.int64))
