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

    A block's worth is its share of the marginal, times 1 + a third of its squared Mahalanobis distance from the mean:
    across a thin marginal, a few voxels away is far. The threshold is one for all blocks of a joint in a frame, read
    from a histogram of half octaves.

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
    mean = torch.stack([blocks.total(share * position) for position in blocks.corner], 1)
    offset = blocks.corner.T - blocks.spread(mean)
    cov = blocks.total((share[:, None] * offset)[:, :, None] * offset[:, None])
    cov = cov + torch.eye(3).to(cov) * (rule.spread_in_block / 3)
    squares = torch.einsum("na,nab,nb->n", offset, blocks.spread(torch.linalg.inv(cov)), offset)
    variance = cov.diagonal(dim1=1, dim2=2).sum(1)
    worth = (share * (1 + squares / 3)).float()
    bins = worth.view(torch.int32) >> _BIN_SHIFT
    place = blocks.segment * _NUM_BINS + bins
    length = blocks.num_segments * _NUM_BINS
    spent = torch.bincount(place, worth, length).reshape(-1, _NUM_BINS).cumsum(1)
    count = torch.bincount(place, minlength=length).reshape(-1, _NUM_BINS)
    left = count.sum(1, keepdim=True) - count.cumsum(1)
    most = rule.budget * (rule.wide**2 / variance).clamp(max=1)
    affordable = ((spent <= most[:, None]) & (left >= rule.always_kept)).sum(1)
    return bins >= blocks.spread(affordable)
