"""Beliefs of listed blocks, against the sum-product message by message and against every pose."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.pictorial.backends.messages import beliefs_by_messages
from poseharvest.pictorial.backends.tensor_backend import TensorBackend
from poseharvest.pictorial.blocks import Blocks
from poseharvest.pictorial.pairwise import BlockShell, Shell
from poseharvest.pictorial.sum_product import Tree

FORK = Tree(((2, 0), (2, 1), (0, 3)), 4)
REACHES = {
    1: (Shell(4, 30), Shell(1, 12), Shell(9, 40)),
    4: (BlockShell(2.3, 0.4), BlockShell(1.2, 0.9), BlockShell(3.1, 0.2)),
}


def some_blocks(counts: list[int], edge: int, num_frames: int, seed: int) -> Blocks:
    """Blocks at different places of a small cube, so many of each joint and frame."""
    generator = torch.Generator().manual_seed(seed)
    places = [torch.randperm(216, generator=generator)[:count] for count in counts]
    number = torch.cat(places)
    corner = torch.stack((number // 36, number // 6 % 6, number % 6)).double()
    segment = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    return Blocks(corner, segment, edge, 6 * edge, num_frames, len(counts) // num_frames)


@given(
    seed=st.integers(0, 10**6),
    counts=st.lists(st.integers(1, 40), min_size=8, max_size=8),
    edge=st.sampled_from([1, 4]),
)
@settings(max_examples=30, deadline=None)
def test_they_are_what_messages_one_by_one_say(backend, seed, counts, edge):
    blocks = some_blocks(counts, edge, 2, seed)
    log_unary = 4 * torch.randn(sum(counts), dtype=torch.float64, generator=torch.Generator().manual_seed(seed + 1))
    expected = beliefs_by_messages(TensorBackend().connect, blocks, log_unary, FORK, REACHES[edge])
    found = backend.sum_beliefs(blocks, log_unary, FORK, REACHES[edge])
    torch.testing.assert_close(found.share, expected.share, rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(found.log_partition, expected.log_partition, rtol=1e-12, atol=1e-9)


def test_they_are_the_sums_over_all_poses(backend):
    blocks = some_blocks([7, 5, 6, 4], 1, 1, seed=4)
    log_unary = torch.randn(22, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    found = backend.sum_beliefs(blocks, log_unary, FORK, REACHES[1])
    joints = [blocks.corner.T[blocks.segment == joint] for joint in range(4)]
    weights = [log_unary[blocks.segment == joint].exp() for joint in range(4)]

    def joined(edge: int) -> torch.Tensor:
        first, second = FORK.edges[edge]
        squared = (joints[first][:, None] - joints[second]).square().sum(-1)
        shell = REACHES[1][edge]
        return ((squared >= shell.min_squared) & (squared <= shell.max_squared)).double()

    poses = torch.einsum("a,b,c,d,ca,cb,ad->abcd", *weights, joined(0), joined(1), joined(2))
    assert float(poses.sum()) > 0
    assert float(found.log_partition[0].exp()) == pytest.approx(float(poses.sum()))
    marginals = [poses.sum([axis for axis in range(4) if axis != joint]) for joint in range(4)]
    torch.testing.assert_close(found.share, torch.cat(marginals) / poses.sum())


def test_an_impossible_frame_has_no_beliefs_and_leaves_the_others_alone(backend):
    blocks = some_blocks([9] * 8, 1, 2, seed=1)
    log_unary = torch.zeros(72, dtype=torch.float64)
    alone = backend.sum_beliefs(blocks, log_unary, FORK, REACHES[1])
    log_unary[blocks.segment == 2] = -torch.inf  # joint 1 in frame 0
    found = backend.sum_beliefs(blocks, log_unary, FORK, REACHES[1])
    assert float(found.log_partition[0]) == -torch.inf
    assert bool((found.share[blocks.frame == 0] == 0).all())
    torch.testing.assert_close(found.share[blocks.frame == 1], alone.share[blocks.frame == 1])
