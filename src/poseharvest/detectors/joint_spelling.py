"""Joints of a person under the names that people give them: `LShoulder`, `shoulder_left` and `lsho` are one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from poseharvest.skeleton.human import HUMAN_JOINTS

LEAST_JOINTS = 6
"""As many names must be those of a person's joints."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORDS = re.compile(r"[a-z]+|\d+")
_SIDES: Mapping[str, str] = MappingProxyType({"left": "left", "l": "left", "right": "right", "r": "right"})
_COUNTED = re.compile(r"(kp|keypoint|joint|point|node|part|bodypart|landmark)?[ _-]?\d+")
_ONE_WORD = re.compile(r"(left|right|l|r)([a-z]+)")

_MIDDLE: Mapping[str, str] = MappingProxyType({
    "nose": "nose",
    "neck": "thorax",
    "thorax": "thorax",
    "midshoulder": "thorax",
    "pelvis": "pelvis",
    "midhip": "pelvis",
    "hipcenter": "pelvis",
    "spine": "spine",
    "headtop": "head_top",
    "tophead": "head_top",
    "topofhead": "head_top",
    "vertex": "head_top",
    "upperneck": "upper_neck",
    "neckbase": "neck_base",
})
"""OpenPose's neck is the middle of the shoulders, and so is that of most people who name one."""

_SIDED: Mapping[str, str] = MappingProxyType({
    **dict.fromkeys(("shoulder", "sho", "shldr", "shoul"), "shoulder"),
    **dict.fromkeys(("elbow", "elb", "elbo"), "elbow"),
    **dict.fromkeys(("wrist", "wri", "wrst"), "wrist"),
    "hip": "hip",
    **dict.fromkeys(("knee", "kne"), "knee"),
    **dict.fromkeys(("ankle", "ank", "ankl"), "ankle"),
    **dict.fromkeys(("heel", "calc", "calcn"), "heel"),
    **dict.fromkeys(("bigtoe", "btoe", "hallux"), "big_toe"),
    **dict.fromkeys(("smalltoe", "stoe", "littletoe"), "small_toe"),
    "eye": "eye",
    "ear": "ear",
    "thumb": "thumb",
    **dict.fromkeys(("indexfinger", "index"), "index_finger"),
    **dict.fromkeys(("pinky", "littlefinger"), "pinky"),
})


def human_joint(text: str) -> str | None:
    """Return the joint of a person that a name means; None if it means none that is known.

    >>> human_joint("LShoulder"), human_joint("knee_right"), human_joint("lwri"), human_joint("tail")
    ('left_shoulder', 'right_knee', 'left_wrist', None)
    """
    if text in HUMAN_JOINTS:
        return text
    words = _WORDS.findall(_CAMEL.sub("_", text).lower())
    sides = [_SIDES[word] for word in words if word in _SIDES]
    part = "".join(word for word in words if word not in _SIDES)
    if not sides:
        joined = _ONE_WORD.fullmatch(part)
        if part in _MIDDLE or joined is None:
            return _MIDDLE.get(part)
        sides, part = [_SIDES[joined[1]]], joined[2]
    return f"{sides[0]}_{_SIDED[part]}" if len(sides) == 1 and part in _SIDED else None


def human_joints(names: Sequence[str]) -> tuple[str, ...] | None:
    """Return the names with those of a person's joints in our spelling; None if they tell nothing.

    They tell nothing if they only count (`kp0`, `kp1`), or two of them are alike. The names are returned as they are if
    few of them are a person's, or two would be one joint.
    """
    if len(set(names)) < len(names) or all(_COUNTED.fullmatch(name.strip().lower()) for name in names):
        return None
    found = [human_joint(name) for name in names]
    known = [joint for joint in found if joint is not None]
    if len(known) < LEAST_JOINTS or len(set(known)) < len(known):
        return tuple(names)
    return tuple(joint or name for joint, name in zip(found, names, strict=True))
