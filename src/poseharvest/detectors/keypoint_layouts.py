"""The joints of the keypoint files in the wild, by our names, and the skeletons that they fill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from poseharvest.errors import DetectorError, SkeletonError
from poseharvest.skeleton.definitions import COCO17, H36M17, LSP14, MPII16, SKELETONS
from poseharvest.skeleton.hands import HAND_JOINTS, HAND_ROOTS, hand_joints
from poseharvest.skeleton.human import HUMAN_JOINTS, MIDDLES, SIDES, human_skeleton, sides_of, with_middles
from poseharvest.skeleton.skeleton import Skeleton

_ARMS = ("right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist")
_LEGS = ("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle")
_FACE = ("right_eye", "left_eye", "right_ear", "left_ear")
_FEET = tuple(f"{side}_{part}" for side in ("left", "right") for part in ("big_toe", "small_toe", "heel"))
_HALPE = (*COCO17.joints, "head_top", "thorax", "pelvis", *sides_of("big_toe", "small_toe", "heel"))


def _more(part: str, count: int) -> tuple[str, ...]:
    return tuple(f"{part}_{number}" for number in range(count))


_HANDS = tuple(joint for side, root in zip(SIDES, HAND_ROOTS, strict=True) for joint in (root, *hand_joints(side)))

LAYOUTS: dict[str, tuple[str, ...]] = {
    # OpenPose's "Neck" is the middle of the shoulders, MPII's thorax; its "MidHip" is MPII's pelvis.
    "body_25": ("nose", "thorax", *_ARMS, "pelvis", *_LEGS, *_FACE, *_FEET),
    "body_25b": (*COCO17.joints, "upper_neck", "head_top", *_FEET),
    "openpose_coco18": ("nose", "thorax", *_ARMS, *_LEGS, *_FACE),
    "coco17": COCO17.joints,
    "halpe26": _HALPE,
    "body_135": (*COCO17.joints, "upper_neck", "head_top", *_FEET, *HAND_JOINTS, *_more("face", 70)),
    "coco133": (*COCO17.joints, *_FEET, *_more("face", 68), *_HANDS),
    "halpe136": (*_HALPE, *_more("face", 68), *_HANDS),
    "blaze33": (
        "nose",
        *(f"{side}_{part}" for side in ("left", "right") for part in ("eye_inner", "eye", "eye_outer")),
        *sides_of("ear", "mouth", "shoulder", "elbow", "wrist", "pinky", "index_finger", "thumb"),
        *sides_of("hip", "knee", "ankle", "heel", "big_toe"),
    ),
    "coco18": (*COCO17.joints, "thorax"),
    "coco23": (*COCO17.joints, *_FEET),
    "body_19": ("nose", "thorax", *_ARMS, "pelvis", *_LEGS, *_FACE),
    "openpose_mpi15": ("head_top", "upper_neck", *_ARMS, *_LEGS, "spine"),
    "mpii16": MPII16.joints,
    "h36m17": H36M17.joints,
    "lsp14": LSP14.joints,
    "aic14": (*_ARMS, *_LEGS, "head_top", "upper_neck"),
    "crowdpose14": (*sides_of("shoulder", "elbow", "wrist", "hip", "knee", "ankle"), "head_top", "upper_neck"),
}
"""Joint names in the order of the file. Rows of the face are left out; those of hands are none of the body's."""


@dataclass(frozen=True)
class LayoutMap:
    """How the rows of a file become the joints of a skeleton.

    Attributes:
        skeleton: the joints to fill.
        rows: for every joint the row or the two rows of the file whose middle it is.
    """

    skeleton: Skeleton
    rows: tuple[tuple[int, ...], ...]

    def joints(self, keypoints: Tensor) -> Tensor:
        """Return (J, 3) x, y, score of a person's (K, 3) rows; a middle has the lower score of its two."""
        first, second = keypoints[self._ends].unbind(1)
        return torch.cat(((first[:, :2] + second[:, :2]) / 2, torch.minimum(first[:, 2:], second[:, 2:])), 1)

    @cached_property
    def _ends(self) -> Tensor:
        """(J, 2) the two rows of every joint; a joint that is a row itself has that row twice."""
        return torch.tensor([(rows[0], rows[-1]) for rows in self.rows])


def map_layout(joints: tuple[str, ...], skeleton: Skeleton, *, source: str) -> LayoutMap:
    """Return the map from rows named `joints` to a skeleton; pelvis and thorax may be middles of hips and shoulders.

    Raises:
        DetectorError: the file lacks a joint of the skeleton.
    """
    rows = [_rows_of(joint, joints) for joint in skeleton.joints]
    missing = [joint for joint, found in zip(skeleton.joints, rows, strict=True) if not found]
    if missing:
        raise DetectorError(f"{source}: skeleton {skeleton.name} needs {', '.join(missing)}, which the file lacks")
    return LayoutMap(skeleton, tuple(rows))


def _rows_of(joint: str, joints: tuple[str, ...]) -> tuple[int, ...]:
    if joint in joints:
        return (joints.index(joint),)
    pair = MIDDLES.get(joint, ())
    return tuple(joints.index(side) for side in pair) if pair and set(pair) <= set(joints) else ()


def layout_of(joints: Sequence[str]) -> str | None:
    """Return the name of the layout whose rows are named so, None if it is none of ours."""
    return next((name for name, names in LAYOUTS.items() if names == tuple(joints)), None)


def natural_skeleton(joints: tuple[str, ...], *, name: str = "rows of the files") -> Skeleton:
    """Return the skeleton that keeps every joint of a person among rows named `joints`: a built-in one where one does.

    Args:
        joints: names of the rows.
        name: of the skeleton, where it is none of ours.

    Raises:
        DetectorError: the rows make no tree.
    """
    human_joints = {joint for joint in joints if joint in HUMAN_JOINTS}
    for known in SKELETONS.values():
        if {*known.joints} in (human_joints, {*with_middles(tuple(human_joints))}):
            return known
    try:
        return human_skeleton(layout_of(joints) or name, joints)
    except SkeletonError as error:
        raise DetectorError(f"{error}; give a layout file with limbs (docs/detectors.md)") from error
