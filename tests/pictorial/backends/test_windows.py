"""Means of heatmaps' powers over windows, against a sum over every window."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from poseharvest.pictorial.backends.compiled_backend import CompiledBackend
from poseharvest.pictorial.backends.tensor_backend import TensorBackend


def over_every_window(values: Tensor, floors: Tensor, powers: Tensor, radius: int) -> Tensor:
    added, exponents = floors[:, None, :, None, None], powers[:, None, :, None, None]
    raised = (values.clamp_min(0) + added) ** exponents - added**exponents
    padded = torch.nn.functional.pad(raised, (2 * radius + 1,) * 4)
    span = 2 * radius + 1
    return padded.unfold(-2, span, 1).unfold(-2, span, 1).mean((-2, -1))


def some_maps(seed: int, share: float, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    """Maps of noise, of which only a share is not zero; floors and powers of each frame and joint."""
    generator = torch.Generator().manual_seed(seed)
    shape = (2, 2, 3, 11, 14)
    values = torch.rand(*shape, dtype=dtype, generator=generator) - 0.1
    values = values * (torch.rand(*shape, generator=generator) < share)
    floors = 0.1 * torch.rand(2, 3, dtype=dtype, generator=generator)
    powers = torch.tensor([1, 2, 4])[torch.randint(3, (2, 3), generator=generator)]
    return values, floors, powers


@pytest.mark.parametrize("radius", [0, 1, 4, 7])
@pytest.mark.parametrize("share", [1.0, 0.02, 0.0])
def test_means_are_those_over_every_window(backend, radius, share):
    values, floors, powers = some_maps(5, share)
    found = backend.average_powers(values, floors, powers, radius)
    torch.testing.assert_close(found, over_every_window(values, floors, powers, radius), rtol=1e-9, atol=1e-15)


@given(st.integers(0, 10**6), st.floats(0, 1), st.integers(0, 8))
def test_both_backends_agree(seed, share, radius):
    values, floors, powers = some_maps(seed, share)
    first, second = (one.average_powers(values, floors, powers, radius) for one in (CompiledBackend(), TensorBackend()))
    torch.testing.assert_close(first, second, rtol=1e-9, atol=1e-15)


def test_small_values_are_not_lost_beside_large_ones(backend):
    """In single precision, with the floor of the paper: what is zero stays zero, what is small keeps its digits."""
    values = torch.zeros(1, 1, 1, 9, 40)
    values[..., 4, 3], values[..., 4, 33] = 1.0, 1e-6
    found = backend.average_powers(values, torch.zeros(1, 1), torch.full((1, 1), 4), 2)
    torch.testing.assert_close(found[0, 0, 0, 7, 36], torch.tensor(1e-24 / 25), rtol=1e-5, atol=0)
    assert float(found[0, 0, 0, 7, 20]) == 0


def test_a_floor_makes_no_zero_larger(backend):
    found = backend.average_powers(torch.zeros(1, 1, 1, 8, 8), torch.full((1, 1), 0.013), torch.full((1, 1), 4), 2)
    assert float(found.abs().max()) == 0
