"""Where voxels appear on the heatmaps of many frames, and the cameras as rows of numbers.

The rows are for the compiled loops that look through the cameras (backends/evidence_loops.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poseharvest.arrays import ImageSize
from poseharvest.geometry.camera import MIN_DEPTH_MM, AffineCamera, Camera, Projection, StaticCamera
from poseharvest.geometry.rig import LENSES, camera_table, project_all
from poseharvest.pictorial.shapes import Bool, Float, Int

_AFFINE_DEPTH = torch.tensor([[0.0, 0.0, 0.0, 1.0]], dtype=torch.float64)
_SHIFT = [14, 17]  # numbers of a row: where the pixel (0, 0) is
_NO_LENS = [*[0.0] * 8, math.inf]
_LATTICE = 9
_FAR_OUTSIDE = -1e6  # map pixels


@dataclass(frozen=True, eq=False)
class ViewRows:
    """F frames of V views.

    Attributes:
        values: (F, V, 28): 12 for the rows of the matrix from (x, y, z, 1), mm from the cube's lowest corner, to the
            camera; 6 for those of the matrix from normalised points (a, b, 1) to pixels of the maps;
            8 for the lens; the square of the largest radius that it shows; the depth that a point must exceed.
        fisheye: (F, V) bool: the lens' first four numbers are those of a fisheye, else its eight are k1 k2 p1 p2 k3
            k4 k5 k6 of Brown and Conrady.
    """

    values: NDArray[np.float64]
    fisheye: NDArray[np.bool_]

    def in_margin(self, margin: int, number: type[np.floating[Any]]) -> NDArray[Any]:
        """Return `values` in a type of number, for pixels of the maps in a margin of so many pixels."""
        values = self.values.astype(number)
        values[..., _SHIFT] += margin
        return values

    @classmethod
    def of(
        cls, cameras: Sequence[Sequence[StaticCamera]], window: Float[Tensor, "F V 2 3"], low: Float[Tensor, "3 F"]
    ) -> ViewRows | None:
        """Return the rows, or None if a camera is of a kind of its own or its lens has a thin prism.

        Args:
            cameras: F rows of V cameras.
            window: (F, V, 2, 3) from pixels of the picture to those of the maps.
            low: (3, F) the cubes' lowest corners, mm.
        """
        if all(isinstance(camera, Camera) for row in cameras for camera in row):
            return cls._of_perspective(cameras, window.double().numpy(), low.double().numpy())
        rows, fisheye = [], []
        for frame, row in enumerate(cameras):
            for view, camera in enumerate(row):
                has_prism = isinstance(camera, Camera) and any(camera.distortion.coefficients[8:])
                if not isinstance(camera, Camera | AffineCamera) or has_prism:
                    return None
                rows.append(_row(camera, window[frame, view].double(), low[:, frame].double()))
                fisheye.append(isinstance(camera, Camera) and camera.distortion.model == "fisheye")
        shape = len(cameras), len(cameras[0])
        return cls(torch.stack(rows).reshape(*shape, -1).numpy(), np.array(fisheye).reshape(shape))

    @classmethod
    def _of_perspective(
        cls, cameras: Sequence[Sequence[StaticCamera]], window: NDArray[np.float64], low: NDArray[np.float64]
    ) -> ViewRows | None:
        """Return the same of perspective cameras, of all frames at once."""
        tables = [camera_table(row) for row in cameras]
        rows = np.stack([table.rows for table in tables])  # (F, V, 31)
        if rows[..., 26:30].any():  # thin prisms
            return None
        shape = rows.shape[:2]
        rotation = rows[..., :9].reshape(*shape, 3, 3)
        at_corner = np.einsum("fvab,bf->fva", rotation, low) + rows[..., 9:12]
        to_map = window[..., :2] @ rows[..., 12:18].reshape(*shape, 2, 3)
        to_map[..., 2] += window[..., 2]
        to_camera = np.concatenate((rotation, at_corner[..., None]), -1).reshape(*shape, 12)
        depth = np.full((*shape, 1), MIN_DEPTH_MM)
        parts = (to_camera, to_map.reshape(*shape, 6), rows[..., 18:26], rows[..., 30:] ** 2, depth)
        lenses = np.stack([table.lenses for table in tables])
        return cls(np.concatenate(parts, -1), lenses == LENSES["fisheye"])


def _row(camera: Camera | AffineCamera, window: Tensor, low: Tensor) -> Tensor:
    if isinstance(camera, Camera):
        to_camera = torch.cat((camera.rotation, camera.translation[:, None]), 1).double()
        to_picture = camera.px_from_cam[:2].double()
        coefficients = (camera.distortion.coefficients + (0.0,) * 8)[:8]
        lens, min_depth = [*coefficients, camera.distortion.max_radius**2], MIN_DEPTH_MM
    else:
        to_camera = torch.cat((camera.px_from_world.double(), _AFFINE_DEPTH))
        to_picture = torch.eye(3, dtype=torch.float64)[:2]
        lens, min_depth = _NO_LENS, 0.0
    at_corner = to_camera[:, :3] @ low + to_camera[:, 3]
    to_map = window[:, :2] @ to_picture
    to_map[:, 2] += window[:, 2]
    numbers = torch.tensor([*lens, min_depth], dtype=torch.float64)
    return torch.cat((torch.cat((to_camera[:, :3], at_corner[:, None]), 1).flatten(), to_map.flatten(), numbers))


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
        points = (self.low.T[:, None] + lattice).double()  # (F, N, 3)
        if all(_are_the_same(row, self.cameras[0]) for row in self.cameras):
            seen = project_all(self.cameras[0], points)  # (V, F, N)
        else:
            each = [project_all(row, of_frame) for row, of_frame in zip(self.cameras, points, strict=True)]
            seen = Projection(torch.stack([one.pixels for one in each], 1), torch.stack([one.valid for one in each], 1))
        scale = torch.diagonal(self.window[..., :2], dim1=-2, dim2=-1).double().transpose(0, 1)  # (V, F, 2)
        field = (seen.pixels * scale[:, :, None]).reshape(*scale.shape[:2], _LATTICE, _LATTICE, _LATTICE, 2)
        steps = [field.diff(dim=axis).abs().flatten(2, 4).amax(2) for axis in (2, 3, 4)]
        change = torch.stack(steps).sum(0).mean(-1)
        typical = torch.where(seen.valid.all(2), change, 0).to(self.low.dtype).T.median()
        return float(typical) / (self.resolution / (_LATTICE - 1))


def _are_the_same(cameras: Sequence[StaticCamera], others: Sequence[StaticCamera]) -> bool:
    return all(camera is other for camera, other in zip(cameras, others, strict=True))
