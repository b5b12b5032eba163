"""The common skeletons. They share joint names, so that poses are converted by name."""

from __future__ import annotations

from poseharvest.errors import SkeletonError
from poseharvest.skeleton.human import KEYPOINT_SKELETONS
from poseharvest.skeleton.skeleton import Skeleton, limbs

_SIDES = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")


def _pairs(*parts: str) -> tuple[tuple[str, str], ...]:
    return tuple((f"left_{part}", f"right_{part}") for part in parts)


_ARMS_AND_LEGS = limbs(
    "right_shoulder-right_elbow",
    "right_elbow-right_wrist",
    "left_shoulder-left_elbow",
    "left_elbow-left_wrist",
    "right_hip-right_knee",
    "right_knee-right_ankle",
    "left_hip-left_knee",
    "left_knee-left_ankle",
)

MPII16 = Skeleton(
    name="mpii16",
    joints=(
        "right_ankle",
        "right_knee",
        "right_hip",
        "left_hip",
        "left_knee",
        "left_ankle",
        "pelvis",
        "thorax",
        "upper_neck",
        "head_top",
        "right_wrist",
        "right_elbow",
        "right_shoulder",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
    ),
    limbs=limbs(
        "pelvis-right_hip",
        "pelvis-left_hip",
        "pelvis-thorax",
        "thorax-upper_neck",
        "thorax-right_shoulder",
        "thorax-left_shoulder",
        "upper_neck-head_top",
    )
    + _ARMS_AND_LEGS,
    flip_pairs=_pairs(*_SIDES),
)
"""MPII's 16 joints with the tree of the paper's authors: rooted at the pelvis, arms from the thorax."""

H36M17 = Skeleton(
    name="h36m17",
    joints=(
        "pelvis",
        "right_hip",
        "right_knee",
        "right_ankle",
        "left_hip",
        "left_knee",
        "left_ankle",
        "spine",
        "thorax",
        "neck_base",
        "head_top",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "right_shoulder",
        "right_elbow",
        "right_wrist",
    ),
    limbs=limbs(
        "pelvis-right_hip",
        "pelvis-left_hip",
        "pelvis-spine",
        "spine-thorax",
        "thorax-neck_base",
        "neck_base-head_top",
        "thorax-left_shoulder",
        "thorax-right_shoulder",
    )
    + _ARMS_AND_LEGS,
    flip_pairs=_pairs(*_SIDES),
)
"""Human3.6M's usual 17 of 32 joints."""

LSP14 = Skeleton(
    name="lsp14",
    joints=(
        "right_ankle",
        "right_knee",
        "right_hip",
        "left_hip",
        "left_knee",
        "left_ankle",
        "right_wrist",
        "right_elbow",
        "right_shoulder",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "upper_neck",
        "head_top",
    ),
    limbs=limbs(
        "upper_neck-head_top",
        "upper_neck-right_shoulder",
        "upper_neck-left_shoulder",
        "upper_neck-right_hip",
        "upper_neck-left_hip",
    )
    + _ARMS_AND_LEGS,
    flip_pairs=_pairs(*_SIDES),
)
"""The 14 joints of Leeds Sports Pose and of KTH Multiview Football II ("bottom head" is upper_neck)."""

COCO17 = Skeleton(
    name="coco17",
    joints=(
        "nose",
        "left_eye",
        "right_eye",
        "left_ear",
        "right_ear",
        "left_shoulder",
        "right_shoulder",
        "left_elbow",
        "right_elbow",
        "left_wrist",
        "right_wrist",
        "left_hip",
        "right_hip",
        "left_knee",
        "right_knee",
        "left_ankle",
        "right_ankle",
    ),
    limbs=limbs(
        "left_hip-right_hip",
        "left_hip-left_shoulder",
        "left_shoulder-right_shoulder",
        "left_shoulder-nose",
        "nose-left_eye",
        "nose-right_eye",
        "left_eye-left_ear",
        "right_eye-right_ear",
    )
    + _ARMS_AND_LEGS,
    flip_pairs=_pairs("eye", "ear", *_SIDES),
)
"""COCO's 17 keypoints; COCO defines no tree, ours is rooted at the left hip."""

SKELETONS: dict[str, Skeleton] = {s.name: s for s in (MPII16, H36M17, LSP14, COCO17, *KEYPOINT_SKELETONS)}


def skeleton_by_name(name: str) -> Skeleton:
    """Return a built-in skeleton.

    Raises:
        SkeletonError: there is no skeleton of that name.
    """
    if name not in SKELETONS:
        raise SkeletonError(f'skeleton: expected one of {", ".join(SKELETONS)}, got "{name}"')
    return SKELETONS[name]
