"""Max-product: against looking at every pose, and against the best of what was kept."""

from __future__ import annotations

import itertools

import pytest
import torch

from pictorial_kit import GridModel, joined, random_model, voxels
from poseharvest.pictorial.posterior import VoxelVolume
from poseharvest.pictorial.unary import Unaries
from study.max_product import most_probable_pose

TREES = [(), (0,), (0, 1), (0, 0), (0, 1, 1)]


def unaries(model: GridModel) -> Unaries:
    center = torch.tensor([100.0, -50.0, 900.0], dtype=torch.float64)
    volume = VoxelVolume(center, 20.0, model.dims)
    return Unaries(model.log_unary, volume)


def best_by_enumeration(model: GridModel) -> tuple[int, ...] | None:
    """Flat voxel of every joint in the best pose of all; None if no pose fits."""
    pairs = [joined(shell, model.dims) for shell in model.shells]
    flat = model.log_unary.flatten(1)
    best, best_value = None, -float("inf")
    for pose in itertools.product(range(flat.shape[1]), repeat=flat.shape[0]):
        if all(bool(pair[pose[p], pose[c]]) for pair, (p, c) in zip(pairs, model.tree.edges, strict=True)):
            value = float(sum(flat[joint, cell] for joint, cell in enumerate(pose)))
            if value > best_value:
                best, best_value = pose, value
    return best


@pytest.mark.parametrize("parents", TREES)
@pytest.mark.parametrize("seed", [1, 2])
def test_it_is_the_best_of_all_poses(parents, seed):
    dims = (2, 3, 1) if len(parents) == 3 else (2, 3, 2)
    model = random_model(parents, dims, seed)
    expected = best_by_enumeration(model)
    if expected is None:
        pytest.skip("this random model allows no pose")
    found = most_probable_pose(unaries(model), model.tree, model.shells)
    cells = voxels(dims)[list(expected)].double()
    volume = unaries(model).volume
    torch.testing.assert_close(found, volume.origin + cells * 20)


def test_few_voxels_are_enough_where_the_likelihood_is_sharp():
    model = random_model((0, 1), (6, 5, 7), seed=4, spread=8.0)
    everything = most_probable_pose(unaries(model), model.tree, model.shells)
    few = most_probable_pose(unaries(model), model.tree, model.shells, max_voxels=60)
    assert torch.equal(everything, few)


def test_where_no_pose_fits_the_fewest_limbs_are_broken():
    model = random_model((0, 0), (4, 3, 3), seed=5)
    kept = most_probable_pose(unaries(model), model.tree, model.shells, max_voxels=1)
    flat = model.log_unary.flatten(1).argmax(1)
    expected = unaries(model).volume.origin + voxels(model.dims)[flat].double() * 20
    torch.testing.assert_close(kept, expected)


def test_impossible_voxels_are_not_taken():
    model = random_model((0,), (3, 3, 3), seed=6)
    log_unary = model.log_unary.clone()
    log_unary[0].flatten()[:20] = -torch.inf
    pruned = GridModel(log_unary, model.tree, model.shells)
    expected = best_by_enumeration(pruned)
    assert expected is not None
    found = most_probable_pose(unaries(pruned), pruned.tree, pruned.shells)
    volume = unaries(pruned).volume
    torch.testing.assert_close(found, volume.origin + voxels(pruned.dims)[list(expected)].double() * 20)
