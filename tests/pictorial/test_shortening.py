"""Why shells are enlarged (docs/method.md, choice D5): the law by which a shell shortens a limb of two joints."""

import pytest
import torch
from scipy.stats import truncnorm

from poseharvest.pictorial.backends.fft import GridMessenger
from poseharvest.pictorial.pairwise import limb_shell
from poseharvest.pictorial.sum_product import Tree, sum_product

# Oblique, so that the grid favours no side of the shell.
DIMS = (45, 42, 37)
PARENT, CHILD = (12.3, 11.6, 11.9), (32.0, 29.0, 24.3)
LIMB = torch.tensor(CHILD, dtype=torch.float64) - torch.tensor(PARENT, dtype=torch.float64)
LENGTH = float(LIMB.norm())


def log_blob(middle, sigma_along, sigma_across):
    """A Gaussian of the given widths along and across the limb."""
    axes = [torch.arange(n, dtype=torch.float64) - m for n, m in zip(DIMS, middle, strict=True)]
    offsets = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)
    along = offsets @ (LIMB / LENGTH)
    across_squared = offsets.square().sum(-1) - along.square()
    return (-0.5 * (along.square() / sigma_along**2 + across_squared / sigma_across**2)).unsqueeze(0)


def posterior_length(sigma_along, sigma_across, tolerance):
    """Distance in voxels between the means of two joints, each with a blob of the given widths."""
    unaries = [log_blob(middle, sigma_along, sigma_across) for middle in (PARENT, CHILD)]
    messenger = GridMessenger(DIMS, [limb_shell(LENGTH, tolerance, 1.0)], unaries[0])
    marginals = sum_product(unaries, Tree(((0, 1),), 2), messenger)
    voxels = torch.stack(torch.meshgrid(*map(torch.arange, DIMS), indexing="ij"), -1).reshape(-1, 3).double()
    parent, child = (marginal.flatten() @ voxels for marginal in marginals.values)
    return float((child - parent).norm())


@pytest.mark.parametrize("tolerance", [1.0, 3.0])
@pytest.mark.parametrize(("sigma_along", "sigma_across"), [(2.0, 2.0), (1.5, 2.5), (2.5, 1.5)])
def test_a_shell_shortens_a_limb_as_derived(sigma_along, sigma_across, tolerance):
    along, across = 2 * sigma_along**2, 2 * sigma_across**2  # variances of the difference of both ends
    let_through = along * truncnorm.var(-tolerance / along**0.5, tolerance / along**0.5)
    derived = across / LENGTH * (1 - let_through / along)
    assert LENGTH - posterior_length(sigma_along, sigma_across, tolerance) == pytest.approx(derived, rel=0.15)


def test_a_shell_that_lets_everything_through_shortens_nothing():
    assert posterior_length(2.0, 2.0, 20.0) == pytest.approx(LENGTH, abs=0.01)
