"""Where voxels appear on the heatmaps of many frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from poseharvest.arrays import ImageSize
from poseharvest.geometry.camera import StaticCamera
from poseharvest.pictorial.shapes import Bool, Float, Int
from poseharvest.pictorial.view_rows import ViewRows

_LATTICE = 9
_FAR_OUTSIDE = -1e6  # map pixels


@dataclass(frozen=True, eq=False)
class ShownMaps:
    """Heatmaps of F frames of V views and J joints, and the floors that are added to them.

    Attributes:
        values: (F, V, J, H + 2 M, W + 2 M) with a margin of M pixels, 1 or more; the outermost are zero.
        floors: (F, J) added to the values of the views that show the joint, 0 or more.
        is_shown: (F, V, J) bool: the view shows the joint; else it has no part in the joint's likelihood.
    """

    values: Float[Tensor, "F V J H W"]
    floors: Float[Tensor, "F J"]
    is_shown: Bool[Tensor, "F V J"]


@dataclass(frozen=True, eq=False)
class Views:
    """The views of F frames, V each, and the cubes that they look at.

    Attributes:
        cameras: F rows of V cameras.
        window: (F, V, 2, 3) from pixels of the picture to those of the maps.
        low: (3, F) the cubes' lowest corners, mm.
        voxel_mm: edge of a voxel.
        resolution: voxels along a cube's edge.
        size: of the maps.
    """

    cameras: Sequence[Sequence[StaticCamera]]
    window: Float[Tensor, "F V 2 3"]
    low: Float[Tensor, "3 F"]
    voxel_mm: float
    resolution: int
    size: ImageSize

    def pixels(self, view: int, frame: Int[Tensor, " N"], points: Float[Tensor, "3 N"]) -> Float[Tensor, "2 N"]:
        """Return pixels (2, N) of the view's maps at world points (3, N); far outside where the camera sees nothing."""
        cameras = [row[view] for row in self.cameras]
        if all(camera is cameras[0] for camera in cameras):
            projection = cameras[0].project(points.T)
            pixels, valid = projection.pixels.T, projection.valid
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
    def rows(self) -> ViewRows | None:
        """The cameras as numbers for the compiled loops; None if the loops do not know one of them."""
        return ViewRows.of(self.cameras, self.window, self.low)

    @cached_property
    def pixels_per_voxel(self) -> float:
        """About how far one voxel along all three axes moves a point on the maps, pixels; 0 if not known."""
        places = torch.linspace(0, 1, _LATTICE, dtype=self.low.dtype, device=self.low.device) * self.resolution
        lattice = torch.stack(torch.meshgrid(places, places, places, indexing="ij"), -1).reshape(-1, 3) * self.voxel_mm
        points = (self.low[:, :, None] + lattice.T[:, None]).reshape(3, -1)
        frame = torch.arange(len(self.cameras), device=points.device).repeat_interleave(lattice.shape[0])
        columns = []
        for view in range(self.window.shape[1]):
            pixels = self.pixels(view, frame, points)
            field = pixels.T.reshape(-1, _LATTICE, _LATTICE, _LATTICE, 2)
            steps = [field.diff(dim=axis).abs().flatten(1, 3).amax(1) for axis in (1, 2, 3)]
            change = torch.stack(steps).sum(0)
            known = (pixels > _FAR_OUTSIDE).all(0).reshape(len(self.cameras), -1).all(1)
            columns.append(torch.where(known, change.mean(1), 0))
        return float(torch.stack(columns, 1).median()) / (self.resolution / (_LATTICE - 1))
