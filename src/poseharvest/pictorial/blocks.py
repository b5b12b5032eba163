"""Blocks of voxels, each of one joint in one frame, in one flat list for a whole batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor

from poseharvest.pictorial.pair_sums import Listing
from poseharvest.pictorial.sum_product import Tree

_TOP_LEVEL = 8  # at least so many blocks along an edge of the cube on the coarsest level
_CHILDREN = ((0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1))


@dataclass(frozen=True, eq=False)
class Blocks:
    """Cubic blocks of voxels, in the order of (joint, frame).

    Attributes:
        corner: (N, 3) whole numbers: the position of the block in units of its own edge.
        frame: (N,) number of the frame in the batch.
        joint: (N,).
        edge: voxels along the block's edge, a power of two.
        num_frames: F of the batch.
        num_joints: J.
    """

    corner: Tensor
    frame: Tensor
    joint: Tensor
    edge: int
    num_frames: int
    num_joints: int

    @property
    def num_segments(self) -> int:
        """Number of pairs of a joint and a frame."""
        return self.num_joints * self.num_frames

    @cached_property
    def segment(self) -> Tensor:
        """(N,) number of the pair of joint and frame."""
        return self.joint * self.num_frames + self.frame

    def total(self, values: Tensor) -> Tensor:
        """Return the sums (J * F, ...) of values (N, ...) over each joint and frame."""
        return values.new_zeros(self.num_segments, *values.shape[1:]).index_add(0, self.segment, values)

    def largest(self, values: Tensor) -> Tensor:
        """Return the maxima (J * F,) of values (N,); -inf where there is no block."""
        return values.new_full((self.num_segments,), -math.inf).scatter_reduce(0, self.segment, values, "amax")

    def select(self, keep: Tensor | slice) -> Blocks:
        """Return those that `keep`, (N,) bool or a range, marks."""
        return Blocks(
            self.corner[keep], self.frame[keep], self.joint[keep], self.edge, self.num_frames, self.num_joints
        )

    def divided(self, resolution: int) -> tuple[Blocks, Tensor]:
        """Return the eight blocks in each block but for those beyond the grid, and the number (M,) of their parents."""
        children = torch.tensor(_CHILDREN, dtype=self.corner.dtype, device=self.corner.device)
        corner = (2 * self.corner[:, None] + children).reshape(-1, 3)
        edge = self.edge // 2
        parent = torch.arange(self.corner.shape[0], device=corner.device).repeat_interleave(8)
        inside = (corner * edge < resolution).all(1)
        corner, parent = corner[inside], parent[inside]
        return Blocks(corner, self.frame[parent], self.joint[parent], edge, self.num_frames, self.num_joints), parent


def all_places(resolution: int, edge: int, num_segments: int, like: Tensor) -> Blocks:
    """Return all blocks of `edge` voxels that cover the cube, as those of one joint in `num_segments` frames."""
    along = torch.arange(math.ceil(resolution / edge), dtype=like.dtype, device=like.device)
    cube = torch.cartesian_prod(along, along, along)
    frame = torch.arange(num_segments, device=like.device).repeat_interleave(cube.shape[0])
    return Blocks(cube.repeat(num_segments, 1), frame, torch.zeros_like(frame), edge, num_segments, 1)


def all_blocks(resolution: int, num_frames: int, num_joints: int, like: Tensor) -> Blocks:
    """Return the blocks of the coarsest level, which cover the cube, for every joint and frame."""
    edge = 1 << max(0, int(math.log2(resolution / _TOP_LEVEL))) if resolution >= _TOP_LEVEL else 1
    places = all_places(resolution, edge, num_joints * num_frames, like)
    segment = places.frame
    return Blocks(places.corner, segment % num_frames, segment // num_frames, edge, num_frames, num_joints)


class Rows:
    """The way from the flat list of blocks to rows padded to one length for every joint, and back."""

    def __init__(self, blocks: Blocks) -> None:
        """Count the blocks of every joint and frame; on a GPU this waits for it."""
        self._blocks = blocks
        count = torch.bincount(blocks.segment, minlength=blocks.num_segments)
        start = count.cumsum(0) - count
        self._slot = torch.arange(len(blocks.segment), device=count.device) - start[blocks.segment]
        self.counts: list[list[int]] = count.reshape(blocks.num_joints, blocks.num_frames).tolist()
        ends = torch.tensor([0, *(sum(row) for row in self.counts)]).cumsum(0).tolist()
        self._of_joint = [slice(a, b) for a, b in pairwise(ends)]

    def pairs(self, tree: Tree) -> list[int]:
        """Return the number of pairs, over all edges, of every frame."""
        frames = range(self._blocks.num_frames)
        return [sum(self.counts[parent][f] * self.counts[child][f] for parent, child in tree.edges) for f in frames]

    def padded(self, flat: Tensor, fill: float) -> list[Tensor]:
        """Return J tensors (F, K, ...) of a flat (N, ...)."""
        rows = []
        for joint, part in enumerate(self._of_joint):
            row = flat.new_full((self._blocks.num_frames, max(1, *self.counts[joint]), *flat.shape[1:]), fill)
            row[self._blocks.frame[part], self._slot[part]] = flat[part]
            rows.append(row)
        return rows

    def flat(self, padded: Sequence[Tensor]) -> Tensor:
        """Return the flat (N, ...) of J tensors (F, K, ...)."""
        parts = zip(padded, self._of_joint, strict=True)
        return torch.cat([row[self._blocks.frame[part], self._slot[part]] for row, part in parts])

    def listings(self) -> list[Listing]:
        """Return the blocks' corners as the positions between which messages are sent."""
        rows = self.padded(self._blocks.corner, 0.0)
        return [Listing(row, tuple(counts)) for row, counts in zip(rows, self.counts, strict=True)]
