"""Which blocks are worth keeping."""

from __future__ import annotations

import torch
from torch import Tensor

from poseharvest.pictorial.blocks import Blocks
from poseharvest.pictorial.rule import Rule

_BIN_SHIFT = 22  # of a float's bits: what is left counts half octaves
_NUM_BINS = 1 << 9


def worth_keeping(share: Tensor, blocks: Blocks, rule: Rule) -> Tensor:
    """Return (N,) bool: all but the blocks of least worth that together stay within the budget.

    A block's worth is its share of the marginal, times 1 + the square of its distance from the mean over the
    variance. The threshold is one for all blocks of a joint in a frame, read from a histogram of half octaves.

    Args:
        share: (N,) of the marginal; sums to 1 a joint and frame.
        blocks: N blocks.
        rule: what may be dropped.
    """
    if share.device.type == "cpu":
        return _worth_keeping_by_loop(share, blocks, rule)
    return worth_keeping_by_tensors(share, blocks, rule)


def _worth_keeping_by_loop(share: Tensor, blocks: Blocks, rule: Rule) -> Tensor:
    from poseharvest.pictorial.kernels.shares import mark_worthy

    keep = torch.empty_like(share, dtype=torch.bool)
    corner = blocks.corner.float().contiguous()
    mark_worthy(share.float().numpy(), corner.numpy(), blocks.counts.numpy(), rule, keep.numpy())
    return keep


def worth_keeping_by_tensors(share: Tensor, blocks: Blocks, rule: Rule) -> Tensor:
    """Return what `worth_keeping` does, on any device."""
    distance = torch.zeros_like(share)
    for position in blocks.corner:
        distance += (position - blocks.spread(blocks.total(share * position))).square_()
    variance = blocks.total(share * distance) + rule.spread_in_block
    worth = (share * (1 + distance * blocks.spread(1 / variance))).float()
    bins = worth.view(torch.int32) >> _BIN_SHIFT
    place = blocks.segment * _NUM_BINS + bins
    length = blocks.num_segments * _NUM_BINS
    spent = torch.bincount(place, worth, length).reshape(-1, _NUM_BINS).cumsum(1)
    count = torch.bincount(place, minlength=length).reshape(-1, _NUM_BINS)
    left = count.sum(1, keepdim=True) - count.cumsum(1)
    most = rule.budget * (rule.wide**2 / variance).clamp(max=1)
    affordable = ((spent <= most[:, None]) & (left >= rule.always_kept)).sum(1)
    return bins >= blocks.spread(affordable)
