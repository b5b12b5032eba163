"""Eq. (2): limbs have a length, give or take a tolerance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import torch
from torch import Tensor

from poseharvest.errors import ConfigError
from poseharvest.pictorial.shapes import Float

_SLACK = 1e-9  # voxels
_SMEAR = 0.9  # blocks: a box of variance 1 / 6 has 0.71, but a sharp peak may sit in the very corner of its block


@dataclass(frozen=True)
class Shell:
    """Eq. (2) on a grid: two voxels are joined if the square of their offset, in voxels, lies in a range.

    Squares of offsets are whole numbers, so every computation that uses this range agrees on every pair.

    Attributes:
        min_squared: the least squared offset.
        max_squared: the largest squared offset.
    """

    min_squared: int
    max_squared: int

    @property
    def radius(self) -> int:
        """Largest offset along an axis, voxels."""
        return math.isqrt(self.max_squared)

    @cached_property
    def middle(self) -> float:
        """Middle of the range."""
        return (self.max_squared + self.min_squared) / 2

    @cached_property
    def half_width(self) -> float:
        """Half the width of the range."""
        return (self.max_squared - self.min_squared) / 2

    def kernel(self, dtype: torch.dtype = torch.float64) -> Float[Tensor, "K K K"]:
        """Return the 0/1 shell over offsets, (K, K, K) with K odd, the offset zero in the middle.

        It depends on s_i - s_j alone, so one kernel serves the grid.
        """
        squares = torch.arange(-self.radius, self.radius + 1).square()
        squared = squares[:, None, None] + squares[None, :, None] + squares[None, None, :]
        return ((squared >= self.min_squared) & (squared <= self.max_squared)).to(dtype)


@dataclass(frozen=True)
class BlockShell:
    """About the share of the pairs of voxels, one of each of two blocks, that Eq. (2) joins.

    Two voxels lie, along a line, up to an edge farther apart or nearer than the middles of their blocks. The share
    against the distance of the middles is therefore about a trapezoid: the shell of width 2 epsilon, smeared by a box
    of variance 1 / 6, that of the difference of two uniform numbers. A factor common to all pairs is left out.

    Attributes:
        length: L_ij, in units of the blocks' edge.
        tolerance: epsilon, in the same units.
    """

    length: float
    tolerance: float

    @cached_property
    def reach(self) -> float:
        """Difference from `length`, in units of the edge, from which on the weight is 0."""
        return self.tolerance + _SMEAR

    @cached_property
    def top(self) -> float:
        """Weight in the middle of the trapezoid."""
        return 2 * min(self.tolerance, _SMEAR)


Reach: TypeAlias = Shell | BlockShell
"""Which positions a limb joins: voxels or blocks."""


def limb_shell(length_mm: float, tolerance_mm: float, voxel_mm: float) -> Shell:
    """Return the shell of offsets whose length is L_ij give or take epsilon.

    The paper gives epsilon = 1 without a unit; we read one voxel edge. See docs/method.md, choice D2.

    Args:
        length_mm: L_ij.
        tolerance_mm: epsilon.
        voxel_mm: edge of a voxel.

    Raises:
        ConfigError: no voxel offset lies in the shell: the tolerance is too small for the grid.
    """
    # The rounding of a distance must not decide whether an offset on the border belongs to the shell.
    reach_mm = tolerance_mm + _SLACK * voxel_mm
    shell = Shell(
        min_squared=math.ceil((max(length_mm - reach_mm, 0.0) / voxel_mm) ** 2),
        max_squared=math.floor(((length_mm + reach_mm) / voxel_mm) ** 2),
    )
    if not bool(shell.kernel().any()):
        raise ConfigError(
            f"limb of {length_mm:.1f} mm: no voxel offset lies within {tolerance_mm:.1f} mm of it on a grid of "
            f"{voxel_mm:.1f} mm; take a larger tolerance or smaller voxels"
        )
    return shell
