"""Sums by columns of voxels, against looking at every pair."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.pictorial.backends.compiled_backend import CompiledBackend
from poseharvest.pictorial.blocks import Listing
from poseharvest.pictorial.pairwise import Shell
from poseharvest.pictorial.sum_product import Tree

ROD = Tree(((1, 0),), 2)
BY_COLUMNS = CompiledBackend(most_pairs=0)


def listed(points: torch.Tensor) -> Listing:
    return Listing(points.T[:, None].contiguous(), (len(points),))


def sums(backend: CompiledBackend, sources: torch.Tensor, targets: torch.Tensor, shell: Shell, values: torch.Tensor):
    return backend.connect([listed(sources), listed(targets)], ROD, (shell,)).up(0, values[None])[0]


def direct(sources: torch.Tensor, targets: torch.Tensor, shell: Shell, values: torch.Tensor) -> torch.Tensor:
    squares = (targets[:, None] - sources[None]).square().sum(-1)
    return ((squares >= shell.min_squared) & (squares <= shell.max_squared)).to(values) @ values


def slab(lengths: tuple[int, int, int], low: tuple[int, int, int]) -> torch.Tensor:
    """All voxels of a box, (N, 3)."""
    axes = [torch.arange(start, start + n).double() for start, n in zip(low, lengths, strict=True)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("shell", [Shell(0, 4), Shell(9, 30), Shell(100, 170), Shell(3000, 9000)], ids=str)
def test_boxes_long_along_any_axis(axis, shell, generator):
    """Runs longer than the lanes that are summed together, with gaps, farther apart along one axis than a shell."""
    lengths = [4, 3, 5]
    lengths[axis] = 41
    sources, targets = slab(tuple(lengths), (2, 5, 1)), slab((7, 19, 6), (0, 20, 4))
    sources = sources[torch.rand(len(sources), generator=generator) < 0.7]
    sources = sources[torch.randperm(len(sources), generator=generator)]
    values = torch.rand(len(sources), dtype=torch.float64, generator=generator)
    found = sums(BY_COLUMNS, sources, targets, shell, values)
    torch.testing.assert_close(found, direct(sources, targets, shell, values), rtol=0, atol=1e-12)


@given(seed=st.integers(0, 10**6), least=st.integers(0, 40), width=st.integers(0, 60), side=st.integers(1, 14))
@settings(max_examples=40, deadline=None)
def test_any_voxels_and_any_shell(seed, least, width, side):
    generator = torch.Generator().manual_seed(seed)
    sources, targets = (torch.randint(0, side, (n, 3), generator=generator).double() for n in (60, 45))
    values, shell = torch.rand(60, dtype=torch.float64, generator=generator), Shell(least, least + width)
    found = sums(BY_COLUMNS, sources, targets, shell, values)
    torch.testing.assert_close(found, direct(sources, targets, shell, values), rtol=0, atol=1e-12)


def test_small_values_are_not_lost_beside_large_ones_in_single_precision():
    """A column starts with a value of 1; the shell joins one of 1e-12 beyond it."""
    sources = torch.tensor([[0.0, 0.0, 0.0], [9.0, 0.0, 0.0]])
    targets = torch.tensor([[12.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    found = sums(BY_COLUMNS, sources, targets, Shell(9, 9), torch.tensor([1.0, 1e-12]))
    torch.testing.assert_close(found, torch.tensor([1e-12, 0.0]), rtol=1e-3, atol=0)


def test_both_ways_agree_on_either_side_of_the_limit(generator):
    sources, targets = slab((6, 7, 8), (0, 0, 0)), slab((5, 6, 9), (3, 3, 3))
    values = torch.rand(len(sources), dtype=torch.float64, generator=generator)
    by_pairs = CompiledBackend(most_pairs=len(sources) * len(targets))
    by_columns = CompiledBackend(most_pairs=len(sources) * len(targets) - 1)
    found, expected = (sums(backend, sources, targets, Shell(5, 20), values) for backend in (by_columns, by_pairs))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
