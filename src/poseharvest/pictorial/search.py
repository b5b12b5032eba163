"""Sum-product from coarse blocks of voxels to the voxels that matter.

On every level the whole sum-product runs on the blocks that are left. The blocks with the least belief are then
dropped, as many as a budget of belief allows, and the others are divided by eight. On the coarse levels a block's
unary is about the mean over its voxels, so that a peak between the blocks' middles is not missed.

A block's belief counts the more, the farther it lies from the joint's mean: a little mass far away moves a variance
as much as a lot nearby. The belief of everything that is dropped is added up and reported.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.pictorial.blocks import Blocks, Rows, all_blocks
from poseharvest.pictorial.evidence import BatchEvidence
from poseharvest.pictorial.pair_sums import PairMessenger
from poseharvest.pictorial.pairwise import Shell
from poseharvest.pictorial.posterior import Masses
from poseharvest.pictorial.sum_product import Tree, sum_product

# Shares of the budget by the blocks' edge: the coarser the level, the less its beliefs are to be trusted.
_AFTER = {1: 1.0, 2: 0.1, 4: 0.01}
_BEFORE = {1: 1.0, 2: 0.1, 4: 0.005}
_COARSER = 0.0003
_ALWAYS_KEPT = 200  # blocks: so few cost nothing, and where they are all there is, a rough belief would choose badly
_BINS_AN_OCTAVE = 2
_LOWEST_BIN, _HIGHEST_BIN = -200, 40
_NUM_BINS = _HIGHEST_BIN - _LOWEST_BIN + 1


@dataclass(frozen=True)
class Budget:
    """What may be dropped of a joint in a frame.

    Attributes:
        neglect: share of the marginal on the finest level, weighted by the distance from the mean.
        max_pairs: pairs of positions that one frame and level may need; a frame that needs more is given up.
    """

    neglect: float
    max_pairs: int

    def before(self, edge: int) -> float:
        """Return the share that may be dropped for what the level above says."""
        return self.neglect * _BEFORE.get(edge, _COARSER)

    def after(self, edge: int) -> float:
        """Return the share that may be dropped for what the sum-product says."""
        return self.neglect * _AFTER.get(edge, _COARSER)


@dataclass(frozen=True, eq=False)
class Found:
    """Marginals of F frames.

    Attributes:
        kept: of the voxels that matter, mass 1.
        dropped: (J * F,) estimate of the mass of all other voxels, relative to those kept.
        log_partition: (F,) of the voxels that matter.
        given_up: (F,) bool: too many voxels matter, or none is possible; the other fields mean nothing there.
    """

    kept: Masses
    dropped: Tensor
    log_partition: Tensor
    given_up: Tensor


def coarse_to_fine(
    evidence: BatchEvidence, tree: Tree, shells_of: Callable[[int], Sequence[Shell]], budget: Budget
) -> Found:
    """Return the marginals on the voxels that matter.

    Args:
        evidence: of F frames.
        tree: over the joints.
        shells_of: the shells, one an edge of the tree, between blocks of an edge (in voxels), in units of that edge.
        budget: what may be dropped.
    """
    blocks = all_blocks(evidence.resolution, evidence.num_frames, evidence.num_joints, evidence.maps)
    told = torch.zeros_like(blocks.corner[:, 0])
    given_up = torch.zeros(evidence.num_frames, dtype=torch.bool, device=told.device)
    dropped = told.new_zeros(blocks.num_segments)
    while True:
        log_unary = evidence.log_unary(blocks)
        share, total = _shares(log_unary + told, blocks)
        dropped = dropped * torch.where(total > 0, 8 / total, 0)
        keep = worth_keeping(share, blocks, budget.before(blocks.edge))
        dropped = _with_dropped(dropped, share, keep, blocks)
        given_up |= _too_many_pairs(blocks.select(keep), tree, budget)
        keep &= ~given_up[blocks.frame]
        blocks, log_unary = blocks.select(keep), log_unary[keep]

        rows = Rows(blocks)
        messenger = PairMessenger(rows.listings(), tree, shells_of(blocks.edge))
        marginals = sum_product(rows.padded(log_unary, -math.inf), tree, messenger)
        given_up |= ~torch.isfinite(marginals.log_partition)
        belief = rows.flat(marginals.values)
        if blocks.edge == 1:
            kept = _masses(belief, blocks, evidence)
            return Found(kept, dropped, marginals.log_partition, given_up)
        keep = worth_keeping(belief, blocks, budget.after(blocks.edge)) & ~given_up[blocks.frame]
        dropped = _with_dropped(dropped, belief, keep, blocks)
        # A block that cannot hold the joint (with a floor of 0) has nothing to tell of what is in it.
        told = torch.where(belief > 0, torch.log(belief) - log_unary, -math.inf)[keep]
        blocks, parent = blocks.select(keep).divided(evidence.resolution)
        told = told[parent]


def _too_many_pairs(blocks: Blocks, tree: Tree, budget: Budget) -> Tensor:
    pairs = torch.tensor(Rows(blocks).pairs(tree), device=blocks.corner.device)
    return pairs > budget.max_pairs


def worth_keeping(share: Tensor, blocks: Blocks, budget: float) -> Tensor:
    """Return (N,) bool: all but the blocks of least worth that together stay within the budget.

    A block's worth is its share of the marginal, times 1 + the square of its distance from the mean over the
    variance. The threshold is one for all blocks of a joint in a frame, read from a histogram of the logarithms.

    Args:
        share: (N,) of the marginal; sums to 1 a joint and frame.
        blocks: N blocks.
        budget: of worth, a joint and frame.
    """
    mean = blocks.total(share[:, None] * blocks.corner)
    distance = (blocks.corner - mean[blocks.segment]).square().sum(1)
    variance = blocks.total(share * distance) + 0.25  # that within a block
    worth = share * (1 + distance / variance[blocks.segment])
    bins = (_BINS_AN_OCTAVE * torch.log2(worth)).floor().clamp(_LOWEST_BIN, _HIGHEST_BIN) - _LOWEST_BIN
    place = blocks.segment * _NUM_BINS + bins.long()
    empty = worth.new_zeros(blocks.num_segments * _NUM_BINS)
    spent = empty.index_add(0, place, worth).reshape(-1, _NUM_BINS).cumsum(1)
    count = empty.index_add(0, place, torch.ones_like(worth)).reshape(-1, _NUM_BINS)
    left = count.sum(1, keepdim=True) - count.cumsum(1)
    affordable = ((spent <= budget) & (left >= _ALWAYS_KEPT)).sum(1)
    return bins >= affordable[blocks.segment]


def _shares(log_belief: Tensor, blocks: Blocks) -> tuple[Tensor, Tensor]:
    """Return beliefs (N,) scaled to a sum of 1 a joint and frame, and the sums (J * F,) before."""
    top = blocks.largest(log_belief)
    top = torch.where(torch.isfinite(top), top, 0)
    values = torch.exp(log_belief - top[blocks.segment])
    total = blocks.total(values)
    return values / torch.where(total > 0, total, 1)[blocks.segment], total * torch.exp(top)


def _masses(share: Tensor, blocks: Blocks, evidence: BatchEvidence) -> Masses:
    """Return the moments of beliefs (N,) over the blocks' middles."""
    share, points = share.double(), evidence.offsets(blocks).double()
    outer = points[:, :, None] * points[:, None, :]
    return Masses(
        blocks.total(share), blocks.total(share[:, None] * points), blocks.total(share[:, None, None] * outer)
    )


def _with_dropped(dropped: Tensor, share: Tensor, keep: Tensor, blocks: Blocks) -> Tensor:
    """Return the mass dropped so far and now (J * F,), relative to what is kept."""
    left = blocks.total(torch.where(keep, share, 0))
    return (dropped + blocks.total(torch.where(keep, 0, share))) / torch.where(left > 0, left, 1)
