"""Sums over shells between positions as products of matrices, for any device.

Positions are whole numbers, so ``|s_i - s_j|^2`` is exact in single precision (below 2^24), and a pair of voxels is
joined by the very test that fills the reference's kernel. The squares of all pairs are a product of two matrices. They
are made tile by tile, since all pairs at once would fill the memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from poseharvest.pictorial.blocks import Listing
from poseharvest.pictorial.pairwise import Reach, Shell
from poseharvest.pictorial.shapes import Float
from poseharvest.pictorial.sum_product import Message, Messenger, Tree


class _Group(NamedTuple):
    frames: slice
    rows: int
    columns: int


class TileMessenger(Messenger):
    """A `Messenger` between listed positions: matrices of all pairs, tile by tile."""

    def __init__(self, listings: Sequence[Listing], tree: Tree, shells: Sequence[Reach], pairs_a_tile: int) -> None:
        """Prepare the factors of the squared distances.

        Args:
            listings: J listings of F frames.
            tree: over the J joints.
            shells: one an edge of the tree, in units of the positions.
            pairs_a_tile: pairs whose weights are in memory together; a single row of pairs may be longer.
        """
        self._tree = tree
        self._shells = shells
        self._counts = [listing.counts for listing in listings]
        self._factors = [_factors(listing.positions) for listing in listings]
        like = listings[0].positions
        most = max(listing.positions[0].numel() for listing in listings)
        self._tile = like.new_empty(min(pairs_a_tile, most**2))

    def up(self, edge: int, values: Float[Tensor, "F K"]) -> Float[Tensor, "F L"]:
        """Return, at the parent's positions (F, K), the sums of the child's `values` (F, K')."""
        parent, child = self._tree.edges[edge]
        return self._sums(self._shells[edge], parent, child, values)

    def down(self, edge: int, values: Float[Tensor, "F K"]) -> Float[Tensor, "F L"]:
        """Return, at the child's positions (F, K), the sums of the parent's `values` (F, K')."""
        parent, child = self._tree.edges[edge]
        return self._sums(self._shells[edge], child, parent, values)

    def _sums(self, shell: Reach, target: int, source: int, values: Tensor) -> Tensor:
        left, right = self._factors[target][0].mT, _less(self._factors[source][1], _zero_of(shell))
        sums = left.new_zeros(left.shape[:2])
        for frames, rows, columns in self._groups(target, source):
            step = max(1, self._tile.numel() // (columns * (frames.stop - frames.start)))
            weights = values[frames, :columns].unsqueeze(1)
            for row in range(0, rows, step):
                part = slice(row, min(row + step, rows))
                squares = self._squares(left[frames, part], right[frames, :, :columns])
                # A row times a matrix: a batch of matrices times columns takes eight times as long.
                sums[frames, part] = torch.bmm(weights, weigh_(shell, squares).mT).squeeze(1)
        return sums

    def _groups(self, target: int, source: int) -> Iterator[_Group]:
        """Yield runs of frames that fit a tile together, with the most positions that one of them has."""
        start, rows, columns = 0, 1, 1
        for frame, (num_rows, num_columns) in enumerate(zip(self._counts[target], self._counts[source], strict=True)):
            wider = max(rows, num_rows), max(columns, num_columns)
            if frame > start and (frame + 1 - start) * wider[0] * wider[1] > self._tile.numel():
                yield _Group(slice(start, frame), rows, columns)
                start, wider = frame, (max(1, num_rows), max(1, num_columns))
            rows, columns = wider
        yield _Group(slice(start, len(self._counts[target])), rows, columns)

    def _squares(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the squared distances of all pairs, (F, rows, columns), in the tile where they fit."""
        shape = (left.shape[0], left.shape[1], right.shape[2])
        num_pairs = shape[0] * shape[1] * shape[2]
        tile = self._tile[:num_pairs] if num_pairs <= self._tile.numel() else self._tile.new_empty(num_pairs)
        return torch.bmm(left, right, out=tile.view(shape))


def _factors(positions: Tensor) -> tuple[Tensor, Tensor]:
    """Return (F, 5, K) left and right factors: |s - t|^2 = (t, |t|^2, 1) . (-2 s, 1, |s|^2)."""
    x, y, z = positions
    square = x * x + y * y + z * z
    one = torch.ones_like(square)
    return torch.stack((x, y, z, square, one), 1), torch.stack((-2 * x, -2 * y, -2 * z, one, square), 1)


def _less(right: Tensor, number: float) -> Tensor:
    """Return right factors of products that are smaller by a number."""
    return torch.cat((right[:, :4], right[:, 4:] - number), 1)


def _zero_of(shell: Reach) -> float:
    """Return what `weigh_` expects to be subtracted from the squared distances."""
    return shell.middle if isinstance(shell, Shell) else 0.0


def weigh_(shell: Reach, squares: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """Return the weights of pairs, in place of their squared distances.

    Args:
        shell: gives a pair of voxels 1 or 0, a pair of blocks about the share of their voxels that the limb joins.
        squares: of the distances, any shape, in units of the positions; for a `Shell` less its `middle`.
    """
    if isinstance(shell, Shell):
        return squares.abs_().le_(shell.half_width)
    off = squares.clamp_min_(0).sqrt_().sub_(shell.length).abs_()
    return torch.sub(shell.reach, off, out=off).clamp_(0, shell.top)


class BlockMessenger(Messenger):
    """A `Messenger` between all blocks of a cube: one matrix an edge of the tree, the same for every frame."""

    def __init__(self, corner: Float[Tensor, "3 N"], shells: Sequence[Reach]) -> None:
        """Fill the matrices.

        Args:
            corner: (3, N) whole numbers, of all blocks.
            shells: one an edge of the tree, in units of the blocks.
        """
        left, right = _factors(corner[:, None])
        self._matrices = [weigh_(shell, torch.bmm(left.mT, _less(right, _zero_of(shell)))[0]) for shell in shells]

    def part(self, edges: Sequence[int]) -> BlockMessenger:
        """Return the messenger of a part of the tree, whose edges have the numbers `edges` in this one."""
        part = copy(self)
        part._matrices = [self._matrices[edge] for edge in edges]
        return part

    def up(self, edge: int, values: Float[Tensor, "F N"]) -> Float[Tensor, "F N"]:
        """Return, at all blocks, the sums (F, N) of the child's `values` (F, N)."""
        return values @ self._matrices[edge]

    def down(self, edge: int, values: Float[Tensor, "F N"]) -> Float[Tensor, "F N"]:
        """Return the same as `up`: a shell looks the same from both ends."""
        return self.up(edge, values)

    def log_up(self, edge: int, log_values: Float[Tensor, "F N"]) -> Message:
        """Return the logs of what `up` makes of the values with the logs `log_values`."""
        if log_values.device.type != "cpu":
            return super().log_up(edge, log_values)
        from poseharvest.pictorial.backends.pair_loops import fill_logs, fill_values

        values, log_scale = torch.zeros_like(log_values), log_values.new_empty(len(log_values))
        counts = np.full(log_values.shape[0], log_values.shape[1])
        fill_values(log_values.contiguous().numpy(), counts, values.numpy(), log_scale.numpy())
        sums = self.up(edge, values)
        fill_logs(sums.numpy(), counts, log_scale.numpy())
        return Message(sums, log_scale)

    def log_down(self, edge: int, log_values: Float[Tensor, "F N"]) -> Message:
        """Return the same as `log_up`."""
        return self.log_up(edge, log_values)
