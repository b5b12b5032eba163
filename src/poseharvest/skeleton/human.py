"""The tree over named joints of a person, by one rule, and the skeletons of common keypoint files.

Every joint has a list of possible parents, the best first. Its parent is the first one that exists. The head is rigid,
so its points have the nose or the neck as parent. The foot is rigid, so the parent of its points is the ankle. The
parent of the hips is the pelvis, and that of the shoulders is the thorax. Where a file lacks these two, they are the
middles of both sides.
"""

from __future__ import annotations

from collections.abc import Sequence

from poseharvest.errors import SkeletonError
from poseharvest.skeleton.skeleton import Limb, Skeleton

MIDDLES = {"pelvis": ("left_hip", "right_hip"), "thorax": ("left_shoulder", "right_shoulder")}
"""Joints that are added as the middle of two joints where a file lacks them."""

SIDES = ("left", "right")

_NECK = ("upper_neck", "neck_base", "thorax")
_FACE = ("nose", *_NECK)

_MIDDLE_PARENTS: dict[str, tuple[str, ...]] = {
    "spine": ("pelvis",),
    "thorax": ("spine", "pelvis"),
    "neck_base": ("thorax",),
    "upper_neck": ("neck_base", "thorax"),
    "nose": _NECK,
    "head_top": (*_NECK[:2], "nose", "thorax"),
}
_SIDE_PARENTS: dict[str, tuple[str, ...]] = {
    "shoulder": ("thorax",),
    "elbow": ("{side}_shoulder",),
    "wrist": ("{side}_elbow",),
    **dict.fromkeys(("thumb", "index_finger", "pinky"), ("{side}_wrist",)),
    "hip": ("pelvis",),
    "knee": ("{side}_hip",),
    "ankle": ("{side}_knee",),
    **dict.fromkeys(("heel", "big_toe", "small_toe"), ("{side}_ankle",)),
    **dict.fromkeys(("eye", "ear", "mouth"), _FACE),
    **dict.fromkeys(("eye_inner", "eye_outer"), ("{side}_eye", *_FACE)),
}

_PARENTS: dict[str, tuple[str, ...]] = _MIDDLE_PARENTS | {
    f"{side}_{part}": tuple(parent.format(side=side) for parent in parents)
    for part, parents in _SIDE_PARENTS.items()
    for side in SIDES
}

HUMAN_JOINTS = ("pelvis", *_PARENTS)
"""All joints of a person that have a place in the tree."""


_ENDS = ("heel", "big_toe", "small_toe", "thumb", "index_finger", "pinky")


def is_end(joint: str) -> bool:
    """Return whether a joint is a point of a foot or a hand, beyond ankle and wrist."""
    return joint.removeprefix("left_").removeprefix("right_") in _ENDS


_MOVING = ("elbow", "wrist", "knee", "ankle", *_ENDS)


def is_of_trunk(joint: str) -> bool:
    """Return whether a joint is of a person's head or trunk, whose joints move little against their neighbours."""
    return joint in HUMAN_JOINTS and joint.removeprefix("left_").removeprefix("right_") not in _MOVING


def sides_of(*parts: str) -> tuple[str, ...]:
    """Return the joints of both sides, left before right, part by part.

    >>> sides_of("eye", "ear")
    ('left_eye', 'right_eye', 'left_ear', 'right_ear')
    """
    return tuple(f"{side}_{part}" for part in parts for side in SIDES)


def with_middles(joints: Sequence[str]) -> tuple[str, ...]:
    """Return the joints of a person among `joints`, and the middles of hips and shoulders where both are there."""
    known = tuple(joint for joint in joints if joint in HUMAN_JOINTS)
    lacking = [middle for middle, pair in MIDDLES.items() if middle not in known and {*pair} <= {*known}]
    return (*known, *lacking)


def human_skeleton(name: str, joints: Sequence[str]) -> Skeleton:
    """Return the skeleton of a person over some joints and the middles of hips and shoulders.

    Args:
        name: name of the skeleton.
        joints: joint names; names that are not in `HUMAN_JOINTS` are left out.

    Raises:
        SkeletonError: a joint has no parent, such as a wrist without an elbow; the message names it.
    """
    known = with_middles(joints)
    root = next((joint for joint in ("pelvis", "thorax", "neck_base", "upper_neck", "nose") if joint in known), None)
    parents = {joint: _parent(joint, known) for joint in known if joint != root}
    loose = [joint for joint, parent in parents.items() if parent is None]
    if root is None or loose:
        raise SkeletonError(
            f'skeleton "{name}": nothing to hang {", ".join(loose) or "the joints"} from: '
            "expected the joints between them and the pelvis or the thorax"
        )
    limbs = tuple(Limb(parent, joint) for joint, parent in parents.items() if parent is not None)
    pairs = tuple((f"left_{part}", f"right_{part}") for part in _SIDE_PARENTS)
    return Skeleton(name, known, limbs, tuple(pair for pair in pairs if {*pair} <= {*known}))


def _parent(joint: str, known: Sequence[str]) -> str | None:
    return next((parent for parent in _PARENTS.get(joint, ()) if parent in known), None)


_ARMS = ("right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist")
_LEGS = ("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle")
_HEAD = ("nose", *sides_of("eye", "ear"))
_LIMBS = sides_of("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
_FEET = sides_of("big_toe", "small_toe", "heel")

BODY15 = human_skeleton("body15", ("pelvis", "thorax", "nose", *_ARMS, *_LEGS))
"""The trunk, a nose, arms and legs."""

BODY19 = human_skeleton("body19", ("pelvis", "thorax", *_HEAD, *_ARMS, *_LEGS))
"""The skeleton of OpenPose's 18 points: `body15` with eyes and ears."""

BODY25 = human_skeleton("body25", ("pelvis", "thorax", *_HEAD, *_ARMS, *_LEGS, *_FEET))
"""OpenPose's BODY_25, and the body and the feet of COCO-WholeBody."""

BODY25B = human_skeleton("body25b", (*_HEAD, *_LIMBS, "upper_neck", "head_top", *_FEET))
"""OpenPose's BODY_25B, and the middles of hips and shoulders."""

HALPE26 = human_skeleton("halpe26", (*_HEAD, *_LIMBS, "head_top", "thorax", "pelvis", *_FEET))
"""The body and the feet of Halpe-FullBody."""

BLAZE33 = human_skeleton(
    "blaze33",
    (
        *_HEAD,
        *sides_of("eye_inner", "eye_outer", "mouth"),
        *_LIMBS,
        *sides_of("pinky", "index_finger", "thumb", "heel", "big_toe"),
    ),
)
"""BlazePose's 33 (MediaPipe), and the middles of hips and shoulders."""

KEYPOINT_SKELETONS = (BODY15, BODY19, BODY25, BODY25B, HALPE26, BLAZE33)
"""The skeletons of the known layouts of keypoint files."""
