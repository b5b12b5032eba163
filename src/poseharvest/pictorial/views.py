"""Where voxels appear on the heatmaps of many frames, and what the maps show there.

The same sampling in two ways: as tensor operations, for a GPU and for any camera, and as one compiled loop, for the
processor and the cameras of geometry/camera.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from poseharvest.arrays import ImageSize
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.resample import BilinearCorners, bilinear_corners
from poseharvest.pictorial.blocks import Blocks, halves_of
from poseharvest.pictorial.view_rows import ViewRows

_LATTICE = 9
_FAR_OUTSIDE = -1e6  # map pixels
_POINTS_AT_ONCE = {"cpu": 1 << 14, "cuda": 1 << 24}  # what fits the processor's cache


@dataclass(frozen=True, eq=False)
class Views:
    """The views of F frames, V each, and the cubes that they look at.

    Attributes:
        cameras: F rows of V cameras.
        window: (F, V, 2, 3) from pixels of the picture to those of the maps.
        absent: (F, V) bool: says nothing.
        low: (3, F) the cubes' lowest corners, mm.
        voxel_mm: edge of a voxel.
        resolution: voxels along a cube's edge.
        size: of the maps.
    """

    cameras: Sequence[Sequence[StaticCamera]]
    window: Tensor
    absent: Tensor
    low: Tensor
    voxel_mm: float
    resolution: int
    size: ImageSize

    def pixels(self, view: int, frame: Tensor, points: Tensor) -> Tensor:
        """Return pixels (2, N) of the view's maps at world points (3, N); far outside where the camera sees nothing."""
        cameras = [row[view] for row in self.cameras]
        if all(camera is cameras[0] for camera in cameras):
            seen = cameras[0].project(points.T)
            pixels, valid = seen.pixels.T, seen.valid
        else:
            pixels, valid = torch.empty_like(points[:2]), torch.zeros_like(frame, dtype=torch.bool)
            for number, camera in enumerate(cameras):
                here = (frame == number).nonzero().squeeze(1)
                part = camera.project(points.index_select(1, here).T)
                pixels[:, here], valid[here] = part.pixels.T, part.valid
        window = self.window[:, view]
        scale = torch.stack((window[:, 0, 0], window[:, 1, 1])).index_select(1, frame)
        inside = torch.addcmul(window[:, :, 2].T.contiguous().index_select(1, frame), pixels, scale)
        known = valid.to(inside)  # a product takes a tenth of the time of a masked fill
        return torch.addcmul((1 - known) * _FAR_OUTSIDE, inside, known)

    @cached_property
    def pixels_per_voxel(self) -> float:
        """About how far one voxel along all three axes moves a point on the maps, pixels; 0 if not known."""
        places = torch.linspace(0, 1, _LATTICE, dtype=self.low.dtype, device=self.low.device) * self.resolution
        lattice = torch.stack(torch.meshgrid(places, places, places, indexing="ij"), -1).reshape(-1, 3) * self.voxel_mm
        points = (self.low[:, :, None] + lattice.T[:, None]).reshape(3, -1)
        frame = torch.arange(len(self.cameras), device=points.device).repeat_interleave(lattice.shape[0])
        columns = []
        for view in range(self.absent.shape[1]):
            pixels = self.pixels(view, frame, points)
            field = pixels.T.reshape(-1, _LATTICE, _LATTICE, _LATTICE, 2)
            steps = [field.diff(dim=axis).abs().flatten(1, 3).amax(1) for axis in (1, 2, 3)]
            change = torch.stack(steps).sum(0)
            known = (pixels > _FAR_OUTSIDE).all(0).reshape(len(self.cameras), -1).all(1)
            columns.append(torch.where(known, change.mean(1), 0))
        return float(torch.stack(columns, 1).median()) / (self.resolution / (_LATTICE - 1))


class Look(Protocol):
    """A way of looking up what the views show."""

    def products(self, blocks: Blocks, maps: Tensor, views: range, floor: float) -> Tensor:
        """Return the products over some views of max(shown, 0) + floor, (N, 8).

        Args:
            blocks: N blocks; what is shown at the middles of their halves counts.
            maps: (F, V, J, H + 2, W + 2), with a border of one pixel.
            views: which; those that are absent have a factor of 1.
            floor: added to every value.
        """
        ...


def look_through(views: Views) -> Look:
    """Return the fastest way there is for the device and the cameras."""
    rows = ViewRows.of(views.cameras, views.window, views.low) if views.low.device.type == "cpu" else None
    return TensorLook(views) if rows is None else LoopLook(views, rows)


class LoopLook:
    """A `Look` by a compiled loop over blocks and views."""

    def __init__(self, views: Views, rows: ViewRows) -> None:
        """Take the views and what the loop needs of their cameras."""
        self._views = views
        self._rows = rows

    def products(self, blocks: Blocks, maps: Tensor, views: range, floor: float) -> Tensor:
        """Return products (N, 8) as `Look` says."""
        from poseharvest.pictorial.kernels.sampling import multiply_evidence

        maps = maps[:, views.start : views.stop].contiguous()
        products = maps.new_ones(len(blocks.segment), 8)
        some = slice(views.start, views.stop)
        number = maps.numpy().dtype.type
        multiply_evidence(
            maps.numpy(),
            self._rows.values[:, some].astype(number),
            self._rows.fisheye[:, some],
            self._views.absent[:, some].numpy(),
            blocks.corner.contiguous().numpy(),
            blocks.counts.numpy(),
            number(blocks.edge / 2 * self._views.voxel_mm),
            number(floor),
            products.numpy(),
        )
        return products


class TensorLook:
    """A `Look` by tensor operations; joints share where their blocks appear."""

    def __init__(self, views: Views) -> None:
        """Take the views."""
        self._views = views

    def products(self, blocks: Blocks, maps: Tensor, views: range, floor: float) -> Tensor:
        """Return products (N, 8) as `Look` says."""
        num_joints, area = maps.shape[2], maps.shape[3] * maps.shape[4]
        places, numbers = _distinct(blocks.place, blocks.num_frames * blocks.along**3)
        corner = halves_of(_corner_of(places, blocks.along).to(maps))
        frame = (places // blocks.along**3).repeat_interleave(8)
        points = (corner + 0.5) * (blocks.edge / 2 * self._views.voxel_mm) + self._views.low.index_select(1, frame)
        first = (blocks.frame * (maps.shape[1] * num_joints) + blocks.segment // blocks.num_frames) * area
        flat, products = maps.flatten(), maps.new_ones(len(numbers), 8)
        for view in views:
            start = (first + view * num_joints * area)[:, None]
            seen = self._corners(view, frame, points).sample(flat, start, numbers).clamp_min_(0).add_(floor)
            absent = self._views.absent[:, view].index_select(0, blocks.frame)[:, None]
            products *= torch.where(absent, 1, seen)
        return products

    def _corners(self, view: int, frame: Tensor, points: Tensor) -> BilinearCorners:
        """Return where the halves (3, 8 M) of blocks appear on the view's maps, (M, 8)."""
        pieces = []
        for part in _parts(points.shape[1], points.device.type):
            x, y = self._views.pixels(view, frame[part], points[:, part])
            pieces.append(bilinear_corners(x, y, self._views.size))
        first, right, below = (
            torch.cat([getattr(piece, name) for piece in pieces]).view(-1, 8) for name in ("first", "right", "below")
        )
        return BilinearCorners(first, right, below, self._views.size[1] + 2)


def _parts(length: int, device: str) -> Iterator[slice]:
    """Yield ranges of points that fit the processor's cache."""
    step = _POINTS_AT_ONCE.get(device, _POINTS_AT_ONCE["cpu"])
    for start in range(0, length, step):
        yield slice(start, start + step)


def _distinct(places: Tensor, num_places: int) -> tuple[Tensor, Tensor]:
    """Return the places that occur (M,), ascending, and for each of `places` (N,) its number among them."""
    there = torch.zeros(num_places, dtype=torch.int32, device=places.device).index_fill(0, places, 1)
    return there.nonzero().squeeze(1), (there.cumsum(0) - 1).index_select(0, places)


def _corner_of(places: Tensor, along: int) -> Tensor:
    """Return the corners (3, N) of `Blocks.place`."""
    return torch.stack((places // along**2 % along, places // along % along, places % along))
