"""The most probable pose of Eq. (4) by max-product (Viterbi on the tree), as most pictorial structures take it.

Only the voxels of highest likelihood of each joint take part: the best pose hardly ever uses another. Among poses of
these voxels the result is exact. Should no such pose fit all limbs, the one with the fewest limbs that do not fit is
taken, and among those the most probable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.pictorial.pairwise import Shell
from poseharvest.pictorial.sum_product import Tree
from poseharvest.pictorial.unary import Unaries

MAX_VOXELS = 1000
"""Voxels a joint that take part. In simulated frames, hard ones too, the best pose used none past the 13th."""

_MISFIT = 1e6  # nats: more than any difference of likelihoods, so that a limb that fits always wins


@dataclass(frozen=True, eq=False)
class _Candidates:
    """The voxels of one joint that take part.

    Attributes:
        cells: (N, 3) whole positions on the grid.
        log_values: (N,) their log-likelihoods.
    """

    cells: Tensor
    log_values: Tensor


def most_probable_pose(
    unaries: Unaries, tree: Tree, shells: Sequence[Shell], *, max_voxels: int = MAX_VOXELS
) -> Tensor:
    """Return the voxel centres (J, 3) of the most probable pose, mm.

    Args:
        unaries: on a grid.
        tree: over the J joints.
        shells: one an edge of the tree.
        max_voxels: of each joint, the most likely ones.
    """
    candidates = [_best(joint, max_voxels) for joint in unaries.log_values]
    beliefs = [joint.log_values.clone() for joint in candidates]
    choice: dict[int, Tensor] = {}
    for edge, (parent, child) in reversed(list(enumerate(tree.edges))):
        joined = _log_joined(candidates[parent].cells, candidates[child].cells, shells[edge])
        best, choice[edge] = (joined + beliefs[child]).max(1)
        beliefs[parent] += best
    taken = {tree.root: int(beliefs[tree.root].argmax())}
    for edge, (parent, child) in enumerate(tree.edges):
        taken[child] = int(choice[edge][taken[parent]])
    cells = torch.stack([candidates[joint].cells[taken[joint]] for joint in range(tree.num_joints)])
    return unaries.volume.origin.double() + cells.double() * unaries.volume.voxel_mm


def _best(log_values: Tensor, max_voxels: int) -> _Candidates:
    flat = log_values.flatten().double().clamp_min(-_MISFIT / 2)  # -inf would tie all poses that hold one
    top = flat.topk(min(max_voxels, flat.numel()))
    cells = torch.stack(torch.unravel_index(top.indices, log_values.shape), -1)
    return _Candidates(cells, top.values)


def _log_joined(parents: Tensor, children: Tensor, shell: Shell) -> Tensor:
    """Return (N, M): 0 where the two voxels are a limb apart, -_MISFIT elsewhere."""
    squared = torch.cdist(parents.double(), children.double(), compute_mode="donot_use_mm_for_euclid_dist").square()
    whole = squared.round()
    fits = (whole >= shell.min_squared) & (whole <= shell.max_squared)
    return torch.where(fits, 0.0, -_MISFIT).double()
