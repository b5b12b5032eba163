"""The sums of the search on the processor, by loops that numba compiles on first use.

A tensor operation reads and writes all its numbers, and each sum takes several of them. In a loop they never leave the
registers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poseharvest.pictorial.backends.messages import BlockBeliefs
from poseharvest.pictorial.backends.tensor_backend import TensorBackend
from poseharvest.pictorial.blocks import Blocks, Listing
from poseharvest.pictorial.pairwise import Reach, Shell
from poseharvest.pictorial.rule import Rule
from poseharvest.pictorial.shapes import Bool, Float, Int
from poseharvest.pictorial.sum_product import Message, Messenger, Tree
from poseharvest.pictorial.views import ShownMaps, Views

_FOR_OTHER_CAMERAS = TensorBackend(points_at_once=1 << 14)  # what fits the processor's cache


@dataclass(frozen=True)
class CompiledBackend:
    """A `Backend` by compiled loops over tensors in the processor's memory.

    Attributes:
        most_pairs: of voxels between two joints in a frame that are summed pair by pair; more are summed by columns.
    """

    most_pairs: int = 1_000_000

    frames_a_batch = 16
    max_pairs = 4_000_000_000
    runs_in_threads = True  # the loops let go of the interpreter

    def multiply_evidence(self, views: Views, blocks: Blocks, maps: ShownMaps, chosen: range) -> Float[Tensor, "N 8"]:
        """Return products (N, 8) as `Backend` says; by tensor operations for cameras that the loop does not know."""
        from poseharvest.pictorial.backends.evidence_loops import multiply_evidence, multiply_evidence_everywhere

        rows = views.rows
        if rows is None:
            return _FOR_OTHER_CAMERAS.multiply_evidence(views, blocks, maps, chosen)
        part = slice(chosen.start, chosen.stop)
        values = maps.values[:, part].contiguous()
        number = values.numpy().dtype.type
        seen = (
            values.numpy(),
            maps.floors.contiguous().numpy(),
            maps.is_shown[:, part].numpy(),
            rows.in_margin((values.shape[3] - views.size[0]) // 2, number)[:, part],
            rows.fisheye[:, part],
        )
        step = number(blocks.edge / 2 * views.voxel_mm)
        if len(blocks.segment) == blocks.num_segments * blocks.along**3:  # on the coarsest level
            corner = blocks.corner[:, : blocks.along**3].contiguous().numpy()
            of_points = values.new_ones(blocks.num_frames, 8 * corner.shape[1], blocks.num_joints)
            multiply_evidence_everywhere(*seen, corner, step, of_points.numpy())
            return of_points.permute(2, 0, 1).reshape(-1, 8)
        products = values.new_ones(len(blocks.segment), 8)
        corner = blocks.corner.contiguous().numpy()
        multiply_evidence(*seen, corner, blocks.counts.numpy(), step, products.numpy())
        return products

    def average_powers(
        self, values: Float[Tensor, "F V J H W"], floors: Float[Tensor, "F J"], powers: Int[Tensor, "F J"], radius: int
    ) -> Float[Tensor, "F V J H2 W2"]:
        """Return (F, V, J, H + 2 M, W + 2 M) means as `Backend` says."""
        from poseharvest.pictorial.backends.evidence_loops import add_window_means

        height, width = (size + 2 * (radius + 1) for size in values.shape[3:])
        means = values.new_zeros(*values.shape[:3], height, width)
        maps = values.contiguous().numpy()
        add_window_means(maps, floors.contiguous().numpy(), powers.contiguous().numpy(), radius, means.numpy())
        return means

    def connect(self, listings: Sequence[Listing], tree: Tree, shells: Sequence[Reach]) -> Messenger:
        """Return the messenger as `Backend` says: the messages of `sum_beliefs`, one by one."""
        return LoopMessenger(listings, tree, shells, self.most_pairs)

    def sum_beliefs(
        self, blocks: Blocks, log_unary: Float[Tensor, " N"], tree: Tree, reaches: Sequence[Reach]
    ) -> BlockBeliefs:
        """Return the beliefs as `Backend` says."""
        from poseharvest.pictorial.backends.block_loops import fill_beliefs

        corner = blocks.corner.contiguous().numpy()
        starts = np.concatenate(([0], np.cumsum(blocks.counts.numpy())))
        edges = np.array(tree.edges, np.int64).reshape(-1, 2)
        of_voxels = all(isinstance(reach, Shell) for reach in reaches)
        numbers = np.array([_numbers(reach) for reach in reaches], corner.dtype).reshape(-1, 3)
        share, log_partition = torch.empty_like(log_unary), log_unary.new_empty(blocks.num_frames)
        out = share.numpy(), log_partition.numpy()
        shells = numbers, of_voxels, self.most_pairs
        fill_beliefs(corner, log_unary.contiguous().numpy(), starts, edges, shells, out)
        return BlockBeliefs(share, log_partition)

    def mark_worthy(self, share: Float[Tensor, " N"], blocks: Blocks, rule: Rule) -> Bool[Tensor, " N"]:
        """Return (N,) bool as `Backend` says, computed in single precision."""
        from poseharvest.pictorial.backends.block_loops import mark_worthy

        keep = torch.empty_like(share, dtype=torch.bool)
        corner = blocks.corner.float().contiguous()
        mark_worthy(share.float().numpy(), corner.numpy(), blocks.counts.numpy(), rule, keep.numpy())
        return keep

    def sum_moments(
        self, share: Float[Tensor, " N"], points: Float[Tensor, "3 N"], counts: Int[Tensor, " S"]
    ) -> Float[Tensor, "S 10"]:
        """Return (S, 10) sums as `Backend` says."""
        from poseharvest.pictorial.backends.block_loops import add_moments

        sums = torch.zeros(len(counts), 10, dtype=torch.float64)
        add_moments(share.contiguous().numpy(), points.contiguous().numpy(), counts.numpy(), sums.numpy())
        return sums


def _numbers(reach: Reach) -> tuple[float, float, float]:
    """Return the numbers of a reach as `block_loops` takes them."""
    return (reach.middle, reach.half_width, 0.0) if isinstance(reach, Shell) else (reach.length, reach.reach, reach.top)


@dataclass(frozen=True, eq=False)
class _Positions:
    """A listing as the loops take it.

    Attributes:
        places: (3, F, K) whole numbers.
        counts: (F,) how many of them count.
    """

    places: NDArray[Any]
    counts: NDArray[np.int64]


class LoopMessenger(Messenger):
    """A `Messenger` between listed positions: a loop over the pairs, or over the columns of many voxels."""

    def __init__(self, listings: Sequence[Listing], tree: Tree, shells: Sequence[Reach], most_pairs: int) -> None:
        """Take the positions; arguments as for `Backend.connect` and `CompiledBackend`."""
        self._most_pairs = most_pairs
        self._tree = tree
        self._shells = shells
        self._positions = [
            _Positions(listing.positions.contiguous().numpy(), np.array(listing.counts)) for listing in listings
        ]

    def up(self, edge: int, values: Float[Tensor, "F K"]) -> Float[Tensor, "F L"]:
        """Return, at the parent's positions (F, K), the sums of the child's `values` (F, K')."""
        return torch.from_numpy(self._sums(edge, values.contiguous().numpy(), upwards=True))

    def down(self, edge: int, values: Float[Tensor, "F K"]) -> Float[Tensor, "F L"]:
        """Return, at the child's positions (F, K), the sums of the parent's `values` (F, K')."""
        return torch.from_numpy(self._sums(edge, values.contiguous().numpy(), upwards=False))

    def log_up(self, edge: int, log_values: Float[Tensor, "F K"]) -> Message:
        """Return the logs of what `up` makes of the values with the logs `log_values`."""
        return self._log_sums(edge, log_values, upwards=True)

    def log_down(self, edge: int, log_values: Float[Tensor, "F K"]) -> Message:
        """Return the logs of what `down` makes of the values with the logs `log_values`."""
        return self._log_sums(edge, log_values, upwards=False)

    def _ends(self, edge: int, *, upwards: bool) -> tuple[_Positions, _Positions]:
        """Return where a message goes and where it comes from."""
        parent, child = (self._positions[joint] for joint in self._tree.edges[edge])
        return (parent, child) if upwards else (child, parent)

    def _sums(self, edge: int, values: NDArray[Any], *, upwards: bool) -> NDArray[Any]:
        targets, sources = self._ends(edge, upwards=upwards)
        sums = np.zeros(targets.places.shape[1:], values.dtype)
        _add_up(self._shells[edge], targets, sources, values, self._most_pairs, sums)
        return sums

    def _log_sums(self, edge: int, log_values: Tensor, *, upwards: bool) -> Message:
        from poseharvest.pictorial.backends.pair_loops import fill_logs, fill_values

        targets, sources = self._ends(edge, upwards=upwards)
        logs = log_values.contiguous().numpy()
        values, log_scale = np.zeros_like(logs), np.empty(len(logs), logs.dtype)
        fill_values(logs, sources.counts, values, log_scale)
        sums = self._sums(edge, values, upwards=upwards)
        fill_logs(sums, targets.counts, log_scale)
        return Message(torch.from_numpy(sums), torch.from_numpy(log_scale))


def _add_up(
    shell: Reach,
    targets: _Positions,
    sources: _Positions,
    values: NDArray[Any],
    most_pairs: int,
    out: NDArray[Any],
) -> None:
    """Fill `out` (F, K) with the sums of `values` (F, L) over the sources, each weighed as the shell says."""
    from poseharvest.pictorial.backends.pair_loops import add_by_distance, add_within

    number = values.dtype.type
    ends = targets.places, targets.counts, sources.places, sources.counts
    if isinstance(shell, Shell):
        add_within(*ends, values, number(shell.middle), number(shell.half_width), most_pairs, out)
    else:
        add_by_distance(*ends, values, number(shell.length), number(shell.reach), number(shell.top), out)
