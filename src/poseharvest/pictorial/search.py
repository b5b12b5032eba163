"""Sum-product from coarse blocks of voxels to the voxels that matter.

On every level the whole sum-product runs on the blocks that are left. The blocks with the least belief are then
dropped, as many as a budget of belief allows, and the others are halved along every axis. A block's unary is the sum
of its halves', each of them about the mean over the voxels in it, so that a peak between the blocks' middles is not
missed; for blocks of two voxels along an edge it is exact.

A block's belief counts the more, the farther it lies from the joint's mean, as the marginal's own covariance measures
it: a little mass far away moves a variance as much as a lot nearby, this joint's or a neighbour's. What is dropped is
added up and reported. Where it is known well, which is from blocks of two voxels downwards, its moments are kept: the
marginal's tail is then computed from its blocks instead of being lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from poseharvest.pictorial.backends.pair_matrices import BlockMessenger
from poseharvest.pictorial.blocks import Blocks, Rows, all_blocks
from poseharvest.pictorial.evidence import BatchEvidence
from poseharvest.pictorial.pairwise import Reach
from poseharvest.pictorial.posterior import Masses
from poseharvest.pictorial.rule import Rule
from poseharvest.pictorial.sum_product import Tree, sum_product

# Shares of the budget by the blocks' edge: the coarser the level, the less its beliefs are to be trusted.
_AFTER = {2: 0.5, 4: 0.1}
_LOOKED = {2: 0.1, 4: 0.05}
_BEFORE = {1: 1.0, 2: 0.1, 4: 0.05}
_COARSER = 0.03
_WIDE_MM = 75.0  # root mean square distance from the mean
_LOWEST_LOG = -80.0  # of a share
_LARGEST_RATIO = 10.0


@dataclass(frozen=True)
class Budget:
    """What may be dropped of a joint in a frame.

    Attributes:
        neglect: share of the marginal on the finest level, weighted by the distance from the mean.
        max_pairs: pairs of voxels that one frame may need; a frame that is foreseen to need more is given up.
    """

    neglect: float
    max_pairs: int

    def before(self, edge: int) -> float:
        """Return the share that may be dropped for what the level above says."""
        return self.neglect * _BEFORE.get(edge, _COARSER)

    def looked(self, edge: int) -> float:
        """Return the share that may be dropped for what the level above says of a block's halves."""
        return self.neglect * _LOOKED.get(edge, _COARSER)

    def after(self, edge: int) -> float:
        """Return the share that may be dropped for what the sum-product says."""
        return self.neglect * _AFTER.get(edge, _COARSER)


@dataclass(frozen=True, eq=False)
class Found:
    """Marginals of F frames.

    Attributes:
        masses: of the marginals: the voxels that matter, mass 1, and the tail as far as it is known.
        dropped: (J * F,) estimate of the mass of all that was dropped, relative to the voxels kept.
        log_partition: (F,) of the voxels that matter.
        given_up: (F,) bool: too many voxels matter, or none is possible; the other fields mean nothing there.
    """

    masses: Masses
    dropped: Tensor
    log_partition: Tensor
    given_up: Tensor


def coarse_to_fine(
    evidence: BatchEvidence, tree: Tree, reaches: Callable[[int], Sequence[Reach]], top: BlockMessenger, budget: Budget
) -> Found:
    """Return the marginals on the voxels that matter.

    Args:
        evidence: of F frames.
        tree: over the joints.
        reaches: which blocks of an edge (in voxels) each edge of the tree joins, in units of that edge.
        top: between all blocks of the coarsest level.
        budget: what may be dropped.
    """
    level = _coarsest(evidence, tree, top)
    given_up = ~torch.isfinite(level.log_partition)
    choice = _Choice(level.blocks, evidence)
    while level.blocks.edge > 1 and not bool(given_up.all()):
        candidates = _candidates(level, choice, evidence, budget)
        rows = Rows(candidates.blocks)
        # Of the edge^6 pairs of voxels in a pair of blocks, edge^2 or more will matter.
        foreseen = torch.tensor(rows.pairs(tree), device=given_up.device) * candidates.blocks.edge**2
        given_up |= foreseen > budget.max_pairs
        if bool(given_up.any()):
            candidates = candidates.select((~given_up.index_select(0, candidates.blocks.frame)).nonzero().squeeze(1))
            rows = Rows(candidates.blocks)
        messenger = evidence.backend.connect(rows.listings(), tree, reaches(candidates.blocks.edge))
        marginals = sum_product(rows.padded(candidates.log_unary, -math.inf), tree, messenger)
        given_up |= ~torch.isfinite(marginals.log_partition)
        belief = _shares(rows.flat(marginals.log_beliefs), candidates.blocks)
        level = replace(candidates, belief=belief, log_partition=marginals.log_partition)
    sums = evidence.backend.sum_moments(level.belief, evidence.offsets(level.blocks.corner, 1), level.blocks.counts)
    tail = choice.tail.scaled(_belief_over_guess(level))
    return Found(Masses.of(sums).plus(tail), choice.dropped, level.log_partition, given_up)


@dataclass(frozen=True, eq=False)
class _Level:
    """The blocks that are left on a level and what is known of them.

    Attributes:
        blocks: N blocks.
        log_unary: (N,), a common factor left out.
        halves: (N, 8) of their halves; empty for voxels.
        guess: (N,) share of the marginal, as the level above would have it.
        belief: (N,) share of the marginal; the guess until the sum-product has run.
        log_partition: (F,) of the sum-product.
    """

    blocks: Blocks
    log_unary: Tensor
    halves: Tensor
    guess: Tensor
    belief: Tensor
    log_partition: Tensor

    def select(self, keep: Tensor) -> _Level:
        """Return the blocks of the ascending numbers `keep`."""
        halves = self.halves.index_select(0, keep) if self.blocks.edge > 1 else self.halves
        log_unary, guess, belief = (v.index_select(0, keep) for v in (self.log_unary, self.guess, self.belief))
        return _Level(self.blocks.select(keep), log_unary, halves, guess, belief, self.log_partition)


def _coarsest(evidence: BatchEvidence, tree: Tree, top: BlockMessenger) -> _Level:
    blocks = all_blocks(evidence.resolution, evidence.num_frames, evidence.num_joints, evidence.values)
    halves = evidence.halves(blocks)
    log_unary = torch.logsumexp(halves, 1)
    rows = log_unary.reshape(blocks.num_joints, blocks.num_frames, -1)
    marginals = sum_product(list(rows), tree, top)
    belief = _shares(torch.cat([values.flatten() for values in marginals.log_beliefs]), blocks)
    return _Level(blocks, log_unary, halves, belief, belief, marginals.log_partition)


def _candidates(level: _Level, choice: _Choice, evidence: BatchEvidence, budget: Budget) -> _Level:
    """Return the halves of the blocks that matter, as far as they may matter themselves."""
    keep = choice.made(level.belief, level.blocks, budget.after(level.blocks.edge), well_known=level.blocks.edge == 2)
    # A block that cannot hold the joint (with a floor of 0) has nothing to tell of what is in it.
    told = torch.where(level.belief > 0, torch.log(level.belief) - level.log_unary, -math.inf)
    told = told.index_select(0, keep).repeat_interleave(8)
    log_unary = level.halves.index_select(0, keep).flatten()
    blocks = level.blocks.select(keep).halved()
    guess = _shares(log_unary + told, blocks)
    found = _Level(blocks, log_unary, level.halves[:0], guess, guess, level.log_partition)
    keep = choice.made(guess, blocks, budget.before(blocks.edge), well_known=blocks.edge == 1)
    if blocks.edge == 1:
        return found.select(keep)
    blocks, told = blocks.select(keep), told.index_select(0, keep)
    halves = evidence.halves(blocks)
    log_unary = torch.logsumexp(halves, 1)
    guess = _shares(log_unary + told, blocks)
    found = _Level(blocks, log_unary, halves, guess, guess, level.log_partition)
    return found.select(choice.made(guess, blocks, budget.looked(blocks.edge), well_known=False))


def _belief_over_guess(level: _Level) -> Tensor:
    """Return (J * F,) how much belief the less likely half of the blocks got, over what was guessed.

    The tail was dropped by the same guess. What it errs on average, the least likely of those that were kept show.
    """
    logs = torch.log(level.guess).clamp_min_(_LOWEST_LOG)
    middle = level.blocks.total(logs) / level.blocks.counts.clamp_min(1)
    low = (logs < level.blocks.spread(middle)).to(logs)
    guess = level.blocks.total(level.guess * low)
    ratio = level.blocks.total(level.belief * low) / torch.where(guess > 0, guess, 1)
    return torch.where(guess > 0, ratio.clamp(1 / _LARGEST_RATIO, _LARGEST_RATIO), 1)


class _Choice:
    """Chooses the blocks that go on, and adds up the others.

    Attributes:
        dropped: (J * F,) estimate of the mass dropped so far, relative to what is kept.
        tail: the part of it whose place is known well.
    """

    def __init__(self, blocks: Blocks, evidence: BatchEvidence) -> None:
        self._evidence = evidence
        self.dropped = evidence.values.new_zeros(blocks.num_segments)
        self.tail = Masses.none(blocks.num_segments, self.dropped.device)

    def made(self, share: Tensor, blocks: Blocks, budget: float, *, well_known: bool) -> Tensor:
        """Return the numbers of the blocks to keep: all but those of least worth that stay within the budget.

        Args:
            share: (N,) of the marginal; sums to 1 a joint and frame.
            blocks: N blocks.
            budget: of worth, a joint and frame.
            well_known: whether the shares are good enough to count the others as the marginal's tail.
        """
        wide = _WIDE_MM / (blocks.edge * self._evidence.voxel_mm)
        keep = self._evidence.backend.mark_worthy(share, blocks, Rule(budget, wide))
        left = blocks.total(share.masked_fill(~keep, 0))
        scale = torch.where(left > 0, 1 / left, 1)
        self.dropped = (self.dropped + blocks.total(share.masked_fill(keep, 0))) * scale
        if well_known:
            gone = (~keep).nonzero().squeeze(1)
            lost = blocks.select(gone)
            points = self._evidence.offsets(lost.corner, blocks.edge)
            masses = Masses.of(self._evidence.backend.sum_moments(share.index_select(0, gone), points, lost.counts))
            within = (blocks.edge**2 - 1) * self._evidence.voxel_mm**2 / 12
            self.tail = self.tail.plus(masses.spread_by(within))
        self.tail = self.tail.scaled(scale)
        return keep.nonzero().squeeze(1)


def _shares(log_belief: Tensor, blocks: Blocks) -> Tensor:
    """Return beliefs (N,) scaled to a sum of 1 a joint and frame."""
    top = blocks.largest(log_belief)
    top = torch.where(torch.isfinite(top), top, 0)
    values = torch.exp(log_belief - blocks.spread(top))
    total = blocks.total(values)
    return values * blocks.spread(torch.where(total > 0, 1 / total, 1))
