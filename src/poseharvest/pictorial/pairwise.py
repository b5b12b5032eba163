"""Eq. (2): limbs have a length, give or take a tolerance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.errors import ConfigError
from poseharvest.skeleton.skeleton import Skeleton


def limb_kernel(length_mm: float, tolerance_mm: float, voxel_mm: float, dtype: torch.dtype = torch.float64) -> Tensor:
    """Return Eq. (2) as a 0/1 shell over voxel offsets (it depends on s_i - s_j alone, so one kernel serves the grid).

    The paper gives epsilon = 1 without a unit; we read one voxel edge. See docs/method.md, choice D2.

    Args:
        length_mm: L_ij.
        tolerance_mm: epsilon.
        voxel_mm: edge of a voxel.
        dtype: of the result.

    Returns:
        (K, K, K) with K odd, the offset zero in the middle.

    Raises:
        ConfigError: no voxel offset lies in the shell: the tolerance is too small for the grid.
    """
    radius = math.ceil((length_mm + tolerance_mm) / voxel_mm)
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64) * voxel_mm
    squared = offsets.square()
    distance = (squared[:, None, None] + squared[None, :, None] + squared[None, None, :]).sqrt()
    # The rounding of a distance must not decide whether an offset on the border belongs to the shell.
    slack = 1e-9 * voxel_mm
    shell = (distance - length_mm).abs() <= tolerance_mm + slack
    if not bool(shell.any()):
        raise ConfigError(
            f"limb of {length_mm:.1f} mm: no voxel offset lies within {tolerance_mm:.1f} mm of it on a grid of "
            f"{voxel_mm:.1f} mm; take a larger tolerance or smaller voxels"
        )
    return shell.to(dtype)


@dataclass(frozen=True)
class LimbLengths:
    """L_ij of a subject.

    Attributes:
        mm: (parent, child) -> length.
    """

    mm: Mapping[tuple[str, str], float]

    def of(self, skeleton: Skeleton) -> list[float]:
        """Return the lengths in the order of `skeleton.limbs_from_root`, mm.

        Raises:
            ConfigError: a limb's length is missing or not positive.
        """
        lengths = []
        for limb in skeleton.limbs_from_root:
            length = self.mm.get((limb.parent, limb.child))
            if length is None or not (length > 0 and math.isfinite(length)):
                raise ConfigError(f'limb lengths: expected a positive length of "{limb.name}" in mm, got {length}')
            lengths.append(float(length))
        return lengths

    def longest_path_mm(self, skeleton: Skeleton) -> float:
        """Return the largest distance at which two joints can be: the longest path through the tree, mm."""
        depth = {joint: 0.0 for joint in skeleton.joints}
        longest = 0.0
        for limb, length in reversed(list(zip(skeleton.limbs_from_root, self.of(skeleton), strict=True))):
            reach = depth[limb.child] + length
            longest = max(longest, depth[limb.parent] + reach)
            depth[limb.parent] = max(depth[limb.parent], reach)
        return longest
