"""Which blocks are kept: within the budget, and those that the rule names."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.pictorial.blocks import Blocks, cube_of_blocks
from poseharvest.pictorial.rule import Rule


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


@given(seed=st.integers(0, 10**6), budget=st.floats(0, 0.5))
@settings(max_examples=30, deadline=None)
def test_what_is_dropped_stays_within_the_budget(backend, seed, budget):
    share, blocks = random_shares(seed, [1000])
    keep = backend.mark_worthy(share, blocks, Rule(budget))
    assert float(share[~keep].sum()) <= budget * (1 + 1e-6) + 1e-30  # single precision
    assert int(keep.sum()) >= 100


def named_by_the_rule(share: torch.Tensor, blocks: Blocks, rule: Rule) -> torch.Tensor:
    """The same joint by joint, with the blocks in the order of their worth."""
    keep = torch.ones(len(share), dtype=torch.bool)
    for joint in range(blocks.num_joints):
        numbers = (blocks.segment == joint).nonzero().squeeze(1)
        weights, places = share[numbers], blocks.corner[:, numbers]
        cov = torch.cov(places, correction=0, aweights=weights).reshape(3, 3) + torch.eye(3) * rule.spread_in_block / 3
        offset = places - (places @ weights)[:, None]
        worth = weights * (1 + (offset * torch.linalg.solve(cov, offset)).sum(0) / 3)
        mantissa, exponent = torch.frexp(worth)
        bins = 2 * exponent + (mantissa >= 0.75)  # half octaves: 0.5 to 0.75 to 1
        most = rule.budget * min(rule.wide**2 / float(cov.trace()), 1)
        for value in bins.unique():
            is_below = bins <= value
            if float(worth[is_below].sum()) > most or int((~is_below).sum()) < rule.always_kept:
                break
            keep[numbers[is_below]] = False
    return keep


@given(seed=st.integers(0, 10**6), budget=st.floats(1e-4, 0.5), wide=st.floats(0.1, 10))
@settings(max_examples=40, deadline=None)
def test_what_is_kept_is_what_the_rule_names(backend, seed, budget, wide):
    share, blocks = random_shares(seed, [1000, 150, 99, 1, 400])
    keep = backend.mark_worthy(share, blocks, Rule(budget, wide))
    # A worth on the border of a bin may fall to either side by rounding.
    assert float((keep != named_by_the_rule(share, blocks, Rule(budget, wide))).double().mean()) < 0.02
    for joint, number in enumerate([1000, 150, 99, 1, 400]):
        assert int(keep[blocks.segment == joint].sum()) >= min(number, 100)


def test_far_blocks_are_worth_more(backend):
    """Of two blocks of one share the nearer goes first."""
    corner = torch.zeros(3, 302)
    corner[0, 0], corner[0, 1] = 1, 40
    share = torch.full((302,), 1.0)
    share[:2] = 1e-3
    share /= share.sum()
    blocks = Blocks(corner, torch.zeros(302, dtype=torch.long), 1, 64, 1, 1)
    keep = backend.mark_worthy(share, blocks, Rule(1e-4))
    assert keep[:2].tolist() == [False, True]
    assert bool(keep[2:].all())


def test_far_is_measured_by_the_marginals_shape(backend):
    """Along a line of 300 blocks, of two blocks of one share beside it the one off the line goes last."""
    corner = torch.zeros(3, 302)
    corner[0, 2:] = torch.arange(300) - 149.5
    corner[0, 0], corner[1, 1] = 30, 30
    share = torch.full((302,), 1.0)
    share[:2] = 1e-2
    share /= share.sum()
    blocks = Blocks(corner, torch.zeros(302, dtype=torch.long), 1, 64, 1, 1)
    assert backend.mark_worthy(share, blocks, Rule(1e-4))[:2].tolist() == [False, True]
