"""Messages between listed positions, between all blocks and over the whole grid, against looking at every pair."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pictorial_kit import joined, voxels
from poseharvest.pictorial.backends.backend import Backend
from poseharvest.pictorial.backends.fft import GridMessenger
from poseharvest.pictorial.backends.pair_matrices import BlockMessenger
from poseharvest.pictorial.backends.tensor_backend import TensorBackend
from poseharvest.pictorial.blocks import Listing, cube_of_blocks
from poseharvest.pictorial.pairwise import BlockShell, Shell
from poseharvest.pictorial.sum_product import Messenger, Tree

ROD = Tree(((1, 0),), 2)


def direct(shell: Shell, targets: torch.Tensor, sources: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    squared = (targets[:, None] - sources[None]).square().sum(-1)
    return ((squared >= shell.min_squared) & (squared <= shell.max_squared)).to(values) @ values


@given(seed=st.integers(0, 10**6), counts=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40)), min_size=1))
@settings(max_examples=30, deadline=None)
def test_every_frame_gets_its_own_sums(backend, seed, counts):
    generator = torch.Generator().manual_seed(seed)
    shell = Shell(20, 45)
    widths = [max(1, *(c[k] for c in counts)) for k in (0, 1)]
    rows = [torch.randint(0, 12, (len(counts), w, 3), generator=generator).double() for w in widths]
    listings = [Listing(row.movedim(-1, 0), tuple(c[k] for c in counts)) for k, row in enumerate(rows)]
    messenger = backend.connect(listings, ROD, (shell,))
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
def test_the_size_of_a_tile_changes_nothing(pairs, generator):
    positions = [torch.randint(0, 9, (3, k, 3), generator=generator).float() for k in (17, 23)]
    listings = [Listing(p.movedim(-1, 0), (p.shape[1],) * 3) for p in positions]
    values = torch.rand(3, 17, generator=generator)
    found, expected = (
        tensors.connect(listings, ROD, (Shell(4, 17),)).up(0, values)
        for tensors in (TensorBackend(pairs_a_tile=pairs), TensorBackend())
    )
    torch.testing.assert_close(found, expected)


def test_single_precision_decides_no_pair(backend):
    """The largest squared distance on a grid of 256 is far below 2^24: every test of a pair is exact."""
    corner, far = torch.zeros(3, 1, 1), torch.full((3, 1, 1), 255.0)
    squared = 3 * 255**2
    for shell, number in ((Shell(squared, squared), 1), (Shell(0, squared - 1), 0), (Shell(squared + 1, 10**6), 0)):
        messenger = backend.connect([Listing(far, (1,)), Listing(corner, (1,))], ROD, (shell,))
        assert float(messenger.up(0, torch.ones(1, 1))) == number


@pytest.mark.parametrize("reach", [Shell(3, 11), BlockShell(2.3, 0.4), BlockShell(3.1, 1.7)], ids=str)
def test_the_matrix_between_all_blocks_says_what_the_pairs_say(backend, reach, generator):
    corner = cube_of_blocks(5, torch.zeros((), dtype=torch.float64))
    listing = Listing(corner[:, None].expand(3, 2, -1), (125, 125))
    values = torch.rand(2, 125, dtype=torch.float64, generator=generator)
    expected = backend.connect([listing, listing], ROD, (reach,)).up(0, values)
    matrices = BlockMessenger(corner, (reach,))
    for send in (matrices.up, matrices.down):
        torch.testing.assert_close(send(0, values), expected)


@pytest.mark.parametrize("reach", [Shell(3, 11), BlockShell(2.3, 0.4)], ids=str)
def test_logarithms_of_messages_are_those_of_the_sums(backend, reach, generator):
    corner = cube_of_blocks(4, torch.zeros((), dtype=torch.float64))
    listing = Listing(corner[:, None].expand(3, 2, -1), (64, 64))
    messenger = backend.connect([listing, listing], ROD, (reach,))
    log_values = 500 * torch.randn(2, 64, dtype=torch.float64, generator=generator)  # too far apart for their values
    for log_send, send in ((messenger.log_up, messenger.up), (messenger.log_down, messenger.down)):
        top = log_values.amax(1, keepdim=True)
        sums = send(0, (log_values - top).exp())
        log_sums, log_scale = log_send(0, log_values)
        torch.testing.assert_close(log_sums + log_scale[:, None], sums.log() + top)
        torch.testing.assert_close(log_sums.amax(1), torch.zeros(2, dtype=torch.float64))
        impossible = log_send(0, torch.full_like(log_values, -torch.inf))
        assert bool((impossible.log_values == -torch.inf).all())
        assert bool((impossible.log_scale == -torch.inf).all())


def listed_grid(backend: Backend, dims: tuple[int, int, int], shell: Shell) -> Messenger:
    """The backend's messenger between all voxels of a grid."""
    listing = Listing(voxels(dims).T[:, None].double(), (math.prod(dims),))
    return backend.connect([listing, listing], ROD, (shell,))


def direct_sums(dims: tuple[int, int, int], shell: Shell, values: torch.Tensor) -> torch.Tensor:
    return joined(shell, dims).double() @ values.flatten()


@pytest.mark.parametrize(("dims", "shell"), [((12, 12, 12), Shell(14, 35)), ((3, 9, 5), Shell(20, 30))], ids=str)
def test_a_message_over_a_grid_equals_the_direct_pair_sum(backend, dims, shell, generator):
    values = torch.rand(1, *dims, dtype=torch.float64, generator=generator)
    grid, listed = GridMessenger(dims, (shell,), values), listed_grid(backend, dims, shell)
    for found in (
        grid.up(0, values),
        grid.down(0, values),
        listed.up(0, values.flatten(1)),
        listed.down(0, values.flatten(1)),
    ):
        torch.testing.assert_close(found.flatten(), direct_sums(dims, shell, values), rtol=0, atol=1e-10)
