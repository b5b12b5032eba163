"""Sum-product against adding up every pose, on small grids that are no cubes."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pictorial_kit import GridModel, enumerated, joined, random_model, solve
from poseharvest.errors import ShapeError
from poseharvest.pictorial.backends.fft import GridMessenger
from poseharvest.pictorial.pairwise import Shell
from poseharvest.pictorial.sum_product import Marginals, Tree, sum_product

PARENTS = st.sampled_from([(), (0,), (0, 0), (0, 1), (0, 1, 1), (0, 0, 0), (0, 1, 2), (0, 1, 0)])
DIMS = st.sampled_from([(2, 3, 4), (4, 2, 3), (1, 5, 2), (3, 2, 2), (1, 1, 9)])


def flat(marginals: Marginals) -> torch.Tensor:
    return torch.cat(marginals.values).flatten(1)


@given(parents=PARENTS, dims=DIMS, seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_marginals_and_evidence_equal_enumeration(parents, dims, seed):
    dims = (2, 2, 3) if len(parents) == 3 else dims
    model = random_model(parents, dims, seed)
    expected, log_partition = enumerated(model)
    result = solve(model)
    torch.testing.assert_close(flat(result), expected, rtol=0, atol=1e-10)
    if math.isfinite(log_partition):
        assert float(result.log_partition) == pytest.approx(log_partition, abs=1e-9)
    else:
        assert float(result.log_partition) == -math.inf


@given(seed=st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_every_marginal_sums_to_one(seed):
    model = random_model((0, 0, 1, 3, 3), (5, 7, 4), seed)
    total = flat(solve(model)).sum(1)
    torch.testing.assert_close(total, torch.ones(6, dtype=torch.float64))


def test_a_shell_does_not_wrap_around_the_grid():
    dims, shell = (3, 9, 5), Shell(60, 70)
    values = torch.zeros(1, *dims, dtype=torch.float64)
    values[0, 1, 0, 2] = 1
    reached = GridMessenger(dims, (shell,), values).up(0, values)[0] > 0.5
    assert torch.equal(reached.flatten(), joined(shell, dims)[torch.nonzero(values.flatten())[0, 0]])
    assert not bool(reached[:, 1:7].any())  # from y = 0 only y = 7 and 8 are that far: any other came around


def test_a_shell_larger_than_the_grid_joins_nothing():
    values = torch.ones(1, 3, 4, 2, dtype=torch.float64)
    assert float(GridMessenger((3, 4, 2), (Shell(400, 401),), values).up(0, values).max()) < 1e-12


def test_a_message_never_holds_what_its_receiver_said():
    """With a chain a - b, what a hears of b must not depend on a: the authors' demo multiplies it back in."""
    model = random_model((0,), (2, 3, 4), 5)
    parent, child = model.tree.edges[0]
    pairs = joined(model.shells[0], model.dims).double()
    unary = model.log_unary.flatten(1).exp()
    true = unary[child] * (pairs @ unary[parent])
    counted_twice = unary[child] * (pairs @ (unary[parent] * (pairs @ unary[child])))
    found = flat(solve(model))[child]
    torch.testing.assert_close(found, true / true.sum(), rtol=0, atol=1e-12)
    assert float((found - counted_twice / counted_twice.sum()).abs().max()) > 1e-3


def test_underflow_decides_nothing():
    """Sixteen views of 1e-30 multiply to 1e-480: the marginals must be those of the same model scaled."""
    model = random_model((0, 1), (2, 3, 4), 11)
    tiny = GridModel(model.log_unary + 16 * math.log(1e-30), model.tree, model.shells)
    torch.testing.assert_close(flat(solve(tiny)), flat(solve(model)), rtol=0, atol=1e-11)
    expected = float(solve(model).log_partition) + 3 * 16 * math.log(1e-30)
    assert float(solve(tiny).log_partition) == pytest.approx(expected, rel=1e-12)


def test_an_impossible_model_is_zero_and_not_nan():
    model = random_model((0, 1), (2, 3, 4), 3)
    impossible = GridModel(torch.full_like(model.log_unary, -math.inf), model.tree, model.shells)
    result = solve(impossible)
    assert float(flat(result).abs().max()) == 0
    assert float(result.log_partition) == -math.inf


def test_frames_of_a_batch_do_not_mix():
    models = [random_model((0, 0, 1), (3, 4, 2), seed) for seed in (1, 1)]
    other = GridModel(models[1].log_unary.flip(1) * 2, models[0].tree, models[0].shells)
    messenger = GridMessenger((3, 4, 2), models[0].shells, other.log_unary)
    both = sum_product(
        [torch.stack(pair) for pair in zip(models[0].log_unary, other.log_unary, strict=True)], other.tree, messenger
    )
    for frame, model in enumerate((models[0], other)):
        alone = solve(model)
        together = torch.stack([joint[frame] for joint in both.values])
        torch.testing.assert_close(together, torch.cat(alone.values), rtol=0, atol=1e-13)
        assert float(both.log_partition[frame]) == pytest.approx(float(alone.log_partition), abs=1e-11)


@pytest.mark.parametrize("axes", [(1, 0, 2), (2, 1, 0), (1, 2, 0)])
def test_turning_the_grid_by_right_angles_turns_the_marginals(axes):
    model = random_model((0, 1, 1), (3, 5, 4), 8)
    turned = GridModel(model.log_unary.permute(0, *(a + 1 for a in axes)).flip(1), model.tree, model.shells)
    expected = torch.cat(solve(model).values).permute(0, *(a + 1 for a in axes)).flip(1)
    torch.testing.assert_close(torch.cat(solve(turned).values), expected, rtol=0, atol=1e-12)


def test_wrong_trees_are_refused():
    with pytest.raises(ShapeError, match="expected 2 edges for 3 joints, got 1"):
        Tree(((0, 1),), 3)
    with pytest.raises(ShapeError, match=r"edge \(2, 1\) must hang a new joint on one above it"):
        Tree(((0, 2), (2, 1), (2, 1)), 4)
    with pytest.raises(ShapeError, match=r"edge \(1, 2\) must hang"):
        Tree(((0, 3), (1, 2), (0, 1)), 4)
    values = torch.zeros(2, 1, 2, 2, 2)
    with pytest.raises(ShapeError, match="expected one a joint of the tree, 3, got 2"):
        sum_product(list(values), Tree(((0, 1), (1, 2)), 3), GridMessenger((2, 2, 2), (Shell(1, 1),) * 2, values))
