"""What the views of many frames say at chosen voxels: the same Eq. (3) as `unary.back_project`, point by point.

For a block of voxels it can also say the most that any of them may get: the largest heatmap value within the window
of pixels onto which the block projects (a separable running maximum), multiplied over the views.
"""

from __future__ import annotations

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
from poseharvest.pictorial.blocks import Blocks

# Between the lattice points at which it is measured, a camera's scale may be larger by this factor: perspective
# changes it by a few percent from one side of a 250 mm block to the other, distortion by less.
_SCALE_MARGIN = 1.15
_LATTICE = 9
_ANYWHERE = 1e6  # map pixels


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
        """Return the log of Eq. (3) at the blocks' middles, (N,)."""
        return self._sum_of_views(blocks, self.maps, None)

    def log_bound(self, blocks: Blocks) -> Tensor:
        """Return at least the log of Eq. (3) at every voxel of the blocks, (N,)."""
        reach = self._half_windows(blocks.edge)
        radius = min(int(torch.ceil(reach.max() + 1.5)) - 1, max(self.size))
        return self._sum_of_views(blocks, _running_maximum(self.maps, radius), reach)

    def _sum_of_views(self, blocks: Blocks, maps: Tensor, reach: Tensor | None) -> Tensor:
        points = self.centers(blocks)
        total = torch.zeros_like(points[:, 0])
        for view in range(self.num_views):
            pixels, valid = self._window_pixels(view, blocks.frame, points)
            number = (blocks.frame * self.num_views + view) * self.num_joints + blocks.joint
            if reach is None:
                seen = torch.where(valid, sample_bilinear_each(maps, number, pixels), 0)
            else:
                seen = self._largest(maps, number, pixels, reach[:, view][blocks.frame], valid)
            total += torch.where(self.present[:, view][blocks.frame], torch.log(seen.clamp_min(0) + self.floor), 0)
        return total

    def _largest(self, maps: Tensor, number: Tensor, pixels: Tensor, reach: Tensor, valid: Tensor) -> Tensor:
        height, width = self.size
        x, y = pixels[:, 0], pixels[:, 1]
        column, row = x.round().clamp(0, width - 1).long(), y.round().clamp(0, height - 1).long()
        seen = maps.flatten()[(number * height + row) * width + column]
        margin = reach + 1
        outside = (x < -margin) | (x > width - 1 + margin) | (y < -margin) | (y > height - 1 + margin)
        # Where the camera cannot tell the middle's place (behind it, say), the block may still be seen in part.
        return torch.where(outside & valid, 0, seen).where(valid, self._top[number])

    @cached_property
    def _top(self) -> Tensor:
        return self.maps.flatten(1).amax(1)

    def _window_pixels(self, view: int, frame: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """Return pixels (N, 2) of the view's maps at world points (N, 3), and where they are valid, (N,)."""
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
        return pixels * torch.stack((window[:, 0, 0], window[:, 1, 1]), 1) + window[:, :, 2], valid

    def _half_windows(self, edge: int) -> Tensor:
        """Return, (F, V), how far a voxel of a block may appear from the block's middle along x or y, map pixels."""
        return (self._pixels_per_voxel * ((edge - 1) / 2)).clamp(max=max(self.size))

    @cached_property
    def _pixels_per_voxel(self) -> Tensor:
        """(F, V) largest change of x or y on the maps for one voxel along all three axes; infinite if not known."""
        places = torch.linspace(0, 1, _LATTICE, dtype=self._low.dtype, device=self._low.device) * self.resolution
        lattice = torch.stack(torch.meshgrid(places, places, places, indexing="ij"), -1).reshape(-1, 3) * self.voxel_mm
        points = (self._low[:, None] + lattice).reshape(-1, 3)
        frame = torch.arange(self.num_frames, device=points.device).repeat_interleave(lattice.shape[0])
        columns = []
        for view in range(self.num_views):
            pixels, valid = self._window_pixels(view, frame, points)
            field = pixels.reshape(self.num_frames, _LATTICE, _LATTICE, _LATTICE, 2)
            steps = [field.diff(dim=axis).abs().flatten(1, 3).amax(1) for axis in (1, 2, 3)]
            change = torch.stack(steps).sum(0)
            known = valid.reshape(self.num_frames, -1).all(1)
            columns.append(torch.where(known, change.amax(1), _ANYWHERE))
        voxels_a_step = self.resolution / (_LATTICE - 1)
        return torch.stack(columns, 1) * (_SCALE_MARGIN / voxels_a_step)


def _running_maximum(maps: Tensor, radius: int) -> Tensor:
    """Return the maximum of maps (M, H, W) over windows of 2 `radius` + 1 pixels, first along y, then along x."""
    return _running_maximum_along(_running_maximum_along(maps, radius, -2), radius, -1)


def _running_maximum_along(maps: Tensor, radius: int, axis: int) -> Tensor:
    """Return the maximum over windows along one axis, by windows of twice the length at every step."""
    size, span = maps.shape[axis], 2 * radius + 1
    pad = (radius, radius) if axis == -1 else (0, 0, radius, radius)
    largest, covered = functional.pad(maps, pad, value=-torch.inf), 1
    while covered < span:
        step = min(covered, span - covered)
        length = largest.shape[axis] - step
        largest = torch.maximum(largest.narrow(axis, 0, length), largest.narrow(axis, step, length))
        covered += step
    return largest.narrow(axis, 0, size)
