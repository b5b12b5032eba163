from dataclasses import replace
from functools import partial

import pytest
import torch

from poseharvest.errors import ShapeError
from poseharvest.learning.heatmaps2d.heatmap_task import DistilledHeatmapTask, masked_heatmap_loss
from poseharvest.learning.loop.augment import Variation
from poseharvest.learning.loop.batches import make_batch

SIZES = (2, 3, 4, 6)


@pytest.fixture
def case(generator):
    stacks = [torch.randn(SIZES, generator=generator, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    targets = torch.rand(SIZES, generator=generator, dtype=torch.float64)
    return stacks, targets


def gradients(stacks, targets, known):
    for stack in stacks:
        stack.grad = None
    masked_heatmap_loss(stacks, targets, known).backward()
    return [stack.grad.clone() for stack in stacks]


def test_it_is_the_mean_squared_error_summed_over_stacks(case):
    stacks, targets = case
    expected = sum(torch.nn.functional.mse_loss(stack, targets) for stack in stacks)
    assert torch.allclose(masked_heatmap_loss(stacks, targets, torch.ones(2, 3, dtype=torch.bool)), expected)


@pytest.mark.parametrize("wrong", [7.0, float("nan"), float("inf")])
def test_a_masked_joint_changes_no_gradient(case, wrong):
    stacks, targets = case
    known = torch.tensor([[True, False, True], [True, True, True]])
    whole = gradients(stacks, targets, torch.ones_like(known))
    masked = gradients(stacks, targets, known)
    spoiled = targets.clone()
    spoiled[0, 1] = wrong
    for full, part, other in zip(whole, masked, gradients(stacks, spoiled, known), strict=True):
        assert torch.equal(part, other)
        assert torch.equal(part[0, 1], torch.zeros(4, 6, dtype=torch.float64))
        assert torch.equal(part[1], full[1])
        assert torch.equal(part[0, [0, 2]], full[0, [0, 2]])


def test_a_masked_joint_changes_no_gradient_of_the_network(drawn, small_family, small_hourglass):
    sample = drawn(1).sample(0)
    weight = sample.weight.clone()
    weight[4] = 0
    found = []
    for joints in (sample.joints, torch.where(torch.arange(16)[:, None] == 4, torch.nan, sample.joints)):
        network = small_hourglass(stacks=2)
        varied = replace(sample, joints=joints, weight=weight)
        batch = make_batch([varied], [Variation(0.2, 1.1, True)], small_family, sigma_px=1.0)
        masked_heatmap_loss(network(batch.inputs), batch.targets, batch.known).backward()
        found.append([parameter.grad for parameter in network.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
    assert all(torch.isfinite(g).all() for g in found[0])


def distilled_loss(drawn, family, hourglass, weight, held):
    network = hourglass(1)
    sample = replace(drawn(1).sample(0), weight=weight, held=held)
    batch = make_batch([sample], [Variation(0.2, 1.1, True)], family, sigma_px=1.0)
    task = DistilledHeatmapTask(family, hourglass(0), 0.7)
    return float(task.loss(network(batch.inputs), batch).detach())


def test_labels_that_name_what_is_held_hold_that_alone(drawn, small_family, small_hourglass):
    """Which joints are held where labels say nothing, what changes where they do, and that it adds up by joint."""
    weight = torch.ones(16)
    weight[[4, 9]] = 0
    loss = partial(distilled_loss, drawn, small_family, small_hourglass, weight)
    ignored = (weight == 0).float()
    assert loss(None) == pytest.approx(loss(ignored))
    nothing = loss(torch.zeros(16))
    parts = [loss(torch.eye(16)[joint] * share) - nothing for joint, share in ((2, 0.25), (4, 1.0), (9, 0.5))]
    assert all(part > 0 for part in parts)
    together = torch.zeros(16)
    together[[2, 4, 9]] = torch.tensor([0.25, 1.0, 0.5])
    assert loss(together) - nothing == pytest.approx(sum(parts), rel=1e-3)


def test_shapes_are_checked(case):
    stacks, targets = case
    with pytest.raises(ShapeError, match=r"known: expected shape \(B J\)"):
        masked_heatmap_loss(stacks, targets, torch.ones(2, 4, dtype=torch.bool))
