"""Joints of which a frame shows nothing, left out of its sums and placed afterwards (choice D11).

A joint that no view shows is as likely in one voxel as in any other. Hung on the tree by one limb it sends the same
number to every voxel of its neighbour, but for voxels near the border of the volume: leaving it out changes nothing but
that border's effect, which was none of the footage's. It makes the sums many times quicker, because a marginal
without evidence fills a sphere. Its own marginal is its neighbour's, spread over the shell of the limb between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from poseharvest.pictorial.pairwise import Shell
from poseharvest.pictorial.shapes import Float
from poseharvest.pictorial.sum_product import Tree
from poseharvest.skeleton.skeleton import Skeleton


class Placed(NamedTuple):
    """Where a joint without evidence hangs.

    Attributes:
        joint: its number.
        neighbour: number of the joint that is placed before it.
        edge: number of the edge between them.
    """

    joint: int
    neighbour: int
    edge: int


@dataclass(frozen=True)
class Kept:
    """The part of a tree that takes part in a frame's sums.

    Attributes:
        joints: their numbers, ascending: those with evidence and those between them, one or more.
        edges: numbers of the edges between them, ascending.
        placed: the other joints, every one after its neighbour.
    """

    joints: tuple[int, ...]
    edges: tuple[int, ...]
    placed: tuple[Placed, ...]

    @classmethod
    def of(cls, tree: Tree, is_seen: Sequence[bool]) -> Kept:
        """Return the smallest connected part that holds every joint seen; the root alone where none is.

        Args:
            tree: over J joints.
            is_seen: J, a view shows something of the joint.
        """
        edges = set(range(len(tree.edges)))
        joints = set(range(tree.num_joints))
        taken: list[Placed] = []
        while leaf := _leaf_without_evidence(tree, is_seen, joints, edges):
            taken.append(leaf)
            joints.remove(leaf.joint)
            edges.remove(leaf.edge)
        return cls(tuple(sorted(joints)), tuple(sorted(edges)), tuple(reversed(taken)))

    def part(self, skeleton: Skeleton) -> Skeleton:
        """Return the skeleton of the joints that are kept, in the same order."""
        limbs = tuple(skeleton.limbs_from_root[edge] for edge in self.edges)
        return Skeleton(f"{skeleton.name}, seen", tuple(skeleton.joints[joint] for joint in self.joints), limbs)


def _leaf_without_evidence(tree: Tree, is_seen: Sequence[bool], joints: set[int], edges: set[int]) -> Placed | None:
    """Return a joint among those left that has no evidence and one edge; the root last."""
    hanging: dict[int, list[int]] = {joint: [] for joint in joints}
    for edge in edges:
        for joint in tree.edges[edge]:
            hanging[joint].append(edge)
    for joint in sorted(joints, key=lambda joint: joint == tree.root):
        if len(hanging[joint]) == 1 and not is_seen[joint]:
            (edge,) = hanging[joint]
            parent, child = tree.edges[edge]
            return Placed(joint, child if joint == parent else parent, edge)
    return None


def spread_mm2(shell: Shell, voxel_mm: float) -> float:
    """Return the variance along each axis of an offset that is anywhere in a limb's shell, mm^2.

    The shell looks the same along all axes, so the covariance is this number times the identity.
    """
    kernel = shell.kernel()
    squares = torch.arange(-shell.radius, shell.radius + 1, dtype=kernel.dtype).square()
    return float((kernel.sum((1, 2)) * squares).sum() / kernel.sum()) * voxel_mm**2


def with_placed(
    mean: Float[Tensor, "K 3"], cov: Float[Tensor, "K 3 3"], kept: Kept, shells: Sequence[Shell], voxel_mm: float
) -> tuple[Float[Tensor, "J 3"], Float[Tensor, "J 3 3"]]:
    """Return means (J, 3) and covariances (J, 3, 3) of all joints, mm.

    Args:
        mean: (K, 3) of the joints that are kept.
        cov: (K, 3, 3) of the same.
        kept: K joints.
        shells: of all edges.
        voxel_mm: edge of a voxel.
    """
    num_joints = len(kept.joints) + len(kept.placed)
    where = torch.tensor(kept.joints)
    means, covs = mean.new_zeros(num_joints, 3), cov.new_zeros(num_joints, 3, 3)
    means[where], covs[where] = mean, cov
    for joint, neighbour, edge in kept.placed:
        means[joint] = means[neighbour]
        covs[joint] = covs[neighbour] + spread_mm2(shells[edge], voxel_mm) * torch.eye(3, dtype=cov.dtype)
    return means, covs
