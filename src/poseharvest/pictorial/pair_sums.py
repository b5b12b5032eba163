"""Sums over shells between listed positions: every pair is looked at, nothing is rounded away.

Positions are whole numbers, so ``|s_i - s_j|^2`` is exact in single precision (below 2^24) and a pair of voxels is
joined by the very test that fills the reference's kernel. A processor makes each pair and adds it up in one compiled
loop; a GPU makes them as a product of matrices, tile by tile, since all pairs at once would fill its memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poseharvest.pictorial.sum_product import Message, Messenger, Tree

_PAIRS_A_TILE = 1 << 27


@dataclass(frozen=True, eq=False)
class Listing:
    """Where one joint may be in F frames.

    Attributes:
        positions: (3, F, K) whole numbers; beyond a frame's count they mean nothing.
        counts: number of positions in every frame, on the host.
    """

    positions: Tensor
    counts: tuple[int, ...]


class Reach(Protocol):
    """Which positions a limb joins, by the square of their distance."""

    @property
    def middle(self) -> float:
        """What to subtract from the squared distances before they are weighed."""
        ...

    def weigh_(self, squares: Tensor) -> Tensor:
        """Return the pairs' weights, in place of their squared distances - middle."""
        ...

    def add_up(self, targets: Counted, sources: Counted, values: NDArray[Any], out: NDArray[Any]) -> None:
        """Fill `out` (F, K) with the sums over weighed pairs of `values` (F, L), on the processor."""
        ...


@dataclass(frozen=True, eq=False)
class Counted:
    """A listing's positions (3, F, K) and counts (F,) as the compiled loops take them."""

    positions: NDArray[Any]
    counts: NDArray[np.int64]


def pair_messenger(listings: Sequence[Listing], tree: Tree, shells: Sequence[Reach]) -> Messenger:
    """Return the messenger between listed positions for the device that they are on.

    Args:
        listings: one a joint, of as many frames.
        tree: over the joints.
        shells: one an edge, in units of the positions.
    """
    on_processor = listings[0].positions.device.type == "cpu"
    return (LoopMessenger if on_processor else TileMessenger)(listings, tree, shells)


class LoopMessenger(Messenger):
    """A `Messenger` between listed positions: a compiled loop over the pairs."""

    def __init__(self, listings: Sequence[Listing], tree: Tree, shells: Sequence[Reach]) -> None:
        """Take the positions, as `pair_messenger` does."""
        self._tree = tree
        self._shells = shells
        self._listed = [
            Counted(listing.positions.contiguous().numpy(), np.array(listing.counts)) for listing in listings
        ]

    def up(self, edge: int, values: Tensor) -> Tensor:
        """Return, at the parent's positions (F, K), the sums of the child's `values` (F, K')."""
        return torch.from_numpy(self._sums(edge, values.contiguous().numpy(), upwards=True))

    def down(self, edge: int, values: Tensor) -> Tensor:
        """Return, at the child's positions (F, K), the sums of the parent's `values` (F, K')."""
        return torch.from_numpy(self._sums(edge, values.contiguous().numpy(), upwards=False))

    def log_up(self, edge: int, log_values: Tensor) -> Message:
        """Return the logs of what `up` makes of the values whose logs are given."""
        return self._log_sums(edge, log_values, upwards=True)

    def log_down(self, edge: int, log_values: Tensor) -> Message:
        """Return the logs of what `down` makes of the values whose logs are given."""
        return self._log_sums(edge, log_values, upwards=False)

    def _ends(self, edge: int, *, upwards: bool) -> tuple[Counted, Counted]:
        """Return where a message goes and where it comes from."""
        parent, child = (self._listed[joint] for joint in self._tree.edges[edge])
        return (parent, child) if upwards else (child, parent)

    def _sums(self, edge: int, values: NDArray[Any], *, upwards: bool) -> NDArray[Any]:
        targets, sources = self._ends(edge, upwards=upwards)
        sums = np.zeros(targets.positions.shape[1:], values.dtype)
        self._shells[edge].add_up(targets, sources, values, sums)
        return sums

    def _log_sums(self, edge: int, log_values: Tensor, *, upwards: bool) -> Message:
        from poseharvest.pictorial.kernels.pairs import to_logs, to_values

        targets, sources = self._ends(edge, upwards=upwards)
        logs = log_values.contiguous().numpy()
        values, log_scale = np.zeros_like(logs), np.empty(len(logs), logs.dtype)
        to_values(logs, sources.counts, values, log_scale)
        sums = self._sums(edge, values, upwards=upwards)
        to_logs(sums, targets.counts, log_scale)
        return Message(torch.from_numpy(sums), torch.from_numpy(log_scale))


class _Group(NamedTuple):
    frames: slice
    rows: int
    columns: int


class TileMessenger(Messenger):
    """A `Messenger` between listed positions: matrices of all pairs, tile by tile."""

    def __init__(self, listings: Sequence[Listing], tree: Tree, shells: Sequence[Reach]) -> None:
        """Prepare the factors of the squared distances; arguments as for `pair_messenger`."""
        self._tree = tree
        self._shells = shells
        self._counts = [listing.counts for listing in listings]
        self._factors = [_factors(listing.positions) for listing in listings]
        like = listings[0].positions
        most = max(listing.positions[0].numel() for listing in listings)
        self._tile = like.new_empty(min(_PAIRS_A_TILE, most**2))

    def up(self, edge: int, values: Tensor) -> Tensor:
        """Return, at the parent's positions (F, K), the sums of the child's `values` (F, K')."""
        parent, child = self._tree.edges[edge]
        return self._sums(self._shells[edge], parent, child, values)

    def down(self, edge: int, values: Tensor) -> Tensor:
        """Return, at the child's positions (F, K), the sums of the parent's `values` (F, K')."""
        parent, child = self._tree.edges[edge]
        return self._sums(self._shells[edge], child, parent, values)

    def _sums(self, shell: Reach, target: int, source: int, values: Tensor) -> Tensor:
        left, right = self._factors[target][0].mT, _less(self._factors[source][1], shell.middle)
        sums = left.new_zeros(left.shape[:2])
        for frames, rows, columns in self._groups(target, source):
            step = max(1, self._tile.numel() // (columns * (frames.stop - frames.start)))
            weights = values[frames, :columns].unsqueeze(1)
            for row in range(0, rows, step):
                part = slice(row, min(row + step, rows))
                squares = self._squares(left[frames, part], right[frames, :, :columns])
                # A row times a matrix: a batch of matrices times columns takes eight times as long.
                sums[frames, part] = torch.bmm(weights, shell.weigh_(squares).mT).squeeze(1)
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


class BlockMessenger(Messenger):
    """A `Messenger` between all blocks of a cube: one matrix an edge of the tree, the same for every frame."""

    def __init__(self, corner: Tensor, shells: Sequence[Reach]) -> None:
        """Fill the matrices.

        Args:
            corner: (3, N) whole numbers, of all blocks.
            shells: one an edge of the tree, in units of the blocks.
        """
        left, right = _factors(corner[:, None])
        self._matrices = [shell.weigh_(torch.bmm(left.mT, _less(right, shell.middle))[0]) for shell in shells]

    def part(self, edges: Sequence[int]) -> BlockMessenger:
        """Return the messenger of a part of the tree, whose edges have the numbers `edges` in this one."""
        part = copy(self)
        part._matrices = [self._matrices[edge] for edge in edges]
        return part

    def up(self, edge: int, values: Tensor) -> Tensor:
        """Return, at all blocks, the sums (F, N) of the child's `values` (F, N)."""
        return values @ self._matrices[edge]

    def down(self, edge: int, values: Tensor) -> Tensor:
        """Return the same as `up`: a shell looks the same from both ends."""
        return self.up(edge, values)
