"""Blocks of voxels, each of one joint in one frame, in one flat list for a whole batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import pairwise

import torch
from torch import Tensor

from poseharvest.pictorial.shapes import Float, Int, Num

_TOP_LEVEL = 8  # at most so many blocks along an edge of the cube on the coarsest level
_HALVES = ((0, 0, 0, 0, 1, 1, 1, 1), (0, 0, 1, 1, 0, 0, 1, 1), (0, 1, 0, 1, 0, 1, 0, 1))


@dataclass(frozen=True, eq=False)
class Blocks:
    """Cubic blocks of voxels, in the order of (joint, frame).

    Attributes:
        corner: (3, N) whole numbers: the position of the block in units of its own edge.
        segment: (N,) number of the pair of joint and frame, joint * F + frame.
        edge: voxels along the block's edge, a power of two.
        resolution: voxels along an edge of the cube.
        num_frames: F of the batch.
        num_joints: J.
    """

    corner: Num[Tensor, "3 N"]
    segment: Int[Tensor, " N"]
    edge: int
    resolution: int
    num_frames: int
    num_joints: int

    @property
    def num_segments(self) -> int:
        """Number of pairs of a joint and a frame."""
        return self.num_joints * self.num_frames

    @property
    def along(self) -> int:
        """Blocks along an edge of the cube."""
        return math.ceil(self.resolution / self.edge)

    @cached_property
    def frame(self) -> Int[Tensor, " N"]:
        """(N,) number of the frame in the batch."""
        return self.segment % self.num_frames

    @cached_property
    def counts(self) -> Int[Tensor, " S"]:
        """(J * F,) number of blocks of every joint and frame."""
        return torch.bincount(self.segment, minlength=self.num_segments)

    @cached_property
    def place(self) -> Int[Tensor, " N"]:
        """(N,) number of the block in its frame, and of its frame: equal where two joints' blocks are one in space."""
        x, y, z = self.corner.long()
        place: Tensor = ((self.frame * self.along + x) * self.along + y) * self.along + z
        return place

    def total(self, values: Float[Tensor, " N *rest"]) -> Float[Tensor, " S *rest"]:
        """Return the sums (J * F, ...) of values (N, ...) over each joint and frame."""
        return torch.segment_reduce(values, "sum", lengths=self.counts, initial=0, unsafe=True)

    def largest(self, values: Float[Tensor, " N"]) -> Float[Tensor, " S"]:
        """Return the maxima (J * F,) of values (N,); -inf where there is no block."""
        return torch.segment_reduce(values, "max", lengths=self.counts, initial=-math.inf, unsafe=True)

    def spread(self, values: Num[Tensor, " S *rest"]) -> Num[Tensor, " N *rest"]:
        """Return (N, ...) what belongs to each block's joint and frame of values (J * F, ...)."""
        return values.index_select(0, self.segment)

    def select(self, numbers: Int[Tensor, " M"]) -> Blocks:
        """Return those of the ascending `numbers`, (M,)."""
        corner, segment = self.corner.index_select(1, numbers), self.segment.index_select(0, numbers)
        return Blocks(corner, segment, self.edge, self.resolution, self.num_frames, self.num_joints)

    def halved(self) -> Blocks:
        """Return the eight blocks in each block, (8 N), also those beyond the grid."""
        corner = halves_of(self.corner)
        segment = self.segment.repeat_interleave(8)
        return Blocks(corner, segment, self.edge // 2, self.resolution, self.num_frames, self.num_joints)


def halves_of(corner: Num[Tensor, "3 N"]) -> Num[Tensor, "3 8*N"]:
    """Return the corners (3, 8 N) of the eight halves of blocks at `corner`, (3, N), in units of their edge."""
    halves = torch.tensor(_HALVES, dtype=corner.dtype, device=corner.device)
    return (2 * corner[:, :, None] + halves[:, None]).reshape(3, -1)


def cube_of_blocks(along: int, like: Tensor) -> Num[Tensor, "3 N"]:
    """Return the corners (3, along^3) of all blocks of a cube, z fastest."""
    axis = torch.arange(along, dtype=like.dtype, device=like.device)
    return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij")).reshape(3, -1)


@cache
def coarsest_edge(resolution: int) -> int:
    """Return the edge, in voxels, of the blocks of the coarsest level; 1 where the voxels are few enough themselves."""
    return 1 << max(0, math.ceil(math.log2(resolution / _TOP_LEVEL)))


@lru_cache(maxsize=8)
def all_blocks(resolution: int, num_frames: int, num_joints: int, dtype: torch.dtype, device: torch.device) -> Blocks:
    """Return the blocks of the coarsest level, which cover the cube, for every joint and frame."""
    edge = coarsest_edge(resolution)
    cube = cube_of_blocks(math.ceil(resolution / edge), torch.empty((), dtype=dtype, device=device))
    segment = torch.arange(num_joints * num_frames, device=device).repeat_interleave(cube.shape[1])
    return Blocks(cube.repeat(1, num_joints * num_frames), segment, edge, resolution, num_frames, num_joints)


@dataclass(frozen=True, eq=False)
class Listing:
    """Where one joint may be in F frames.

    Attributes:
        positions: (3, F, K) whole numbers; beyond a frame's count they mean nothing.
        counts: number of positions in every frame, on the host.
    """

    positions: Float[Tensor, "3 F K"]
    counts: tuple[int, ...]


class Rows:
    """The way from the flat list of blocks to rows padded to one length for every joint, and back."""

    def __init__(self, blocks: Blocks) -> None:
        """Count the blocks of every joint and frame; on a GPU this waits for it."""
        self._num_frames = blocks.num_frames
        self._corner = blocks.corner
        counts = blocks.counts
        self.counts: list[list[int]] = counts.reshape(blocks.num_joints, -1).tolist()
        self._widths = [max(1, *row) for row in self.counts]
        ends = torch.tensor([0, *(width * blocks.num_frames for width in self._widths)]).cumsum(0).tolist()
        self._of_joint = list(pairwise(ends))
        starts = [first + f * width for (first, _), width in zip(self._of_joint, self._widths, strict=True)
                  for f in range(blocks.num_frames)]  # fmt: skip
        shift = torch.tensor(starts, device=counts.device) - (counts.cumsum(0) - counts)
        self._slot = torch.arange(len(blocks.segment), device=counts.device) + blocks.spread(shift)

    def padded(self, flat: Float[Tensor, "*rest N"], fill: float) -> list[Float[Tensor, "*rest F _"]]:
        """Return J tensors (..., F, K) of a flat (..., N)."""
        rows = flat.new_full((*flat.shape[:-1], self._of_joint[-1][1]), fill).index_copy(-1, self._slot, flat)
        return [
            rows[..., start:stop].reshape(*rows.shape[:-1], self._num_frames, width)
            for (start, stop), width in zip(self._of_joint, self._widths, strict=True)
        ]

    def flat(self, padded: Sequence[Float[Tensor, "F _"]]) -> Float[Tensor, " N"]:
        """Return the flat (N,) of J tensors (F, K)."""
        return torch.cat([row.flatten() for row in padded]).index_select(0, self._slot)

    def listings(self) -> list[Listing]:
        """Return the blocks' corners as the positions between which messages are sent."""
        rows = self.padded(self._corner, 0.0)
        return [Listing(row, tuple(counts)) for row, counts in zip(rows, self.counts, strict=True)]


def shares_of(log_belief: Float[Tensor, " N"], blocks: Blocks) -> Float[Tensor, " N"]:
    """Return beliefs (N,) scaled to a sum of 1 a joint and frame; all zero where every value is -inf."""
    top = blocks.largest(log_belief)
    top = torch.where(torch.isfinite(top), top, 0)
    values = torch.exp(log_belief - blocks.spread(top))
    total = blocks.total(values)
    return values * blocks.spread(torch.where(total > 0, 1 / total, 1))
