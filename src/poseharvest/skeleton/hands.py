"""The joints of hands: one tree of 21 joints for either hand, and the names that they have in a person's skeleton.

The tree starts at the wrist. Each finger hangs from it by its first joint: the base of the thumb, or the knuckle of
another finger. The numbers of a finger's joints count outwards, and the fourth one is the tip. OpenPose, Halpe,
COCO-WholeBody and MediaPipe all list 21 joints in this order.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from poseharvest.skeleton.human import SIDES
from poseharvest.skeleton.skeleton import Limb, Skeleton

WRIST = "wrist"
FINGERS = ("thumb", "index", "middle", "ring", "pinky")
FINGER_JOINTS = tuple(f"{finger}_{number}" for finger in FINGERS for number in range(1, 5))
"""The joints of a hand beyond the wrist, finger by finger, outwards."""

_LIMBS = tuple(
    Limb(WRIST if number == 1 else f"{finger}_{number - 1}", f"{finger}_{number}")
    for finger in FINGERS
    for number in range(1, 5)
)

_USUAL = (42, 44, 32, 25, 92, 41, 24, 19, 89, 46, 28, 21, 83, 42, 27, 20, 78, 34, 19, 18)

USUAL_MM: Mapping[str, float] = MappingProxyType({
    limb.name: float(mm) for limb, mm in zip(_LIMBS, _USUAL, strict=True)
})
"""Lengths of the limbs of an adult's hand by "parent-child", mm, roughly: bones as Buryanov and Kotiuk, "Proportions of
hand segments" (2010), measured them, with the wrist before them and the flesh of the tip."""

HAND21 = Skeleton("hand21", (WRIST, *FINGER_JOINTS), _LIMBS)
"""A hand, left or right: both have the same tree."""


def of_side(joint: str, side: str) -> str:
    """Return the name that a joint of `HAND21` has in the skeleton of a person.

    >>> of_side("thumb_1", "left")
    'left_thumb_1'
    """
    return f"{side}_{joint}"


def hand_joints(side: str) -> tuple[str, ...]:
    """Return the joints of one hand in the skeleton of a person, without the wrist, which is the body's."""
    return tuple(of_side(joint, side) for joint in FINGER_JOINTS)


HAND_JOINTS = tuple(joint for side in SIDES for joint in hand_joints(side))
"""The joints of both hands, left before right, without the wrists."""

HAND_ROOTS = tuple(f"{side}_hand_root" for side in SIDES)
"""The wrists as keypoint files list them with the hands, beside those of the body."""


def with_hands(body: Skeleton) -> Skeleton:
    """Return the skeleton of a body with its hands: the body's joints first, in their order, then the hands'.

    Raises:
        SkeletonError: the body lacks a wrist.
    """
    limbs = tuple(
        Limb(of_side(limb.parent, side), of_side(limb.child, side)) for side in SIDES for limb in HAND21.limbs
    )
    pairs = tuple(zip(hand_joints("left"), hand_joints("right"), strict=True))
    return Skeleton(
        f"{body.name} with hands", (*body.joints, *HAND_JOINTS), (*body.limbs, *limbs), (*body.flip_pairs, *pairs)
    )
