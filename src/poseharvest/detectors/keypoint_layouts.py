"""The joints of the keypoint files in the wild, by our names, and the skeletons that they can fill."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.errors import DetectorError
from poseharvest.skeleton.definitions import COCO17, MPII16
from poseharvest.skeleton.skeleton import Skeleton, limbs

_FEET = ("left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel")
_ARMS = (
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
)
_LEGS = ("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle")
_FACE = ("right_eye", "left_eye", "right_ear", "left_ear")

LAYOUTS: dict[str, tuple[str, ...]] = {
    # OpenPose's "Neck" is the middle of the shoulders, MPII's thorax; its "MidHip" is MPII's pelvis.
    "body_25": ("nose", "thorax", *_ARMS, "pelvis", *_LEGS, *_FACE, *_FEET),
    "body_25b": (*COCO17.joints, "upper_neck", "head_top", *_FEET),
    "openpose_coco18": ("nose", "thorax", *_ARMS, *_LEGS, *_FACE),
    "coco17": COCO17.joints,
}
"""Joint names in the order of the file."""

BODY15 = Skeleton(
    name="body15",
    joints=("pelvis", "thorax", "nose", *_ARMS, *_LEGS),
    limbs=limbs(
        "pelvis-thorax",
        "thorax-nose",
        "thorax-right_shoulder",
        "thorax-left_shoulder",
        "right_shoulder-right_elbow",
        "right_elbow-right_wrist",
        "left_shoulder-left_elbow",
        "left_elbow-left_wrist",
        "pelvis-right_hip",
        "pelvis-left_hip",
        "right_hip-right_knee",
        "right_knee-right_ankle",
        "left_hip-left_knee",
        "left_knee-left_ankle",
    ),
    flip_pairs=tuple(
        (f"left_{part}", f"right_{part}") for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    ),
)
"""What OpenPose's BODY_25 and every COCO file can fill: the trunk, a nose, arms and legs."""

_NATURAL = {"body_25": BODY15, "body_25b": MPII16, "openpose_coco18": BODY15, "coco17": COCO17}
_MIDDLES = {"pelvis": ("left_hip", "right_hip"), "thorax": ("left_shoulder", "right_shoulder")}


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
        return torch.stack([_middle(keypoints[list(rows)]) for rows in self.rows])


def _middle(rows: Tensor) -> Tensor:
    return torch.cat((rows[:, :2].mean(0), rows[:, 2].amin(0, keepdim=True)))


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
    pair = _MIDDLES.get(joint, ())
    return tuple(joints.index(side) for side in pair) if pair and set(pair) <= set(joints) else ()


def natural_skeleton(joints: tuple[str, ...]) -> Skeleton:
    """Return the richest of our skeletons that rows named `joints` fill."""
    for layout, names in LAYOUTS.items():
        if names == joints:
            return _NATURAL[layout]
    return next((s for s in (MPII16, COCO17) if all(_rows_of(joint, joints) for joint in s.joints)), BODY15)


def recognise_layout(keypoints: Tensor, *, source: str) -> str:
    """Return the layout of people (N, K, 3): by their number of rows, and for 25 by where the second row lies.

    The second row of BODY_25 is the middle of the shoulders, that of BODY_25B an eye.

    Raises:
        DetectorError: it cannot be told; the message asks for the option.
    """
    by_count = {18: "openpose_coco18", 17: "coco17"}
    count = keypoints.shape[1]
    if count in by_count:
        return by_count[count]
    distance = {name: _neck_distance(keypoints, name) for name in ("body_25", "body_25b")} if count == 25 else {}
    known = {name: value for name, value in distance.items() if value == value}  # noqa: PLR0124 - drops NaN
    if not known:
        raise DetectorError(
            f"{source}: people with {count} keypoints: cannot tell the layout; give layout= one of {', '.join(LAYOUTS)}"
        )
    return min(known, key=lambda name: known[name])


def _neck_distance(keypoints: Tensor, layout: str) -> float:
    """Return how far, in widths of the shoulders, the layout's neck lies from their middle: small if it is right."""
    names = LAYOUTS[layout]
    neck = keypoints[:, names.index("thorax" if layout == "body_25" else "upper_neck")]
    left, right = (keypoints[:, names.index(f"{side}_shoulder")] for side in ("left", "right"))
    seen = (torch.stack((neck[:, 2], left[:, 2], right[:, 2])) > 0).all(0)
    width = (left - right)[seen, :2].norm(dim=-1).clamp(min=1.0)
    away = (neck - (left + right) / 2)[seen, :2].norm(dim=-1)
    return float((away / width).median()) if bool(seen.any()) else float("nan")
