"""The demo's fault, reproduced: right at the root, wrong below it, against a slow direct computation."""

from __future__ import annotations

import pytest
import torch

from pictorial_kit import GridModel, enumerated, joined, random_model
from study.double_counting import double_counted_marginals

DIMS = (3, 4, 2)


def directly(model: GridModel) -> torch.Tensor:
    """The same beliefs with plain sums over pairs of voxels, (J, N)."""
    beliefs = model.log_unary.flatten(1).exp()
    pairs = [joined(shell, model.dims).double() for shell in model.shells]
    for edge, (parent, child) in reversed(list(enumerate(model.tree.edges))):
        beliefs[parent] = beliefs[parent] * (pairs[edge] @ beliefs[child])
    for edge, (parent, child) in enumerate(model.tree.edges):
        beliefs[child] = beliefs[child] * (pairs[edge].T @ beliefs[parent])
    return beliefs / beliefs.sum(1, keepdim=True)


@pytest.mark.parametrize("parents", [(), (0,), (0, 1, 1), (0, 0, 2)])
def test_equals_plain_sums(parents):
    model = random_model(parents, DIMS, seed=3)
    found = double_counted_marginals(model.log_unary, model.tree, model.shells).flatten(1)
    torch.testing.assert_close(found, directly(model), atol=1e-9, rtol=1e-6)


def test_only_the_root_is_a_marginal():
    model = random_model((0, 1), DIMS, seed=2)
    found = double_counted_marginals(model.log_unary, model.tree, model.shells).flatten(1)
    truth, _ = enumerated(model)
    torch.testing.assert_close(found[model.tree.root], truth[model.tree.root], atol=1e-9, rtol=1e-6)
    others = [joint for joint in range(3) if joint != model.tree.root]
    assert (found[others] - truth[others]).abs().sum(1).min() > 0.05


def test_it_is_too_certain_below_the_root():
    """A leaf counted twice is more certain of itself: its entropy is lower than the marginal's, on average."""
    gains = []
    for seed in range(8):
        model = random_model((0,), DIMS, seed=seed, spread=1.0)
        found = double_counted_marginals(model.log_unary, model.tree, model.shells).flatten(1)
        truth, _ = enumerated(model)
        leaf = 1 - model.tree.root
        gains.append(float(torch.special.entr(truth[leaf]).sum() - torch.special.entr(found[leaf]).sum()))
    assert sum(gains) / len(gains) > 0.05


def test_single_precision_survives_extreme_likelihoods():
    model = random_model((0, 1), DIMS, seed=5, spread=200.0)
    found = double_counted_marginals(model.log_unary.float(), model.tree, model.shells)
    assert torch.isfinite(found).all()
    torch.testing.assert_close(found.flatten(1).sum(1), torch.ones(3))
