"""Checks of values: what is refused, and what is not."""

from __future__ import annotations

import pytest
import torch

from poseharvest.checks import check_finite
from poseharvest.errors import ShapeError

LARGEST = torch.finfo(torch.float32).max


@pytest.mark.parametrize("wrong", [[torch.nan], [torch.inf], [-torch.inf], [torch.inf, -torch.inf]])
def test_numbers_that_are_not_finite_are_counted(wrong):
    values = torch.zeros(3, 5)
    values[1, : len(wrong)] = torch.tensor(wrong)
    with pytest.raises(ShapeError, match=f"maps: expected finite numbers, got {len(wrong)} of 15 NaN or infinite"):
        check_finite("maps", values)


@pytest.mark.parametrize(
    "values", [torch.zeros(0, 4), torch.arange(6), torch.tensor([True, False]), torch.full((4,), LARGEST)]
)
def test_finite_numbers_pass_even_if_their_sum_overflows(values):
    check_finite("maps", values)
