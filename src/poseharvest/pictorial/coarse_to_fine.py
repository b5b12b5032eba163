"""Sum-product from coarse blocks of voxels to the voxels that matter (Sec. 3.2, Eq. 4).

On every level the whole sum-product runs on the blocks that are left. The way to the next level has named steps:

1. `_Pruner.prune_after_belief` drops the blocks with the least belief.
2. `_halve` cuts the others along every axis. A half's guess is its unary times what the other joints say of its parent.
3. `_Pruner.prune_by_parent_guess` drops the halves with the least guess. Voxels are then ready to be summed.
4. `_look_inside` asks the views for the halves of these blocks, which makes unary and guess better.
5. `_Pruner.prune_by_own_guess` drops the blocks with the least guess again.
6. `_sum` runs the sum-product.

A block's unary is the sum of its halves', each of them about the mean over the voxels in it, so that a peak between the
blocks' middles is not missed. For blocks of two voxels along an edge it is exact.

A block's share of the marginal counts the more, the farther it lies from the joint's mean, as the marginal's own
covariance measures it (`rule.Rule`): a little mass far away moves a variance as much as a lot nearby, this joint's or a
neighbour's. The mass of dropped blocks is added up and reported. Where it is known well, which is from blocks of two
voxels downwards, its moments are kept: the marginal's tail then comes from its blocks and is not lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.pictorial.backends.pair_matrices import BlockMessenger
from poseharvest.pictorial.blocks import Blocks, Rows, all_blocks
from poseharvest.pictorial.evidence import BatchEvidence
from poseharvest.pictorial.pairwise import Reach
from poseharvest.pictorial.posterior import Masses
from poseharvest.pictorial.rule import Rule
from poseharvest.pictorial.shapes import Bool, Float, Int
from poseharvest.pictorial.sum_product import Messenger, Tree, sum_product

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
        masses: of the marginals: the voxels that matter, mass 1, and the tail as far as it is known.
        dropped_mass: (J * F,) estimate of the mass of all blocks that were dropped, relative to the voxels kept.
        log_partition: (F,) of the voxels that matter.
        is_given_up: (F,) bool: too many voxels matter, or none is possible; the other fields mean nothing there.
    """

    masses: Masses
    dropped_mass: Float[Tensor, " S"]
    log_partition: Float[Tensor, " F"]
    is_given_up: Bool[Tensor, " F"]


def find_marginals(
    evidence: BatchEvidence, tree: Tree, reaches: Callable[[int], Sequence[Reach]], top: BlockMessenger, budget: Budget
) -> FineMarginals:
    """Return the marginals on the voxels that matter.

    Args:
        evidence: of F frames.
        tree: over the joints.
        reaches: which blocks of an edge (in voxels) each edge of the tree joins, in units of that edge.
        top: between all blocks of the coarsest level.
        budget: what may be dropped.
    """
    level = _sum_coarsest(evidence, tree, top)
    is_given_up = ~torch.isfinite(level.log_partition)
    pruner = _Pruner(level.blocks, evidence, budget.neglect)
    while level.blocks.edge > 1 and not bool(is_given_up.all()):
        candidates = _refine(level, pruner, evidence)
        rows = Rows(candidates.blocks)
        # Of the edge^6 pairs of voxels in a pair of blocks, edge^2 or more will matter.
        num_pairs = torch.tensor(rows.pairs(tree), device=is_given_up.device) * candidates.blocks.edge**2
        is_given_up |= num_pairs > budget.max_pairs
        if bool(is_given_up.any()):
            candidates = candidates.select((~is_given_up.index_select(0, candidates.blocks.frame)).nonzero().squeeze(1))
            rows = Rows(candidates.blocks)
        messenger = evidence.backend.connect(rows.listings(), tree, reaches(candidates.blocks.edge))
        level = _sum(candidates, rows, tree, messenger)
        is_given_up |= ~torch.isfinite(level.log_partition)
    sums = evidence.backend.sum_moments(level.belief, evidence.offsets(level.blocks.corner, 1), level.blocks.counts)
    tail = pruner.tail.scaled(_belief_over_guess(level))
    return FineMarginals(Masses.of(sums).plus(tail), pruner.dropped_mass, level.log_partition, is_given_up)


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
    blocks = all_blocks(evidence.resolution, evidence.num_frames, evidence.num_joints, evidence.values)
    halves = evidence.halves(blocks)
    log_unary = torch.logsumexp(halves, 1)
    rows = log_unary.reshape(blocks.num_joints, blocks.num_frames, -1)
    marginals = sum_product(list(rows), tree, top)
    belief = _shares(torch.cat([values.flatten() for values in marginals.log_beliefs]), blocks)
    return _Level(blocks, log_unary, halves, belief, belief, marginals.log_partition)


def _refine(level: _Level, pruner: _Pruner, evidence: BatchEvidence) -> _Candidates:
    """Return the halves of the blocks that matter, as far as they may matter themselves."""
    numbers = pruner.prune_after_belief(level)
    candidates = pruner.prune_by_parent_guess(_halve(level, numbers))
    if candidates.blocks.edge == 1:
        return candidates
    return pruner.prune_by_own_guess(_look_inside(candidates, evidence))


def _halve(level: _Level, numbers: Tensor) -> _Candidates:
    """Return the halves of the level's blocks of the ascending `numbers`, with the unaries that the level knows."""
    # A block that cannot hold the joint (with a floor of 0) says nothing of what is in it.
    log_others = torch.where(level.belief > 0, torch.log(level.belief) - level.log_unary, -math.inf)
    log_others = log_others.index_select(0, numbers).repeat_interleave(8)
    log_unary = level.halves.index_select(0, numbers).flatten()
    blocks = level.blocks.select(numbers).halved()
    return _Candidates(blocks, log_unary, level.halves[:0], log_others, _shares(log_unary + log_others, blocks))


def _look_inside(candidates: _Candidates, evidence: BatchEvidence) -> _Candidates:
    """Return the candidates with unaries and guesses from what the views show at their halves."""
    halves = evidence.halves(candidates.blocks)
    log_unary = torch.logsumexp(halves, 1)
    guess = _shares(log_unary + candidates.log_others, candidates.blocks)
    return _Candidates(candidates.blocks, log_unary, halves, candidates.log_others, guess)


def _sum(candidates: _Candidates, rows: Rows, tree: Tree, messenger: Messenger) -> _Level:
    """Return the candidates with their beliefs after the sum-product; `rows` are those of their blocks."""
    marginals = sum_product(rows.padded(candidates.log_unary, -math.inf), tree, messenger)
    belief = _shares(rows.flat(marginals.log_beliefs), candidates.blocks)
    return _Level(
        candidates.blocks,
        candidates.log_unary,
        candidates.halves,
        candidates.guess,
        belief,
        marginals.log_partition,
    )


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
        tail: the part of it whose place is known well.
    """

    def __init__(self, blocks: Blocks, evidence: BatchEvidence, neglect: float) -> None:
        self._evidence = evidence
        self._neglect = neglect
        self.dropped_mass = evidence.values.new_zeros(blocks.num_segments)
        self.tail = Masses.none(blocks.num_segments, self.dropped_mass.device)

    def prune_after_belief(self, level: _Level) -> Int[Tensor, " M"]:
        """Return the ascending numbers of the blocks to halve."""
        edge = level.blocks.edge
        return self._prune(level.belief, level.blocks, _shares_of(edge).by_belief, is_certain=edge == 2)

    def prune_by_parent_guess(self, candidates: _Candidates) -> _Candidates:
        """Return the halves to look into; of voxels those to sum over."""
        blocks = candidates.blocks
        share = _shares_of(blocks.edge).by_parent_guess
        return candidates.select(self._prune(candidates.guess, blocks, share, is_certain=blocks.edge == 1))

    def prune_by_own_guess(self, candidates: _Candidates) -> _Candidates:
        """Return the blocks to sum over, by what the views show in them."""
        share = _shares_of(candidates.blocks.edge).by_own_guess
        return candidates.select(self._prune(candidates.guess, candidates.blocks, share, is_certain=False))

    def _prune(self, mass: Tensor, blocks: Blocks, budget_share: float, *, is_certain: bool) -> Tensor:
        """Return the numbers of the blocks to keep: all but those of least worth that stay within the budget.

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
            self.tail = self.tail.plus(self._masses_of(mass, blocks, (~keep).nonzero().squeeze(1)))
        self.tail = self.tail.scaled(scale)
        return keep.nonzero().squeeze(1)

    def _masses_of(self, mass: Tensor, blocks: Blocks, numbers: Tensor) -> Masses:
        """Return the moments of the blocks of the ascending `numbers`, each with the spread within it."""
        part = blocks.select(numbers)
        points = self._evidence.offsets(part.corner, blocks.edge)
        sums = self._evidence.backend.sum_moments(mass.index_select(0, numbers), points, part.counts)
        within = (blocks.edge**2 - 1) * self._evidence.voxel_mm**2 / 12
        return Masses.of(sums).spread_by(within)


def _shares_of(edge: int) -> LevelShares:
    return LEVEL_SHARES[min(edge, max(LEVEL_SHARES))]


def _shares(log_belief: Tensor, blocks: Blocks) -> Tensor:
    """Return beliefs (N,) scaled to a sum of 1 a joint and frame."""
    top = blocks.largest(log_belief)
    top = torch.where(torch.isfinite(top), top, 0)
    values = torch.exp(log_belief - blocks.spread(top))
    total = blocks.total(values)
    return values * blocks.spread(torch.where(total > 0, 1 / total, 1))
