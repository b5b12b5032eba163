"""A skeleton: named joints, a tree of limbs over them, and the pairs that swap when a picture is mirrored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from poseharvest.errors import SkeletonError


@dataclass(frozen=True)
class Limb:
    """An edge of the tree, from the joint nearer the root to the farther one."""

    parent: str
    child: str

    @property
    def name(self) -> str:
        """The limb as `parent-child`."""
        return f"{self.parent}-{self.child}"


@dataclass(frozen=True)
class Skeleton:
    """Named joints with a tree over them.

    Attributes:
        name: the skeleton's name.
        joints: joint names in channel order.
        limbs: the edges E of Eq. (1); every joint but the root is the child of exactly one.
        flip_pairs: (left, right) joints that swap when the picture is mirrored.

    Raises:
        SkeletonError: the limbs are not a tree over the joints, or a name is unknown or repeated.
    """

    name: str
    joints: tuple[str, ...]
    limbs: tuple[Limb, ...]
    flip_pairs: tuple[tuple[str, str], ...] = field(default=())

    def __post_init__(self) -> None:
        self._check_names()
        children = [limb.child for limb in self.limbs]
        twice = sorted({c for c in children if children.count(c) > 1})
        if twice:
            raise SkeletonError(f'skeleton "{self.name}": joints with two parents: {", ".join(twice)}')
        roots = [joint for joint in self.joints if joint not in children]
        if len(roots) != 1:
            raise SkeletonError(
                f'skeleton "{self.name}": expected one root, a joint that is no limb\'s child, '
                f"got {', '.join(roots) or 'none'}"
            )
        if len(self._ordered()) != len(self.limbs):
            raise SkeletonError(f'skeleton "{self.name}": the limbs hold a cycle')

    def _check_names(self) -> None:
        repeated = sorted({joint for joint in self.joints if self.joints.count(joint) > 1})
        if repeated:
            raise SkeletonError(f'skeleton "{self.name}": joints named twice: {", ".join(repeated)}')
        used = [limb.parent for limb in self.limbs] + [limb.child for limb in self.limbs]
        used += [joint for pair in self.flip_pairs for joint in pair]
        unknown = sorted(set(used) - set(self.joints))
        if unknown:
            raise SkeletonError(
                f'skeleton "{self.name}": limbs or flip pairs name joints that it lacks: {", ".join(unknown)}'
            )
        paired = [joint for pair in self.flip_pairs for joint in pair]
        twice = sorted({joint for joint in paired if paired.count(joint) > 1})
        if twice:
            raise SkeletonError(f'skeleton "{self.name}": joints in two flip pairs: {", ".join(twice)}')

    def __len__(self) -> int:
        return len(self.joints)

    @cached_property
    def root(self) -> str:
        """The joint without a parent."""
        children = {limb.child for limb in self.limbs}
        return next(joint for joint in self.joints if joint not in children)

    def index(self, joint: str) -> int:
        """Return the channel of `joint`.

        Raises:
            SkeletonError: there is no such joint; the message lists the known joints.
        """
        if joint not in self.joints:
            raise SkeletonError(f'skeleton "{self.name}": expected one of {", ".join(self.joints)}, got "{joint}"')
        return self.joints.index(joint)

    def _ordered(self) -> tuple[Limb, ...]:
        order: list[Limb] = []
        reached = {next(j for j in self.joints if j not in {limb.child for limb in self.limbs})}
        frontier = True
        while frontier:
            frontier = False
            for limb in self.limbs:
                if limb.parent in reached and limb.child not in reached:
                    order.append(limb)
                    reached.add(limb.child)
                    frontier = True
        return tuple(order)

    @cached_property
    def limbs_from_root(self) -> tuple[Limb, ...]:
        """The limbs in an order in which the parent limb comes before its children."""
        return self._ordered()

    @cached_property
    def flip_permutation(self) -> tuple[int, ...]:
        """For every channel of a mirrored picture, the index of the same joint in the original."""
        permutation = list(range(len(self.joints)))
        for left, right in self.flip_pairs:
            a, b = self.index(left), self.index(right)
            permutation[a], permutation[b] = b, a
        return tuple(permutation)

    def mirrored_limb(self, limb: Limb) -> Limb:
        """Return the limb on the other side of the body; a limb in the middle is its own mirror."""
        swap = {a: b for pair in self.flip_pairs for a, b in (pair, pair[::-1])}
        return Limb(swap.get(limb.parent, limb.parent), swap.get(limb.child, limb.child))


def limbs(*pairs: str) -> tuple[Limb, ...]:
    """Return limbs from "parent-child" strings.

    >>> limbs("pelvis-thorax")
    (Limb(parent='pelvis', child='thorax'),)
    """
    return tuple(Limb(*pair.split("-")) for pair in pairs)


def require_joints(wanted: Sequence[str], available: Sequence[str], *, wanted_by: str, offered_by: str) -> None:
    """Raise a SkeletonError that names the joints which only one of the two sides has."""
    missing = [joint for joint in wanted if joint not in available]
    extra = [joint for joint in available if joint not in wanted]
    if missing or extra:
        parts = []
        if missing:
            parts.append(f"{offered_by} lacks {', '.join(missing)}")
        if extra:
            parts.append(f"{wanted_by} lacks {', '.join(extra)}")
        raise SkeletonError(f"{wanted_by} and {offered_by} must have the same joints: {'; '.join(parts)}")
