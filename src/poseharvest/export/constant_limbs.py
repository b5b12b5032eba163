"""Poses whose limbs have one length in all frames, as models of rigid bodies expect them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.skeleton.skeleton import Skeleton


def learned_lengths(harvest: Harvest, person: int) -> Mapping[str, float]:
    """Return the limb lengths of a person, mm, by "parent-child"; empty if the harvest does not hold them."""
    for one in harvest.info.people:
        if one.person == person:
            return one.limb_lengths_mm
    return harvest.info.limb_lengths_mm


def with_constant_limbs(points: Tensor, skeleton: Skeleton, lengths_mm: Mapping[str, float]) -> Tensor:
    """Return a pose (J, 3) whose limbs have the given lengths and the directions that they had.

    The root stays where it is, and joints move outwards from it, each with all that hangs on it. A limb stays as it is
    where the position of its parent or child is not known (NaN), and where its length is not given.

    Args:
        points: (J, 3) positions, mm; NaN where not known.
        skeleton: the tree.
        lengths_mm: by "parent-child".
    """
    moved = points.clone()
    for limb in skeleton.limbs_from_root:
        parent, child = skeleton.index(limb.parent), skeleton.index(limb.child)
        along = points[child] - points[parent]
        length = torch.linalg.vector_norm(along)
        if not bool(length > 0):
            continue
        factor = lengths_mm.get(limb.name, float(length)) / length
        moved[child] = moved[parent] + factor * along
    return moved
