"""The bounding volume of Sec. 3.2, cut into voxels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.checks import check_shape
from poseharvest.errors import ShapeError


@dataclass(frozen=True, eq=False)
class VoxelVolume:
    """A box of cubic voxels, with edges along the axes of the world.

    Attributes:
        center: (3,) middle of the box in the world, mm.
        voxel_mm: edge of a voxel, mm.
        shape: number of voxels along x, y, z.
    """

    center: Tensor
    voxel_mm: float
    shape: tuple[int, int, int]

    def __post_init__(self) -> None:
        check_shape("volume center", self.center, "3")
        if not self.voxel_mm > 0 or min(self.shape) < 1:
            raise ShapeError(f"volume: expected positive voxels, got {self.shape} of {self.voxel_mm} mm")

    @property
    def num_voxels(self) -> int:
        """Number of voxels."""
        x, y, z = self.shape
        return x * y * z

    @property
    def origin(self) -> Tensor:
        """(3,) centre of voxel (0, 0, 0), mm."""
        half = torch.tensor([(n - 1) / 2 for n in self.shape], dtype=self.center.dtype, device=self.center.device)
        return self.center - half * self.voxel_mm

    def axes(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the world coordinates of the voxel centres along x, y and z, mm."""
        origin = self.origin
        x, y, z = (
            origin[i] + self.voxel_mm * torch.arange(n, dtype=self.center.dtype, device=self.center.device)
            for i, n in enumerate(self.shape)
        )
        return x, y, z

    def voxel_centers(self) -> Tensor:
        """Return (X * Y * Z, 3) world positions of all voxel centres, x slowest, mm."""
        return torch.stack(torch.meshgrid(*self.axes(), indexing="ij"), -1).reshape(-1, 3)

    def contains(self, points: Tensor) -> Tensor:
        """Return (...) bool: True where the world points (..., 3), mm, lie inside the box."""
        half = torch.tensor(self.shape, dtype=points.dtype, device=points.device) * (self.voxel_mm / 2)
        return ((points - self.center.to(points)).abs() <= half).all(-1)


def cube(center: Tensor, edge_mm: float, resolution: int) -> VoxelVolume:
    """Return the cube of Sec. 3.2: `resolution`^3 voxels around `center` (3,), mm."""
    return VoxelVolume(center, edge_mm / resolution, (resolution, resolution, resolution))
