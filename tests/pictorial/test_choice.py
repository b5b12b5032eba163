"""Which blocks are kept: within the budget, and the same by loop and by tensor operations."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.pictorial.blocks import Blocks, cube_of_blocks
from poseharvest.pictorial.choice import worth_keeping, worth_keeping_by_tensors
from poseharvest.pictorial.rule import Rule

WAYS = [worth_keeping, worth_keeping_by_tensors]


def random_shares(seed: int, counts: list[int]) -> tuple[torch.Tensor, Blocks]:
    """Shares of as many joints as there are counts, each summing to 1, of different blocks of a cube."""
    generator = torch.Generator().manual_seed(seed)
    cube = cube_of_blocks(10, torch.zeros((), dtype=torch.float64))
    corners, shares = [], []
    for count in counts:
        corners.append(cube[:, torch.randperm(1000, generator=generator)[:count].sort().values])
        share = torch.rand(count, dtype=torch.float64, generator=generator) ** 12
        shares.append(share / share.sum())
    segment = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    return torch.cat(shares), Blocks(torch.cat(corners, 1), segment, 4, 40, 1, len(counts))


@pytest.mark.parametrize("way", WAYS)
@given(seed=st.integers(0, 10**6), budget=st.floats(0, 0.5))
@settings(max_examples=30, deadline=None)
def test_what_is_dropped_stays_within_the_budget(way, seed, budget):
    share, blocks = random_shares(seed, [1000])
    keep = way(share, blocks, Rule(budget))
    assert float(share[~keep].sum()) <= budget * (1 + 1e-6) + 1e-30  # single precision
    assert int(keep.sum()) >= 100


@given(seed=st.integers(0, 10**6), budget=st.floats(1e-4, 0.5), wide=st.floats(0.1, 10))
@settings(max_examples=40, deadline=None)
def test_the_loop_keeps_what_the_tensors_keep(seed, budget, wide):
    share, blocks = random_shares(seed, [1000, 150, 99, 1, 400])
    loop, tensors = (way(share, blocks, Rule(budget, wide)) for way in WAYS)
    # A worth on the border of a bin may fall to either side by rounding.
    assert float((loop != tensors).double().mean()) < 0.02
    for joint, number in enumerate([1000, 150, 99, 1, 400]):
        assert int(loop[blocks.segment == joint].sum()) >= min(number, 100)


def test_far_blocks_are_worth_more():
    """Of two blocks of one share the nearer goes first."""
    corner = torch.zeros(3, 302)
    corner[0, 0], corner[0, 1] = 1, 40
    share = torch.full((302,), 1.0)
    share[:2] = 1e-3
    share /= share.sum()
    blocks = Blocks(corner, torch.zeros(302, dtype=torch.long), 1, 64, 1, 1)
    for way in WAYS:
        keep = way(share, blocks, Rule(1e-4))
        assert keep[:2].tolist() == [False, True]
        assert bool(keep[2:].all())


def test_far_is_measured_by_the_marginals_shape():
    """Along a line of 300 blocks, of two blocks of one share beside it the one off the line goes last."""
    corner = torch.zeros(3, 302)
    corner[0, 2:] = torch.arange(300) - 149.5
    corner[0, 0], corner[1, 1] = 30, 30
    share = torch.full((302,), 1.0)
    share[:2] = 1e-2
    share /= share.sum()
    blocks = Blocks(corner, torch.zeros(302, dtype=torch.long), 1, 64, 1, 1)
    for way in WAYS:
        assert way(share, blocks, Rule(1e-4))[:2].tolist() == [False, True]
