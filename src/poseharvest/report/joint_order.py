"""The order in which the report lists joints: from head to feet, left and right side by side."""

from __future__ import annotations

from poseharvest.skeleton.skeleton import Skeleton

_FROM_HEAD_TO_FEET = (
    *("head", "nose", "eye", "ear", "mouth", "neck", "thorax", "shoulder", "elbow", "wrist"),
    *(
        "hand",
        "finger",
        "thumb",
        "index",
        "middle",
        "ring",
        "pinky",
        "chest",
        "spine",
        "pelvis",
        "hip",
        "knee",
        "ankle",
        "heel",
        "foot",
        "toe",
    ),
)


def reading_order(skeleton: Skeleton) -> tuple[int, ...]:
    """Return the channels from head to feet, left before right; joints with unknown names come last."""
    return tuple(sorted(range(len(skeleton)), key=lambda j: _place(skeleton.joints[j])))


def limb_order(skeleton: Skeleton) -> tuple[int, ...]:
    """Return the limbs' positions by their outer joints, from head to feet."""
    places = {skeleton.joints[j]: place for place, j in enumerate(reading_order(skeleton))}
    return tuple(sorted(range(len(skeleton.limbs)), key=lambda e: places[skeleton.limbs[e].child]))


def hinges(skeleton: Skeleton) -> frozenset[int]:
    """Return the channels of the joints in which exactly two limbs meet, so that they have one angle."""
    inner = [limb.parent for limb in skeleton.limbs]
    return frozenset(skeleton.index(limb.child) for limb in skeleton.limbs if inner.count(limb.child) == 1)


def _place(joint: str) -> tuple[int, str, bool]:
    return (_level(joint), _stem(joint), joint.startswith("right_"))


def _stem(joint: str) -> str:
    return joint.removeprefix("left_").removeprefix("right_")


def _level(joint: str) -> int:
    levels = [level for level, word in enumerate(_FROM_HEAD_TO_FEET) if word in _stem(joint)]
    return levels[0] if levels else len(_FROM_HEAD_TO_FEET)
