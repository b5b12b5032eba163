"""What the views of many frames say at chosen voxels: the same Eq. (3) as `unary.back_project`, point by point.

For a block of voxels it says about the mean over them, from heatmaps averaged over the window of pixels that the
block covers, so that a peak narrower than the block is not missed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from poseharvest.checks import check_shape
from poseharvest.errors import ShapeError
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.grid import VoxelVolume
from poseharvest.geometry.resample import sample_bilinear_each
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.pictorial.blocks import Blocks, all_places

_LATTICE = 9
_FAR_OUTSIDE = -1e6  # map pixels
_POINTS_AT_ONCE = {"cpu": 1 << 14, "cuda": 1 << 24}  # what fits the processor's cache


@dataclass(frozen=True, eq=False)
class FrameEvidence:
    """All that inference is told of one frame.

    Attributes:
        heatmaps: of V views, in the order of the skeleton's joints.
        cameras: V cameras as they stand in the frame.
        center: (3,) middle of the bounding cube, mm.
    """

    heatmaps: Heatmaps
    cameras: tuple[StaticCamera, ...]
    center: Tensor

    def __post_init__(self) -> None:
        check_shape("center", self.center, "3")
        if len(self.cameras) != self.heatmaps.values.shape[0]:
            raise ShapeError(f"cameras: expected one a view, {self.heatmaps.values.shape[0]}, got {len(self.cameras)}")


class BatchEvidence:
    """The evidence of F frames of V views and J joints, maps of one size, on cubes of one size."""

    def __init__(self, frames: Sequence[FrameEvidence], volumes: Sequence[VoxelVolume], floor: float) -> None:
        """Stack the frames' maps.

        Args:
            frames: F frames, of as many views and of maps as large.
            volumes: their grids, of one voxel size; dtype and device are those of the work.
            floor: added to every view's evidence.
        """
        like = volumes[0].center
        values = torch.stack([frame.heatmaps.values for frame in frames]).to(like)
        self.num_frames, self.num_views, self.num_joints, height, width = values.shape
        self.size = (height, width)
        self.floor = floor
        self.maps = values.flatten(0, 2)  # (F * V * J, H, W)
        self.voxel_mm = volumes[0].voxel_mm
        self.resolution = volumes[0].shape[0]
        self._low = torch.stack([volume.origin for volume in volumes]) - self.voxel_mm / 2
        self._cameras = [[frame.cameras[view] for frame in frames] for view in range(self.num_views)]
        self.present = torch.tensor(
            [[crop is not None for crop in frame.heatmaps.crops] for frame in frames], device=like.device
        )
        window = [
            [torch.zeros(2, 3) if crop is None else crop.window_from_image(self.size) for crop in frame.heatmaps.crops]
            for frame in frames
        ]
        self._window = torch.stack([torch.stack(row) for row in window]).to(like)  # (F, V, 2, 3)

    def centers(self, blocks: Blocks) -> Tensor:
        """Return the middles (N, 3) of blocks, mm in the world."""
        return self._low[blocks.frame] + self.offsets(blocks)

    def offsets(self, blocks: Blocks) -> Tensor:
        """Return the middles (N, 3) of blocks from the cube's lowest corner, mm."""
        return (blocks.corner + 0.5) * (blocks.edge * self.voxel_mm)

    def log_unary(self, blocks: Blocks) -> Tensor:
        """Return the log of Eq. (3), (N,): of voxels, or about the mean over the voxels of larger blocks.

        The mean of a product is at most the product of the power means, ``prod_k mean(f_k^V)^(1/V)`` (Hoelder), and
        equal where a block sees no change; beyond 4 views the power stays 4. The means are taken over the window of
        pixels that a block covers.
        """
        if blocks.edge == 1:
            return self._sum_of_views(blocks, functional.pad(self.maps, (1, 1, 1, 1)), 1)
        radius = min(round(float(self._pixels_per_voxel.median()) * (blocks.edge - 1) / 2), max(self.size) // 2)
        means = _running_mean(_running_mean(self._powers, radius, -2), radius, -1)
        return self._sum_of_views(blocks, functional.pad(means, (1, 1, 1, 1)), self._power)

    @property
    def _power(self) -> int:
        """1, 2 or 4, at most the number of views: the floor's power must not underflow."""
        return 4 if self.num_views >= 4 else min(self.num_views, 2)

    @cached_property
    def _powers(self) -> Tensor:
        """(F * V * J, H, W) evidence + floor to the power, less that of the floor."""
        powers = self.maps.clamp_min(0) + self.floor
        for _ in range(self._power // 2):
            powers = powers.square()
        return powers - self.floor**self._power

    def _sum_of_views(self, blocks: Blocks, maps: Tensor, power: int) -> Tensor:
        """Return the sum over the views of log(max(maps, 0) + floor^power) / power at the blocks' middles."""
        total = maps.new_empty(len(blocks.joint))
        step = _POINTS_AT_ONCE.get(maps.device.type, _POINTS_AT_ONCE["cpu"])
        known = self._pixels_of_all(blocks.edge) if len(total) > self.num_frames * self._places(blocks.edge) else None
        for start in range(0, len(total), step):
            part = slice(start, start + step)
            total[part] = self._sum_of_part(blocks.select(part), maps, power, known)
        return total

    def _sum_of_part(self, blocks: Blocks, maps: Tensor, power: int, known: list[Tensor] | None) -> Tensor:
        points = self.centers(blocks)
        along = math.ceil(self.resolution / blocks.edge)
        x, y, z = blocks.corner.long().unbind(1)
        place = ((blocks.frame * along + x) * along + y) * along + z
        total = torch.zeros_like(points[:, 0])
        for view in range(self.num_views):
            pixels = self._window_pixels(view, blocks.frame, points) if known is None else known[view][place]
            number = (blocks.frame * self.num_views + view) * self.num_joints + blocks.joint
            seen = sample_bilinear_each(maps, number, pixels).clamp_min(0)
            logs = torch.log(seen + self.floor**power) / power
            total += torch.where(self.present[:, view][blocks.frame], logs, 0)
        return total

    def _places(self, edge: int) -> int:
        return math.ceil(self.resolution / edge) ** 3

    def _pixels_of_all(self, edge: int) -> list[Tensor]:
        """Return where all blocks of a level appear, V tensors (F * X * Y * Z, 2): many joints may be in one block."""
        everywhere = all_places(self.resolution, edge, self.num_frames, self._low)
        points = self.centers(everywhere)
        return [self._window_pixels(view, everywhere.frame, points) for view in range(self.num_views)]

    def _window_pixels(self, view: int, frame: Tensor, points: Tensor) -> Tensor:
        """Return pixels (N, 2) of the view's maps at world points (N, 3); far outside where the camera sees nothing."""
        cameras = self._cameras[view]
        if all(camera is cameras[0] for camera in cameras):
            seen = cameras[0].project(points)
            pixels, valid = seen.pixels, seen.valid
        else:
            pixels, valid = points.new_empty(points.shape[0], 2), torch.zeros_like(frame, dtype=torch.bool)
            for number, camera in enumerate(cameras):
                here = frame == number
                part = camera.project(points[here])
                pixels[here], valid[here] = part.pixels, part.valid
        window = self._window[:, view][frame]
        inside = pixels * torch.stack((window[:, 0, 0], window[:, 1, 1]), 1) + window[:, :, 2]
        return torch.where(valid[:, None], inside, _FAR_OUTSIDE)

    @cached_property
    def _pixels_per_voxel(self) -> Tensor:
        """(F, V) about how far one voxel along all three axes moves a point on the maps, pixels; 0 if not known."""
        places = torch.linspace(0, 1, _LATTICE, dtype=self._low.dtype, device=self._low.device) * self.resolution
        lattice = torch.stack(torch.meshgrid(places, places, places, indexing="ij"), -1).reshape(-1, 3) * self.voxel_mm
        points = (self._low[:, None] + lattice).reshape(-1, 3)
        frame = torch.arange(self.num_frames, device=points.device).repeat_interleave(lattice.shape[0])
        columns = []
        for view in range(self.num_views):
            pixels = self._window_pixels(view, frame, points)
            field = pixels.reshape(self.num_frames, _LATTICE, _LATTICE, _LATTICE, 2)
            steps = [field.diff(dim=axis).abs().flatten(1, 3).amax(1) for axis in (1, 2, 3)]
            change = torch.stack(steps).sum(0)
            known = (pixels > _FAR_OUTSIDE).reshape(self.num_frames, -1).all(1)
            columns.append(torch.where(known, change.mean(1), 0))
        voxels_a_step = self.resolution / (_LATTICE - 1)
        return torch.stack(columns, 1) / voxels_a_step


def _running_mean(maps: Tensor, radius: int, axis: int) -> Tensor:
    """Return the means over 2 `radius` + 1 pixels along one axis, zeros beyond the border.

    Sums over 1, 2, 4, ... pixels are made one from the other; those whose lengths add up to the window's are added.
    Differences of one long running sum would be cheaper and drown the floor in rounding.
    """
    size, span = maps.shape[axis], 2 * radius + 1
    sums = functional.pad(maps, (radius, radius) if axis == -1 else (0, 0, radius, radius))
    total, start, length = torch.zeros_like(maps), 0, 1
    while length <= span:
        if span & length:
            total += sums.narrow(axis, start, size)
            start += length
        rest = sums.shape[axis] - length
        sums = sums.narrow(axis, 0, rest) + sums.narrow(axis, length, rest)
        length *= 2
    return total / span
