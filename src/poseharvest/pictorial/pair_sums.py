"""Sums over shells between listed positions: every pair is looked at, nothing is rounded away.

Positions are whole numbers, so ``|s_i - s_j|^2`` from a matrix product is exact in single precision (below 2^24) and
a pair is joined by the very test that fills the reference's kernel. The pairs are made and used tile by tile, since a
tile that stays in the processor's cache costs a tenth of one that does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from poseharvest.pictorial.pairwise import Shell
from poseharvest.pictorial.sum_product import Tree

_PAIRS_A_TILE = {"cpu": 1 << 17, "cuda": 1 << 27}


@dataclass(frozen=True, eq=False)
class Listing:
    """Where one joint may be in F frames.

    Attributes:
        positions: (F, K, 3) whole numbers; beyond a frame's count they mean nothing.
        counts: number of positions in every frame, on the host.
    """

    positions: Tensor
    counts: tuple[int, ...]


class _Group(NamedTuple):
    frames: slice
    rows: int
    columns: int


class PairMessenger:
    """A `Messenger` between listed positions."""

    def __init__(self, listings: Sequence[Listing], tree: Tree, shells: Sequence[Shell]) -> None:
        """Prepare the factors of the squared distances.

        Args:
            listings: one a joint, of as many frames.
            tree: over the joints.
            shells: one an edge, in units of the positions.
        """
        self._tree = tree
        self._shells = shells
        self._counts = [listing.counts for listing in listings]
        self._positions = [listing.positions for listing in listings]
        like = listings[0].positions
        self._tile = like.new_empty(_PAIRS_A_TILE.get(like.device.type, 1 << 17))

    def up(self, edge: int, values: Tensor) -> Tensor:
        """Return, at the parent's positions (F, K), the sums of the child's `values` (F, K')."""
        parent, child = self._tree.edges[edge]
        return self._sums(edge, parent, child, values)

    def down(self, edge: int, values: Tensor) -> Tensor:
        """Return, at the child's positions (F, K), the sums of the parent's `values` (F, K')."""
        parent, child = self._tree.edges[edge]
        return self._sums(edge, child, parent, values)

    def _sums(self, edge: int, target: int, source: int, values: Tensor) -> Tensor:
        shell = self._shells[edge]
        middle, half = (shell.max_squared + shell.min_squared) / 2, (shell.max_squared - shell.min_squared) / 2
        s, t = self._positions[source], self._positions[target]
        # |s - t|^2 - middle = (t, |t|^2, 1) . (-2 s, 1, |s|^2 - middle)
        left = torch.cat((t, t.square().sum(-1, keepdim=True), torch.ones_like(t[..., :1])), -1)
        right = torch.cat((-2 * s, torch.ones_like(s[..., :1]), s.square().sum(-1, keepdim=True) - middle), -1).mT
        sums = torch.zeros_like(t[..., 0])
        for frames, rows, columns in self._groups(target, source):
            step = max(1, self._tile.numel() // (columns * (frames.stop - frames.start)))
            weights = values[frames, :columns].unsqueeze(-1)
            for row in range(0, rows, step):
                part = slice(row, min(row + step, rows))
                joined = self._joined(left[frames, part], right[frames, :, :columns], half)
                sums[frames, part] = torch.bmm(joined, weights).squeeze(-1)
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

    def _joined(self, left: Tensor, right: Tensor, half: float) -> Tensor:
        """Return 1 for every pair within the shell and 0 for the others, (F, rows, columns)."""
        shape = (left.shape[0], left.shape[1], right.shape[2])
        num_pairs = shape[0] * shape[1] * shape[2]
        tile = self._tile[:num_pairs] if num_pairs <= self._tile.numel() else self._tile.new_empty(num_pairs)
        pairs = torch.bmm(left, right, out=tile.view(shape))
        return pairs.abs_().le_(half)
