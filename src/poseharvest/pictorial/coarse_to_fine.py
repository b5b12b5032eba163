"""Sum-product from coarse blocks of voxels to the voxels that matter (Sec. 3.2, Eq. 4).

On every level the whole sum-product runs on the blocks that are left. `_refine` goes to the next level. Of the budget,
each of its steps that drops blocks gets a share of `LevelShares`:

1. `by_belief`: the blocks with the least belief are dropped.
2. `_halve` cuts the others along every axis. A half's guess is its unary times what the other joints say of its parent.
3. `by_parent_guess`: the halves with the least guess are dropped. Voxels are then ready to be summed.
4. The views are asked for the halves of these blocks, which makes unary and guess better.
5. `by_own_guess`: the blocks with the least guess are dropped again.

A block's unary is the sum of its halves', each of them about the mean over the voxels in it, so that a peak between the
blocks' middles is not missed. For blocks of two voxels along an edge it is exact.

A block's share of the marginal counts the more, the farther it lies from the joint's mean, as the marginal's own
covariance measures it (`rule.Rule`): a little mass far away moves a variance as much as a lot nearby, this joint's or a
neighbour's. The mass of dropped blocks is added up and reported. Where it is known well, which is from blocks of two
voxels downwards, its moments are kept: the marginal's tail then comes from its blocks and is not lost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.pictorial.backends.pair_matrices import BlockMessenger
from poseharvest.pictorial.blocks import Blocks, all_blocks, shares_of
from poseharvest.pictorial.evidence import BatchEvidence
from poseharvest.pictorial.pairwise import Reach
from poseharvest.pictorial.rule import Rule
from poseharvest.pictorial.shapes import Bool, Float, Int
from poseharvest.pictorial.sum_product import Tree, sum_product

_WIDE_MM = 110.0  # root mean square distance from the mean
_LOWEST_LOG = -80.0  # of a share
_LARGEST_RATIO = 10.0


@dataclass(frozen=True)
class LevelShares:
    """Shares of the budget that the steps may drop of the blocks of one edge, 0 to 1.

    Attributes:
        by_parent_guess: before the views are asked for a block's halves.
        by_own_guess: after that.
        by_belief: after the sum-product.
    """

    by_parent_guess: float
    by_own_guess: float = 0.0
    by_belief: float = 0.0


LEVEL_SHARES: Mapping[int, LevelShares] = {
    1: LevelShares(1.0),
    2: LevelShares(0.1, 0.1, 0.5),
    4: LevelShares(0.05, 0.05, 0.1),
    8: LevelShares(0.03, 0.03, 0.03),
}
"""By the blocks' edge, in voxels; 8 stands for all larger ones too. Voxels meet the first step only.

The coarser the level, the less its beliefs are to be trusted. `python benchmarks/inference.py --shares 0.3 1 3` prints
speed, mass left out and deviation from the reference, with the rows of 2 and more multiplied by these factors.
"""


@dataclass(frozen=True)
class Budget:
    """What may be dropped of a joint in a frame.

    Attributes:
        neglect: share of the marginal on the finest level, weighted by the distance from the mean, 0 to 1.
        max_pairs: pairs of voxels that one frame may need; a frame that will need more is given up.
    """

    neglect: float
    max_pairs: int


@dataclass(frozen=True, eq=False)
class FineMarginals:
    """Marginals of J joints in F frames on the voxels that matter.

    Attributes:
        sums: (J * F, 10) float64 of `Backend.sum_moments`: the voxels that matter, which add up to 1, and the known
            part of the tail.
        dropped_mass: (J * F,) estimate of the mass of all blocks that were dropped, relative to the voxels kept.
        log_partition: (F,) of the voxels that matter.
        is_given_up: (F,) bool: too many voxels matter, or none is possible; the other fields mean nothing there.
    """

    sums: Float[Tensor, "S 10"]
    dropped_mass: Float[Tensor, " S"]
    log_partition: Float[Tensor, " F"]
    is_given_up: Bool[Tensor, " F"]


def find_marginals(
    evidence: BatchEvidence, tree: Tree, reaches: Mapping[int, Sequence[Reach]], top: BlockMessenger, budget: Budget
) -> FineMarginals:
    """Return the marginals on the voxels that matter.

    Args:
        evidence: of F frames.
        tree: over the joints.
        reaches: by the blocks' edge in voxels: which blocks each edge of the tree joins, in units of that edge.
        top: between all blocks of the coarsest level.
        budget: what may be dropped.
    """
    level = _sum_coarsest(evidence, tree, top)
    is_given_up = ~torch.isfinite(level.log_partition)
    pruner = _Pruner(level.blocks, evidence, budget.neglect)
    while level.blocks.edge > 1 and not bool(is_given_up.all()):
        candidates = _refine(level, pruner, evidence)
        # Of the edge^6 pairs of voxels in a pair of blocks, edge^2 or more will matter.
        is_given_up |= _pairs(candidates.blocks, tree) * candidates.blocks.edge**2 > budget.max_pairs
        if bool(is_given_up.any()):
            candidates = candidates.select((~is_given_up.index_select(0, candidates.blocks.frame)).nonzero().squeeze(1))
        blocks, log_unary = candidates.blocks, candidates.log_unary
        beliefs = evidence.backend.sum_beliefs(blocks, log_unary, tree, reaches[blocks.edge])
        level = _Level(blocks, log_unary, candidates.halves, candidates.guess, beliefs.share, beliefs.log_partition)
        is_given_up |= ~torch.isfinite(level.log_partition)
    sums = evidence.backend.sum_moments(level.belief, evidence.offsets(level.blocks.corner, 1), level.blocks.counts)
    sums = sums + pruner.tail * _belief_over_guess(level).double()[:, None]
    return FineMarginals(sums, pruner.dropped_mass, level.log_partition, is_given_up)


def _pairs(blocks: Blocks, tree: Tree) -> Int[Tensor, " F"]:
    """Return (F,) the number of pairs of blocks, over all edges of the tree."""
    counts = blocks.counts.reshape(blocks.num_joints, -1)
    ends = torch.tensor(tree.edges, dtype=torch.long, device=counts.device).reshape(-1, 2)
    return (counts[ends[:, 0]] * counts[ends[:, 1]]).sum(0)


@dataclass(frozen=True, eq=False)
class _Candidates:
    """Blocks of one edge before the sum-product, and what is known of them.

    Attributes:
        blocks: N blocks.
        log_unary: (N,), a common factor left out.
        halves: (N, 8) log-unaries of their halves; (0, 8) where the views were not asked for them.
        log_others: (N,) what all other joints say of the block's parent: the log of its belief over its unary.
        guess: (N,) share of the marginal, by the unary and the other joints.
    """

    blocks: Blocks
    log_unary: Float[Tensor, " N"]
    halves: Float[Tensor, "M 8"]
    log_others: Float[Tensor, " N"]
    guess: Float[Tensor, " N"]

    def select(self, numbers: Int[Tensor, " M"]) -> _Candidates:
        """Return the blocks of the ascending `numbers`."""
        halves = self.halves.index_select(0, numbers) if len(self.halves) else self.halves
        log_unary, log_others, guess = (
            values.index_select(0, numbers) for values in (self.log_unary, self.log_others, self.guess)
        )
        return _Candidates(self.blocks.select(numbers), log_unary, halves, log_others, guess)


@dataclass(frozen=True, eq=False)
class _Level:
    """Blocks of one edge after the sum-product.

    Attributes:
        blocks: N blocks.
        log_unary: (N,), a common factor left out.
        halves: (N, 8) log-unaries of their halves; (0, 8) for voxels.
        guess: (N,) share of the marginal before the sum-product; the belief on the coarsest level.
        belief: (N,) share of the marginal.
        log_partition: (F,) of the sum-product.
    """

    blocks: Blocks
    log_unary: Float[Tensor, " N"]
    halves: Float[Tensor, "M 8"]
    guess: Float[Tensor, " N"]
    belief: Float[Tensor, " N"]
    log_partition: Float[Tensor, " F"]


def _sum_coarsest(evidence: BatchEvidence, tree: Tree, top: BlockMessenger) -> _Level:
    """Return the level of the largest blocks, all of which take part."""
    blocks = all_blocks(
        evidence.resolution, evidence.num_frames, evidence.num_joints, evidence.values.dtype, evidence.values.device
    )
    halves = evidence.halves(blocks)
    log_unary = torch.logsumexp(halves, 1)
    rows = log_unary.reshape(blocks.num_joints, blocks.num_frames, -1)
    marginals = sum_product(list(rows), tree, top)
    belief = shares_of(torch.cat([values.flatten() for values in marginals.log_beliefs]), blocks)
    return _Level(blocks, log_unary, halves, belief, belief, marginals.log_partition)


def _refine(level: _Level, pruner: _Pruner, evidence: BatchEvidence) -> _Candidates:
    """Return the halves of the blocks that matter, as far as they may matter themselves."""
    edge = level.blocks.edge
    by_belief = LEVEL_SHARES.get(edge, LEVEL_SHARES[8]).by_belief
    candidates = _halve(level, pruner.prune(level.belief, level.blocks, by_belief, is_certain=edge == 2))
    edge //= 2
    shares = LEVEL_SHARES.get(edge, LEVEL_SHARES[8])
    candidates = candidates.select(
        pruner.prune(candidates.guess, candidates.blocks, shares.by_parent_guess, is_certain=edge == 1)
    )
    if edge == 1:
        return candidates
    blocks, log_others = candidates.blocks, candidates.log_others
    halves = evidence.halves(blocks)
    log_unary = torch.logsumexp(halves, 1)
    candidates = _Candidates(blocks, log_unary, halves, log_others, shares_of(log_unary + log_others, blocks))
    return candidates.select(pruner.prune(candidates.guess, blocks, shares.by_own_guess, is_certain=False))


def _halve(level: _Level, numbers: Tensor) -> _Candidates:
    """Return the halves of the level's blocks of the ascending `numbers`, with the unaries that the level knows."""
    # A block that cannot hold the joint (with a floor of 0) says nothing of what is in it.
    log_others = torch.where(level.belief > 0, torch.log(level.belief) - level.log_unary, -math.inf)
    log_others = log_others.index_select(0, numbers).repeat_interleave(8)
    log_unary = level.halves.index_select(0, numbers).flatten()
    blocks = level.blocks.select(numbers).halved()
    return _Candidates(blocks, log_unary, level.halves[:0], log_others, shares_of(log_unary + log_others, blocks))


def _belief_over_guess(level: _Level) -> Tensor:
    """Return (J * F,) how much belief the less likely half of the blocks got, over what was guessed.

    The tail was dropped by the same guess. The least likely blocks among those kept show how wrong it is on average.
    """
    logs = torch.log(level.guess).clamp_min_(_LOWEST_LOG)
    middle = level.blocks.total(logs) / level.blocks.counts.clamp_min(1)
    low = (logs < level.blocks.spread(middle)).to(logs)
    guess = level.blocks.total(level.guess * low)
    ratio = level.blocks.total(level.belief * low) / torch.where(guess > 0, guess, 1)
    return torch.where(guess > 0, ratio.clamp(1 / _LARGEST_RATIO, _LARGEST_RATIO), 1)


class _Pruner:
    """Drops the blocks of least worth within the budget, and keeps account of their mass.

    Attributes:
        dropped_mass: (J * F,) estimate of the mass dropped so far, relative to what is kept.
        tail: (J * F, 10) float64 of `Backend.sum_moments`, of the part of it whose place is known well.
    """

    def __init__(self, blocks: Blocks, evidence: BatchEvidence, neglect: float) -> None:
        self._evidence = evidence
        self._neglect = neglect
        self.dropped_mass = evidence.values.new_zeros(blocks.num_segments)
        self.tail = torch.zeros(blocks.num_segments, 10, dtype=torch.float64, device=self.dropped_mass.device)

    def prune(
        self, mass: Float[Tensor, " N"], blocks: Blocks, budget_share: float, *, is_certain: bool
    ) -> Int[Tensor, " M"]:
        """Return the ascending numbers of the blocks to keep: all but those of least worth that stay within the budget.

        Args:
            mass: (N,) of the marginal; sums to 1 a joint and frame.
            blocks: N blocks.
            budget_share: of the budget, 0 to 1.
            is_certain: the masses are good enough to count those of the dropped blocks as the marginal's tail.
        """
        evidence = self._evidence
        wide = _WIDE_MM / (blocks.edge * evidence.voxel_mm)
        keep = evidence.backend.mark_worthy(mass, blocks, Rule(self._neglect * budget_share, wide))
        rest = blocks.total(mass.masked_fill(~keep, 0))
        scale = torch.where(rest > 0, 1 / rest, 1)
        self.dropped_mass = (self.dropped_mass + blocks.total(mass.masked_fill(keep, 0))) * scale
        if is_certain:
            dropped = (~keep).nonzero().squeeze(1)
            part = blocks.select(dropped)
            points = evidence.offsets(part.corner, blocks.edge)
            sums = evidence.backend.sum_moments(mass.index_select(0, dropped), points, part.counts)
            within_mm2 = (blocks.edge**2 - 1) * evidence.voxel_mm**2 / 12  # the spread within a block
            sums[:, [4, 7, 9]] += sums[:, :1] * within_mm2
            self.tail = self.tail + sums
        self.tail = self.tail * scale.double()[:, None]
        return keep.nonzero().squeeze(1)
