"""What the views of many frames say at chosen voxels: the same Eq. (3) as `unary.back_project`, point by point.

For a block of voxels it says about the mean over them, from heatmaps averaged over the window of pixels that the
block covers, so that a peak narrower than the block is not missed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from poseharvest.checks import check_shape
from poseharvest.errors import ShapeError
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.grid import VoxelVolume
from poseharvest.geometry.resample import BilinearCorners, bilinear_corners, sample_bilinear
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.pictorial.blocks import Blocks, cube_of_blocks, halves_of

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
        self.values = torch.stack([frame.heatmaps.values for frame in frames]).to(like)
        self.num_frames, self.num_views, self.num_joints, height, width = self.values.shape
        self.size = (height, width)
        self.floor = floor
        self.voxel_mm = volumes[0].voxel_mm
        self.resolution = volumes[0].shape[0]
        self._low = torch.stack([volume.origin for volume in volumes], 1) - self.voxel_mm / 2  # (3, F)
        self._cameras = [[frame.cameras[view] for frame in frames] for view in range(self.num_views)]
        self._absent = torch.tensor(
            [[crop is None for crop in frame.heatmaps.crops] for frame in frames], device=like.device
        )
        window = [
            [torch.zeros(2, 3) if crop is None else crop.window_from_image(self.size) for crop in frame.heatmaps.crops]
            for frame in frames
        ]
        self._window = torch.stack([torch.stack(row) for row in window]).to(like)  # (F, V, 2, 3)

    def offsets(self, corner: Tensor, edge: int) -> Tensor:
        """Return the middles (3, N) of blocks at corners (3, N) from the cube's lowest corner, mm."""
        return (corner + 0.5) * (edge * self.voxel_mm)

    def halves_everywhere(self, blocks: Blocks) -> Tensor:
        """Return `halves` (N, 8) of all blocks of a cube, every joint's from one look at where the blocks appear."""
        edge, along = blocks.edge // 2, blocks.along
        corner = halves_of(cube_of_blocks(along, self._low))
        points = (self.offsets(corner, edge)[:, None] + self._low[:, :, None]).reshape(3, -1)
        frame = torch.arange(self.num_frames, device=points.device).repeat_interleave(corner.shape[1])
        total = points.new_zeros(self.num_frames, self.num_joints, corner.shape[1])
        for view in range(self.num_views):
            pixels = self._pixels(view, frame, points).movedim(0, -1).reshape(self.num_frames, -1, 2)
            seen = sample_bilinear(self._maps(edge)[:, view], pixels)
            total += torch.where(self._absent[:, view, None, None], 0, self._log(seen, edge))
        total.masked_fill_(self._beyond(corner, edge), -math.inf)
        return total.movedim(1, 0).reshape(-1, 8)

    def halves(self, blocks: Blocks) -> Tensor:
        """Return the log of Eq. (3) for the eight halves of blocks, (N, 8): -inf for halves beyond the grid.

        Halves of one voxel get that voxel's; larger ones about the mean over their voxels. The mean of a product is
        at most the product of the power means, ``prod_k mean(f_k^V)^(1/V)`` (Hoelder), and equal where a block sees
        no change; beyond 4 views the power stays 4. The means are taken over the window of pixels that a half covers.
        """
        edge = blocks.edge // 2
        places, numbers = _distinct(blocks.place, self.num_frames * blocks.along**3)
        corner = halves_of(_corner_of(places, blocks.along).to(self._low))
        frame = (places // blocks.along**3).repeat_interleave(8)
        points = self.offsets(corner, edge) + self._low.index_select(1, frame)
        bordered = functional.pad(self._maps(edge), (1, 1, 1, 1))
        maps, area = bordered.flatten(), bordered.shape[-1] * bordered.shape[-2]
        first_map = (blocks.frame * (self.num_views * self.num_joints) + blocks.segment // self.num_frames).int()
        total = points.new_zeros(len(numbers), 8)
        for view in range(self.num_views):
            corners = self._corners(view, frame, points)
            start = (first_map + view * self.num_joints) * area
            absent = self._absent[:, view]
            for part in _parts(len(numbers), points.device.type, 8):
                seen = self._log(corners.sample(maps, start[part, None], numbers[part]), edge)
                if bool(self._any_absent[view]):
                    seen = torch.where(absent.index_select(0, blocks.frame[part])[:, None], 0, seen)
                total[part] += seen
        if blocks.along * blocks.edge > self.resolution:
            beyond = self._beyond(corner, edge).reshape(-1, 8)
            total.masked_fill_(beyond.index_select(0, numbers), -math.inf)
        return total

    def _beyond(self, corner: Tensor, edge: int) -> Tensor:
        return (corner * edge >= self.resolution).any(0)

    @cached_property
    def _any_absent(self) -> list[bool]:
        absent: list[bool] = self._absent.any(0).tolist()
        return absent

    def _log(self, seen: Tensor, edge: int) -> Tensor:
        """Return the log of the evidence of a view, of what its maps for blocks of an edge show."""
        power = self._power if edge > 1 else 1
        logs = seen.clamp_min_(0).add_(self.floor**power).log_()
        return logs.div_(power) if power > 1 else logs

    @property
    def _power(self) -> int:
        """1, 2 or 4, at most the number of views: the floor's power must not underflow."""
        return 4 if self.num_views >= 4 else min(self.num_views, 2)

    def _maps(self, edge: int) -> Tensor:
        """Return (F, V, J, H, W): the heatmaps, or the power means for blocks of an edge, less the floor's power."""
        if edge == 1:
            return self.values
        radius = min(round(float(self._pixels_per_voxel.median()) * (edge - 1) / 2), max(self.size) // 2)
        # Frame by frame, so that the sums stay in the processor's cache.
        return torch.stack([
            _running_mean(_running_mean(self._powers_of(values), radius, -2), radius, -1) for values in self.values
        ])

    def _powers_of(self, values: Tensor) -> Tensor:
        """Return (evidence + floor) to the power, less that of the floor."""
        powers = values.clamp_min(0).add_(self.floor)
        for _ in range(self._power // 2):
            powers.square_()
        return powers.sub_(self.floor**self._power)

    def _corners(self, view: int, frame: Tensor, points: Tensor) -> BilinearCorners:
        """Return where the halves (3, 8 M) of blocks appear on the view's maps, (M, 8)."""
        pieces = []
        for part in _parts(points.shape[1], points.device.type):
            x, y = self._pixels(view, frame[part], points[:, part])
            pieces.append(bilinear_corners(x, y, self.size))
        first, right, below = (
            torch.cat([getattr(piece, name) for piece in pieces]).view(-1, 8) for name in ("first", "right", "below")
        )
        return BilinearCorners(first, right, below, self.size[1] + 2)

    def _pixels(self, view: int, frame: Tensor, points: Tensor) -> Tensor:
        """Return pixels (2, N) of the view's maps at world points (3, N); far outside where the camera sees nothing."""
        cameras = self._cameras[view]
        if all(camera is cameras[0] for camera in cameras):
            seen = cameras[0].project(points.T)
            pixels, valid = seen.pixels.T, seen.valid
        else:
            pixels, valid = torch.empty_like(points[:2]), torch.zeros_like(frame, dtype=torch.bool)
            for number, camera in enumerate(cameras):
                here = (frame == number).nonzero().squeeze(1)
                part = camera.project(points.index_select(1, here).T)
                pixels[:, here], valid[here] = part.pixels.T, part.valid
        window = self._window[:, view]
        scale = torch.stack((window[:, 0, 0], window[:, 1, 1])).index_select(1, frame)
        inside = torch.addcmul(window[:, :, 2].T.contiguous().index_select(1, frame), pixels, scale)
        known = valid.to(inside)  # a product takes a tenth of the time of a masked fill
        return torch.addcmul((1 - known) * _FAR_OUTSIDE, inside, known)

    @cached_property
    def _pixels_per_voxel(self) -> Tensor:
        """(F, V) about how far one voxel along all three axes moves a point on the maps, pixels; 0 if not known."""
        places = torch.linspace(0, 1, _LATTICE, dtype=self._low.dtype, device=self._low.device) * self.resolution
        lattice = torch.stack(torch.meshgrid(places, places, places, indexing="ij"), -1).reshape(-1, 3) * self.voxel_mm
        points = (self._low[:, :, None] + lattice.T[:, None]).reshape(3, -1)
        frame = torch.arange(self.num_frames, device=points.device).repeat_interleave(lattice.shape[0])
        columns = []
        for view in range(self.num_views):
            pixels = self._pixels(view, frame, points)
            field = pixels.T.reshape(self.num_frames, _LATTICE, _LATTICE, _LATTICE, 2)
            steps = [field.diff(dim=axis).abs().flatten(1, 3).amax(1) for axis in (1, 2, 3)]
            change = torch.stack(steps).sum(0)
            known = (pixels > _FAR_OUTSIDE).all(0).reshape(self.num_frames, -1).all(1)
            columns.append(torch.where(known, change.mean(1), 0))
        voxels_a_step = self.resolution / (_LATTICE - 1)
        return torch.stack(columns, 1) / voxels_a_step


def _running_mean(maps: Tensor, radius: int, axis: int) -> Tensor:
    """Return the means over 2 `radius` + 1 pixels along one axis, zeros beyond the border.

    Sums over 1, 2, 4, ... pixels are made one from the other; those whose lengths add up to the window's are added.
    Differences of one long running sum would be cheaper and drown the floor in rounding.
    """
    size, span = maps.shape[axis], 2 * radius + 1
    if radius == 0:
        return maps
    sums = functional.pad(maps, (radius, radius) if axis == -1 else (0, 0, radius, radius))
    total, start, length = torch.zeros_like(maps), 0, 1
    while length <= span:
        if span & length:
            total += sums.narrow(axis, start, size)
            start += length
        rest = sums.shape[axis] - length
        sums = sums.narrow(axis, 0, rest) + sums.narrow(axis, length, rest)
        length *= 2
    return total.div_(span)


def _parts(length: int, device: str, width: int = 1) -> Iterator[slice]:
    """Yield ranges of points that fit the processor's cache."""
    step = _POINTS_AT_ONCE.get(device, _POINTS_AT_ONCE["cpu"]) // width
    for start in range(0, length, step):
        yield slice(start, start + step)


def _distinct(places: Tensor, num_places: int) -> tuple[Tensor, Tensor]:
    """Return the places that occur (M,), ascending, and for each of `places` (N,) its number among them."""
    there = torch.zeros(num_places, dtype=torch.int32, device=places.device).index_fill(0, places, 1)
    return there.nonzero().squeeze(1), (there.cumsum(0) - 1).index_select(0, places)


def _corner_of(places: Tensor, along: int) -> Tensor:
    """Return the corners (3, N) of `Blocks.place`."""
    return torch.stack((places // along**2 % along, places // along % along, places % along))
