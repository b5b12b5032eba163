"""How long the limbs are, and how rigid: a shoulder blade moves, a thigh does not.

Beside the limbs of the tree there are pairs of joints in head and trunk that have a neighbour in common, such as a hip
and the shoulder above it. How rigid they are, the footage tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from poseharvest.checks import check_shape
from poseharvest.errors import ShapeError
from poseharvest.skeleton.human import is_of_trunk
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.skeleton import Skeleton

UNKNOWN_MM = 30.0
"""Tolerance of a limb that footage was too short to measure."""

Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class RigidLimbs:
    """Distances between joints, each known to a tolerance of its own.

    Attributes:
        first: (L,) number of a joint.
        second: (L,) number of another.
        alike: (L,) number of the same limb of either side: both have one length and one tolerance.
        length_mm: (L,) usual distance.
        tolerance_mm: (L,) standard deviation of the distance over the poses of the person; infinite for a pair of which
            nothing is known yet.

    Raises:
        ShapeError: the tensors do not fit each other, or a length or tolerance is not positive.
    """

    first: Tensor
    second: Tensor
    alike: Tensor
    length_mm: Tensor
    tolerance_mm: Tensor

    def __post_init__(self) -> None:
        sizes = check_shape("first", self.first, "L")
        for name in ("second", "alike", "length_mm", "tolerance_mm"):
            check_shape(name, getattr(self, name), "L", **sizes)
        if not bool((self.length_mm > 0).all() and (self.tolerance_mm > 0).all()):
            raise ShapeError("rigid limbs: expected positive lengths and tolerances")

    @classmethod
    def of(cls, skeleton: Skeleton, lengths: LimbLengths, points: Tensor) -> RigidLimbs:
        """Return the limbs of a skeleton, all of them loose, and the pairs of its head and trunk.

        Args:
            skeleton: J joints.
            lengths: of its limbs.
            points: (F, J, 3) poses of the person, mm, for a first length of the pairs.
        """
        limbs = [_sorted(skeleton.index(limb.parent), skeleton.index(limb.child)) for limb in skeleton.limbs_from_root]
        pairs = sorted(_trunk_pairs(skeleton, limbs) - set(limbs))
        ends = torch.tensor([*limbs, *pairs], dtype=torch.long).reshape(-1, 2)
        between = points[:, ends[len(limbs) :, 0]] - points[:, ends[len(limbs) :, 1]]
        of_pairs = torch.linalg.vector_norm(between.double(), dim=-1).median(0).values.clamp_min(1.0)
        length = torch.cat((torch.tensor(lengths.of(skeleton), dtype=torch.float64), of_pairs))
        tolerance = torch.full_like(length, UNKNOWN_MM)
        tolerance[len(limbs) :] = torch.inf
        return cls(ends[:, 0], ends[:, 1], _alike(skeleton, [*limbs, *pairs]), length, tolerance)

    @classmethod
    def none(cls) -> RigidLimbs:
        """Return no limbs: every joint on its own."""
        numbers, lengths = torch.zeros(0, dtype=torch.long), torch.zeros(0, dtype=torch.float64)
        return cls(numbers, numbers, numbers, lengths, lengths)

    def described(self, skeleton: Skeleton) -> dict[str, Any]:
        """Return length and tolerance in mm by "joint-joint" of those that are known, for `harvest.json`."""
        rows = zip(self.first.tolist(), self.second.tolist(), self.length_mm, self.tolerance_mm, strict=True)
        return {
            f"{skeleton.joints[a]}-{skeleton.joints[b]}": {"length_mm": float(length), "tolerance_mm": float(tolerance)}
            for a, b, length, tolerance in rows
            if bool(torch.isfinite(tolerance))
        }


def _trunk_pairs(skeleton: Skeleton, limbs: list[Pair]) -> set[Pair]:
    """Return the pairs of joints of head and trunk with a neighbour in common, and their mirror images."""
    trunk = {number for number, joint in enumerate(skeleton.joints) if is_of_trunk(joint)}
    near: dict[int, set[int]] = {joint: set() for joint in trunk}
    for a, b in limbs:
        if {a, b} <= trunk:
            near[a].add(b)
            near[b].add(a)
    pairs = {_sorted(a, b) for around in near.values() for a, b in combinations(sorted(around), 2)}
    flip = skeleton.flip_permutation
    return pairs | {_sorted(flip[a], flip[b]) for a, b in pairs}


def _alike(skeleton: Skeleton, pairs: list[Pair]) -> Tensor:
    flip = skeleton.flip_permutation
    names = [min(pair, _sorted(flip[pair[0]], flip[pair[1]])) for pair in pairs]
    return torch.tensor([names.index(name) for name in names], dtype=torch.long)


def _sorted(a: int, b: int) -> Pair:
    return (a, b) if a < b else (b, a)
