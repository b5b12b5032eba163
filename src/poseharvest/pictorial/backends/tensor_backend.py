"""The sums of the search by tensor operations, for any device and any camera: the oracle of the compiled loops.

The tests run it on the processor and hold the loops to it. It is written for a GPU, where a loop over positions cannot
run, but it has never run on one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from poseharvest.geometry.crop import BilinearCorners, bilinear_corners
from poseharvest.pictorial.backends.messages import BlockBeliefs, beliefs_by_messages
from poseharvest.pictorial.backends.pair_matrices import TileMessenger
from poseharvest.pictorial.blocks import Blocks, Listing, halves_of
from poseharvest.pictorial.pairwise import Reach
from poseharvest.pictorial.rule import Rule
from poseharvest.pictorial.shapes import Bool, Float, Int
from poseharvest.pictorial.sum_product import Messenger, Tree
from poseharvest.pictorial.views import ShownMaps, Views


@dataclass(frozen=True)
class TensorBackend:
    """A `Backend` by tensor operations.

    Attributes:
        points_at_once: points that are projected together.
        pairs_a_tile: pairs of positions whose weights are in memory together.
    """

    points_at_once: int = 1 << 24
    pairs_a_tile: int = 1 << 27

    frames_a_batch = 256
    max_pairs = 250_000_000
    runs_in_threads = False

    def multiply_evidence(self, views: Views, blocks: Blocks, maps: ShownMaps, chosen: range) -> Float[Tensor, "N 8"]:
        """Return products (N, 8) as `Backend` says; joints share where their blocks appear."""
        values = maps.values
        num_joints, area = values.shape[2], values.shape[3] * values.shape[4]
        places, numbers = _distinct(blocks.place, blocks.num_frames * blocks.along**3)
        corner = halves_of(_corner_of(places, blocks.along).to(values))
        frame = (places // blocks.along**3).repeat_interleave(8)
        points = (corner + 0.5) * (blocks.edge / 2 * views.voxel_mm) + views.low.index_select(1, frame)
        first = (blocks.frame * (values.shape[1] * num_joints) + blocks.segment // blocks.num_frames) * area
        flat, products = values.flatten(), values.new_ones(len(numbers), 8)
        floors = blocks.spread(maps.floors.T.flatten())[:, None]
        for view in chosen:
            start = (first + view * num_joints * area)[:, None]
            corners = self._corners(views, view, frame, points, (values.shape[3] - views.size[0]) // 2)
            factor = corners.sample(flat, start, numbers).clamp_min_(0).add_(floors)
            is_shown = maps.is_shown[:, view].T.flatten().index_select(0, blocks.segment)[:, None]
            products *= torch.where(is_shown, factor, 1)
        return products

    def average_powers(
        self, values: Float[Tensor, "F V J H W"], floors: Float[Tensor, "F J"], powers: Int[Tensor, "F J"], radius: int
    ) -> Float[Tensor, "F V J H2 W2"]:
        """Return (F, V, J, H + 2 M, W + 2 M) means as `Backend` says."""
        added, exponents = floors[:, None, :, None, None], powers[:, None, :, None, None]
        raised = (values.clamp_min(0) + added) ** exponents - added**exponents
        padded = functional.pad(torch.where(values > 0, raised, 0), (radius + 1,) * 4)
        return _running_mean(_running_mean(padded, radius, -2), radius, -1)

    def connect(self, listings: Sequence[Listing], tree: Tree, shells: Sequence[Reach]) -> Messenger:
        """Return the messenger as `Backend` says."""
        return TileMessenger(listings, tree, shells, self.pairs_a_tile)

    def sum_beliefs(
        self, blocks: Blocks, log_unary: Float[Tensor, " N"], tree: Tree, reaches: Sequence[Reach]
    ) -> BlockBeliefs:
        """Return the beliefs as `Backend` says."""
        return beliefs_by_messages(self.connect, blocks, log_unary, tree, reaches)

    def mark_worthy(self, share: Float[Tensor, " N"], blocks: Blocks, rule: Rule) -> Bool[Tensor, " N"]:
        """Return (N,) bool as `Backend` says."""
        mean = torch.stack([blocks.total(share * position) for position in blocks.corner], 1)
        offset = blocks.corner.T - blocks.spread(mean)
        cov = blocks.total((share[:, None] * offset)[:, :, None] * offset[:, None])
        cov = cov + torch.eye(3).to(cov) * (rule.spread_in_block / 3)
        squares = torch.einsum("na,nab,nb->n", offset, blocks.spread(torch.linalg.inv(cov)), offset)
        variance = cov.diagonal(dim1=1, dim2=2).sum(1)
        worth = (share * (1 + squares / 3)).float()
        bins, num_bins = worth.view(torch.int32) >> rule.bin_shift, 1 << (31 - rule.bin_shift)
        place = blocks.segment * num_bins + bins
        length = blocks.num_segments * num_bins
        spent = torch.bincount(place, worth, length).reshape(-1, num_bins).cumsum(1)
        count = torch.bincount(place, minlength=length).reshape(-1, num_bins)
        left = count.sum(1, keepdim=True) - count.cumsum(1)
        most = rule.budget * (rule.wide**2 / variance).clamp(max=1)
        affordable = ((spent <= most[:, None]) & (left >= rule.always_kept)).sum(1)
        return bins >= blocks.spread(affordable)

    def sum_moments(
        self, share: Float[Tensor, " N"], points: Float[Tensor, "3 N"], counts: Int[Tensor, " S"]
    ) -> Float[Tensor, "S 10"]:
        """Return (S, 10) sums as `Backend` says."""
        x, y, z = points.double()
        columns = torch.stack((torch.ones_like(x), x, y, z, x * x, x * y, x * z, y * y, y * z, z * z))
        weighed = columns * share.double()
        sums = [torch.segment_reduce(column, "sum", lengths=counts, initial=0, unsafe=True) for column in weighed]
        return torch.stack(sums, 1)

    def _corners(self, views: Views, view: int, frame: Tensor, points: Tensor, margin: int) -> BilinearCorners:
        """Return where the halves (3, 8 M) of blocks appear on the view's maps with a margin, (M, 8)."""
        pieces, beyond = [], margin - 1  # `bilinear_corners` has a border of one pixel
        size = views.size[0] + 2 * beyond, views.size[1] + 2 * beyond
        for part in self._parts(points.shape[1]):
            x, y = views.pixels(view, frame[part], points[:, part])
            pieces.append(bilinear_corners(x + beyond, y + beyond, size))
        first, right, below = (
            torch.cat([getattr(piece, name) for piece in pieces]).view(-1, 8) for name in ("first", "right", "below")
        )
        return BilinearCorners(first, right, below, size[1] + 2)

    def _parts(self, length: int) -> Iterator[slice]:
        """Yield ranges of points that are projected together."""
        for start in range(0, length, self.points_at_once):
            yield slice(start, start + self.points_at_once)


def _distinct(places: Tensor, num_places: int) -> tuple[Tensor, Tensor]:
    """Return the places that occur (M,), ascending, and for each of `places` (N,) its number among them."""
    there = torch.zeros(num_places, dtype=torch.int32, device=places.device).index_fill(0, places, 1)
    return there.nonzero().squeeze(1), (there.cumsum(0) - 1).index_select(0, places)


def _corner_of(places: Tensor, along: int) -> Tensor:
    """Return the corners (3, N) of `Blocks.place`."""
    return torch.stack((places // along**2 % along, places // along % along, places % along))


def _running_mean(maps: Tensor, radius: int, axis: int) -> Tensor:
    """Return the means over 2 `radius` + 1 pixels along one axis, zeros beyond the border.

    Sums over 1, 2, 4, ... pixels are made one from the other; those whose lengths add up to the window's are added.
    Differences of one long running sum would be cheaper and drown the floor in rounding.
    """
    size, span = maps.shape[axis], 2 * radius + 1
    if radius == 0:
        return maps
    sums = functional.pad(maps, (radius, radius) if axis == -1 else (0, 0, radius, radius))
    total, start, length = torch.zeros_like(maps), 0, 1
    while length <= span:
        if span & length:
            total += sums.narrow(axis, start, size)
            start += length
        rest = sums.shape[axis] - length
        sums = sums.narrow(axis, 0, rest) + sums.narrow(axis, length, rest)
        length *= 2
    return total.div_(span)
