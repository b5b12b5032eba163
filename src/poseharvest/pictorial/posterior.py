"""The bounding volume, and the marginals' moments on it: what inference says of a frame (Sec. 3.2, 3.3, choice D6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.checks import check_finite, check_shape
from poseharvest.errors import ShapeError
from poseharvest.pictorial.shapes import Bool, Float


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
    def origin(self) -> Float[Tensor, " 3"]:
        """(3,) centre of voxel (0, 0, 0), mm."""
        half = torch.tensor([(n - 1) / 2 for n in self.shape], dtype=self.center.dtype, device=self.center.device)
        return self.center - half * self.voxel_mm

    def axes(self) -> tuple[Float[Tensor, " X"], Float[Tensor, " Y"], Float[Tensor, " Z"]]:
        """Return the world coordinates of the voxel centres along x, y and z, mm."""
        origin = self.origin
        x, y, z = (
            origin[i] + self.voxel_mm * torch.arange(n, dtype=self.center.dtype, device=self.center.device)
            for i, n in enumerate(self.shape)
        )
        return x, y, z

    def voxel_centers(self) -> Float[Tensor, "N 3"]:
        """Return (X * Y * Z, 3) world positions of all voxel centres, x slowest, mm."""
        return torch.stack(torch.meshgrid(*self.axes(), indexing="ij"), -1).reshape(-1, 3)

    def contains(self, points: Float[Tensor, "*any 3"]) -> Bool[Tensor, "*any"]:
        """Return (...) bool: True where the world points (..., 3), mm, lie inside the box."""
        half = torch.tensor(self.shape, dtype=points.dtype, device=points.device) * (self.voxel_mm / 2)
        return ((points - self.center.to(points)).abs() <= half).all(-1)


def cube(center: Float[Tensor, " 3"], edge_mm: float, resolution: int) -> VoxelVolume:
    """Return the cube of Sec. 3.2: `resolution`^3 voxels around `center` (3,), mm."""
    return VoxelVolume(center, edge_mm / resolution, (resolution, resolution, resolution))


@dataclass(frozen=True, eq=False)
class JointPosterior:
    """Marginals of one frame, as moments.

    Attributes:
        mean: (J, 3) world position, mm.
        cov: (J, 3, 3) covariance, mm^2. It holds the spread within a voxel (edge^2 / 12 along each axis): a marginal
            that sits in one voxel is known to that voxel, not better.
        supported: (J,) bool, False if no camera sees the joint; its position then comes from the skeleton alone.
        log_evidence: log of the likelihood averaged over the prior's poses: how well the frame fits the model.
        volume: the grid on which it was computed.
        neglected: estimate, on the safe side, of the share of poses that was left out of the sum; 0 if none was.
    """

    mean: Float[Tensor, "J 3"]
    cov: Float[Tensor, "J 3 3"]
    supported: Bool[Tensor, " J"]
    log_evidence: float
    volume: VoxelVolume
    neglected: float = 0.0

    def __post_init__(self) -> None:
        sizes = check_shape("mean", self.mean, "J 3")
        check_shape("cov", self.cov, "J 3 3", **sizes)
        check_shape("supported", self.supported, "J", **sizes)
        check_finite("mean", self.mean)
        check_finite("cov", self.cov)


@dataclass(frozen=True, eq=False)
class Moments:
    """First and second moments.

    Attributes:
        mean: (J, 3) mm.
        cov: (J, 3, 3) mm^2.
    """

    mean: Float[Tensor, "J 3"]
    cov: Float[Tensor, "J 3 3"]


def moments_of_sums(sums: Float[Tensor, "S 10"], volumes: Sequence[VoxelVolume]) -> list[Moments]:
    """Return mean and covariance of every joint in each of F frames.

    Args:
        sums: (J * F, 10) of `Backend.sum_moments`, about the cubes' lowest corners.
        volumes: F grids.
    """
    low = torch.stack([volume.origin - volume.voxel_mm / 2 for volume in volumes]).double()
    by_frame = sums.double().reshape(-1, len(volumes), 10)
    mass = torch.where(by_frame[..., 0] > 0, by_frame[..., 0], 1)[..., None]
    offset = by_frame[..., 1:4] / mass
    second = by_frame[..., [4, 5, 6, 5, 7, 8, 6, 8, 9]].unflatten(-1, (3, 3)) / mass[..., None]
    within = volumes[0].voxel_mm ** 2 / 12 * torch.eye(3, dtype=low.dtype, device=low.device)
    cov = second - offset[..., :, None] * offset[..., None, :] + within
    return [Moments(offset[:, i] + low[i], cov[:, i]) for i in range(len(volumes))]


def grid_moments(marginals: Float[Tensor, "J X Y Z"], volume: VoxelVolume) -> Moments:
    """Return mean and covariance of every joint's marginal over the voxels of `volume`.

    Sums run in float64: a variance is a small difference of large numbers. A marginal that is zero everywhere (an
    impossible model) gives the volume's middle and the covariance of the whole volume.

    Args:
        marginals: (J, X, Y, Z).
        volume: the grid.
    """
    points = volume.voxel_centers().double()
    weights = marginals.flatten(1).double()
    empty = weights.sum(1) <= 0
    weights = torch.where(empty[:, None], 1 / weights.shape[1], weights)
    offsets = points - volume.center.double()
    mean = weights @ offsets
    second = torch.einsum("jn,na,nb->jab", weights, offsets, offsets)
    within = volume.voxel_mm**2 / 12 * torch.eye(3, dtype=points.dtype, device=points.device)
    cov = second - mean[:, :, None] * mean[:, None, :] + within
    return Moments(mean + volume.center.double(), cov)
