"""From heatmaps to joint posteriors: connects unaries, shells, sum-product and moments (Sec. 3.2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from poseharvest.errors import ConfigError
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.grid import cube
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.pictorial.convolution import GridMessenger
from poseharvest.pictorial.pairwise import LimbLengths, limb_shell
from poseharvest.pictorial.posterior import JointPosterior, grid_moments
from poseharvest.pictorial.sum_product import Tree, sum_product
from poseharvest.pictorial.unary import back_project
from poseharvest.skeleton.skeleton import Skeleton


@dataclass(frozen=True)
class InferenceOptions:
    """How Eq. (4) is computed."""

    resolution: int = 64
    """Voxels along each edge of the bounding cube; 64 in the paper."""

    floor: float = 0.01
    """Chance that a view is simply wrong, added to every heatmap (choice D3); 0 is the paper's Eq. (3)."""

    tolerance_mm: float | None = None
    """epsilon of Eq. (2) in millimetres; None is one voxel edge (choice D2)."""

    def __post_init__(self) -> None:
        if self.resolution < 2:
            raise ConfigError(f"resolution: expected at least 2 voxels, got {self.resolution}")
        if not 0 <= self.floor < 1:
            raise ConfigError(f"floor: expected 0 or more and less than 1, got {self.floor}")
        if self.tolerance_mm is not None and not self.tolerance_mm > 0:
            raise ConfigError(f"tolerance_mm: expected a positive number, got {self.tolerance_mm}")


class PictorialStructures:
    """A subject's model: the tree with its shells on a cube of one size, ready for any number of frames."""

    def __init__(
        self,
        skeleton: Skeleton,
        lengths: LimbLengths,
        options: InferenceOptions | None = None,
        *,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ) -> None:
        """Build the shells and their transforms.

        Args:
            skeleton: the tree.
            lengths: of its limbs.
            options: the defaults if None.
            dtype: precision of unaries and messages; moments are always summed in float64.
            device: where the work is done.
        """
        self.skeleton = skeleton
        self.lengths = lengths
        self.options = options or InferenceOptions()
        self._like = torch.empty((), dtype=dtype, device=device)
        edges = tuple((skeleton.index(limb.parent), skeleton.index(limb.child)) for limb in skeleton.limbs_from_root)
        self.tree = Tree(edges, len(skeleton))
        # A pose cannot be wider than the longest path through the tree, so this cube holds every pose.
        self.edge_mm = lengths.longest_path_mm(skeleton)
        self.voxel_mm = self.edge_mm / self.options.resolution
        self.tolerance_mm = self.options.tolerance_mm or self.voxel_mm
        self.shells = tuple(limb_shell(length, self.tolerance_mm, self.voxel_mm) for length in lengths.of(skeleton))
        self._grid = GridMessenger((self.options.resolution,) * 3, self.shells, self._like)

    @cached_property
    def log_prior_poses(self) -> float:
        """Log of the number of poses that the prior allows, the border of the cube left aside."""
        shells = sum(math.log(float(shell.kernel().sum())) for shell in self.shells)
        return shells + 3 * math.log(self.options.resolution)

    def infer(self, heatmaps: Heatmaps, cameras: Sequence[StaticCamera], center: Tensor) -> JointPosterior:
        """Return the posterior of one frame.

        Args:
            heatmaps: of V views, in the order of the skeleton's joints.
            cameras: V cameras as they stand in the frame.
            center: (3,) middle of the bounding cube, mm.
        """
        volume = cube(center.to(self._like), self.edge_mm, self.options.resolution)
        values = heatmaps.values.to(self._like)
        unaries = back_project(Heatmaps(values, heatmaps.crops), cameras, volume, self.options.floor)
        marginals = sum_product([joint.unsqueeze(0) for joint in unaries.log_values], self.tree, self._grid)
        moments = grid_moments(torch.cat(marginals.values), volume)
        return JointPosterior(
            mean=moments.mean.cpu(),
            cov=moments.cov.cpu(),
            supported=unaries.supported.cpu(),
            log_evidence=float(marginals.log_partition) - self.log_prior_poses,
            volume=volume,
        )
