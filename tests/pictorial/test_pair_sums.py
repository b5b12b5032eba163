"""Pair sums against looking at every pair: compiled loops, and matrices whatever the tiles."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.pictorial import pair_sums
from poseharvest.pictorial.blocks import cube_of_blocks
from poseharvest.pictorial.pair_sums import BlockMessenger, Listing, LoopMessenger, TileMessenger, pair_messenger
from poseharvest.pictorial.pairwise import BlockShell, Shell
from poseharvest.pictorial.sum_product import Tree

ROD = Tree(((1, 0),), 2)
MESSENGERS = [LoopMessenger, TileMessenger]


def direct(shell: Shell, targets: torch.Tensor, sources: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    squared = (targets[:, None] - sources[None]).square().sum(-1)
    return ((squared >= shell.min_squared) & (squared <= shell.max_squared)).to(values) @ values


@pytest.mark.parametrize("kind", MESSENGERS)
@given(seed=st.integers(0, 10**6), counts=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40)), min_size=1))
@settings(max_examples=30, deadline=None)
def test_every_frame_gets_its_own_sums(kind, seed, counts):
    generator = torch.Generator().manual_seed(seed)
    shell = Shell(20, 45)
    widths = [max(1, *(c[k] for c in counts)) for k in (0, 1)]
    rows = [torch.randint(0, 12, (len(counts), w, 3), generator=generator).double() for w in widths]
    listings = [Listing(row.movedim(-1, 0), tuple(c[k] for c in counts)) for k, row in enumerate(rows)]
    messenger = kind(listings, ROD, (shell,))
    for joint, send in ((0, messenger.up), (1, messenger.down)):
        values = torch.rand(len(counts), widths[joint], dtype=torch.float64, generator=generator)
        for frame, count in enumerate(counts):
            values[frame, count[joint] :] = 0
        found = send(0, values)
        for frame, count in enumerate(counts):
            targets = rows[1 - joint][frame, : count[1 - joint]]
            sources, weights = rows[joint][frame, : count[joint]], values[frame, : count[joint]]
            expected = direct(shell, targets, sources, weights)
            torch.testing.assert_close(found[frame, : len(targets)], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("pairs", [1, 7, 64, 1000])
def test_the_size_of_a_tile_changes_nothing(pairs, monkeypatch, generator):
    positions = [torch.randint(0, 9, (3, k, 3), generator=generator).float() for k in (17, 23)]
    listings = [Listing(p.movedim(-1, 0), (p.shape[1],) * 3) for p in positions]
    values = torch.rand(3, 17, generator=generator)
    expected = TileMessenger(listings, ROD, (Shell(4, 17),)).up(0, values)
    monkeypatch.setattr(pair_sums, "_PAIRS_A_TILE", pairs)
    found = TileMessenger(listings, ROD, (Shell(4, 17),)).up(0, values)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("kind", MESSENGERS)
def test_single_precision_decides_no_pair(kind):
    """The largest squared distance on a grid of 256 is far below 2^24: every test of a pair is exact."""
    corner, far = torch.zeros(3, 1, 1), torch.full((3, 1, 1), 255.0)
    squared = 3 * 255**2
    for shell, joined in ((Shell(squared, squared), 1), (Shell(0, squared - 1), 0), (Shell(squared + 1, 10**6), 0)):
        messenger = kind([Listing(far, (1,)), Listing(corner, (1,))], ROD, (shell,))
        assert float(messenger.up(0, torch.ones(1, 1))) == joined


@pytest.mark.parametrize("kind", MESSENGERS)
@pytest.mark.parametrize("reach", [Shell(3, 11), BlockShell(2.3, 0.4), BlockShell(3.1, 1.7)], ids=str)
def test_the_matrix_between_all_blocks_says_what_the_pairs_say(kind, reach, generator):
    corner = cube_of_blocks(5, torch.zeros((), dtype=torch.float64))
    listing = Listing(corner[:, None].expand(3, 2, -1), (125, 125))
    values = torch.rand(2, 125, dtype=torch.float64, generator=generator)
    expected = kind([listing, listing], ROD, (reach,)).up(0, values)
    matrices = BlockMessenger(corner, (reach,))
    for send in (matrices.up, matrices.down):
        torch.testing.assert_close(send(0, values), expected)


def test_a_processor_gets_the_loop():
    listing = Listing(torch.zeros(3, 1, 1), (1,))
    assert isinstance(pair_messenger([listing, listing], ROD, (Shell(0, 1),)), LoopMessenger)
