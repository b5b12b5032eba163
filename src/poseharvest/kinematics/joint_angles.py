"""Angles between joints, by coordinate systems of the pelvis and the trunk. Degrees; docs/kinematics.md defines them.

Axes are those of the ISB's recommendations: X forward, Y upwards along the segment, Z to the person's right. Joints are
all that is known, no second marker on a segment: where ISB takes bony landmarks of the pelvis or the thorax, the lines
between both hips and both shoulders stand for them. Wu et al., ISB recommendation on definitions of joint coordinate
systems, parts I (J. Biomech. 35, 2002) and II (J. Biomech. 38, 2005).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Points: TypeAlias = Mapping[str, Floats]
"""Positions (..., 3) in mm by joint, NaN where not known."""

_Three: TypeAlias = tuple[str, str, str]

LEAST_ELEVATION_DEG: Final = 10.0
"""Of an upper arm that has a plane of elevation; one that hangs along the trunk has none."""

_SIDES: Final = ("right", "left")


@dataclass(frozen=True)
class JointAngle:
    """An angle.

    Attributes:
        name: such as "right_knee_flexion".
        joints: all joints that it is made of.
        measure: returns it in degrees, by positions and the (3,) direction that points up; NaN where a joint is NaN.
    """

    name: str
    joints: tuple[str, ...]
    measure: Callable[[Points, Floats], Floats]


def angles_of(joints: Sequence[str]) -> tuple[JointAngle, ...]:
    """Return the angles that some joints make; of two ways to one angle, the first that they allow."""
    found: dict[str, JointAngle] = {}
    for angle in _ALL:
        if {*angle.joints} <= {*joints}:
            found.setdefault(angle.name, angle)
    return tuple(found.values())


def _unit(vector: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        unit: Floats = vector / np.linalg.norm(vector, axis=-1, keepdims=True)
    return unit


def _dot(a: Floats, b: Floats) -> Floats:
    product: Floats = (a * b).sum(-1)
    return product


def _between(a: Floats, b: Floats) -> Floats:
    """Return the angle between two directions, 0 to 180 degrees, as exact near both ends as elsewhere."""
    angle: Floats = np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), _dot(a, b)))
    return angle


def _middle(points: Points, part: str) -> Floats:
    middle: Floats = (points[f"right_{part}"] + points[f"left_{part}"]) / 2
    return middle


@dataclass(frozen=True, eq=False)
class _Frame:
    """Unit axes (..., 3) of a segment: forward, upwards and to the right."""

    forward: Floats
    upwards: Floats
    right: Floats


def _frame(right: Floats, upwards: Floats) -> _Frame:
    """Return the axes with Z along `right` and Y as near to `upwards` as that allows."""
    z = _unit(right)
    y = _unit(upwards - _dot(upwards, z)[..., None] * z)
    return _Frame(np.cross(y, z), y, z)


def _trunk(points: Points, part: str) -> _Frame:
    """Return the axes of the trunk with Z along the line between both hips or both shoulders."""
    upwards = _middle(points, "shoulder") - _middle(points, "hip")
    return _frame(points[f"right_{part}"] - points[f"left_{part}"], upwards)


def _flexion(points: Points, _up: Floats, *, joints: _Three) -> Floats:
    first, middle, last = (points[joint] for joint in joints)
    return _between(middle - first, last - middle)


def _hip(points: Points, side: str) -> tuple[_Frame, Floats]:
    return _trunk(points, "hip"), _unit(points[f"{side}_knee"] - points[f"{side}_hip"])


def _hip_flexion(points: Points, _up: Floats, *, side: str) -> Floats:
    frame, thigh = _hip(points, side)
    return np.degrees(np.arctan2(_dot(thigh, frame.forward), -_dot(thigh, frame.upwards)))


def _hip_abduction(points: Points, _up: Floats, *, side: str) -> Floats:
    frame, thigh = _hip(points, side)
    outwards = _dot(thigh, frame.right) * (1 if side == "right" else -1)
    return np.degrees(np.arcsin(np.clip(outwards, -1, 1)))


def _dorsiflexion(points: Points, _up: Floats, *, side: str, toes: tuple[str, ...]) -> Floats:
    toe = np.mean([points[f"{side}_{name}"] for name in toes], axis=0)
    foot = toe - points[f"{side}_heel"]
    return 90 - _between(points[f"{side}_knee"] - points[f"{side}_ankle"], foot)


def _shoulder(points: Points, side: str) -> tuple[_Frame, Floats]:
    return _trunk(points, "shoulder"), _unit(points[f"{side}_elbow"] - points[f"{side}_shoulder"])


def _elevation(points: Points, _up: Floats, *, side: str) -> Floats:
    frame, arm = _shoulder(points, side)
    return _between(arm, -frame.upwards)


def _plane_of_elevation(points: Points, up: Floats, *, side: str) -> Floats:
    frame, arm = _shoulder(points, side)
    outwards = _dot(arm, frame.right) * (1 if side == "right" else -1)
    plane = np.degrees(np.arctan2(_dot(arm, frame.forward), outwards))
    is_known = _elevation(points, up, side=side) >= LEAST_ELEVATION_DEG
    return np.where(is_known, plane, np.nan)


def _lean(points: Points, up: Floats) -> tuple[_Frame, Floats]:
    """Return axes of the room that turn with the hips, and the direction of the trunk."""
    right = points["right_hip"] - points["left_hip"]
    level = _unit(right - _dot(right, up)[..., None] * up)
    upright = np.broadcast_to(up, level.shape)
    return _Frame(np.cross(upright, level), upright, level), _unit(_middle(points, "shoulder") - _middle(points, "hip"))


def _forward_lean(points: Points, up: Floats) -> Floats:
    room, trunk = _lean(points, up)
    return np.degrees(np.arctan2(_dot(trunk, room.forward), _dot(trunk, room.upwards)))


def _side_lean(points: Points, up: Floats) -> Floats:
    room, trunk = _lean(points, up)
    return np.degrees(np.arcsin(np.clip(_dot(trunk, room.right), -1, 1)))


def _trunk_rotation(points: Points, _up: Floats) -> Floats:
    hips, shoulders = _trunk(points, "hip"), points["right_shoulder"] - points["left_shoulder"]
    return np.degrees(np.arctan2(_dot(shoulders, hips.forward), _dot(shoulders, hips.right)))


_TRUNK: Final = ("right_hip", "left_hip", "right_shoulder", "left_shoulder")
_TOES: Final = ("big_toe", "small_toe")


def _of_side(side: str) -> tuple[JointAngle, ...]:
    def of(*parts: str) -> tuple[str, ...]:
        return tuple(f"{side}_{part}" for part in parts)

    leg: _Three = (f"{side}_hip", f"{side}_knee", f"{side}_ankle")
    arm: _Three = (f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist")
    return (
        JointAngle(f"{side}_hip_flexion", (*_TRUNK, f"{side}_knee"), partial(_hip_flexion, side=side)),
        JointAngle(f"{side}_hip_abduction", (*_TRUNK, f"{side}_knee"), partial(_hip_abduction, side=side)),
        JointAngle(f"{side}_knee_flexion", leg, partial(_flexion, joints=leg)),
        *(
            JointAngle(
                f"{side}_ankle_dorsiflexion",
                of("knee", "ankle", "heel", *toes),
                partial(_dorsiflexion, side=side, toes=toes),
            )
            for toes in (_TOES, _TOES[:1])
        ),
        JointAngle(f"{side}_shoulder_elevation", (*_TRUNK, f"{side}_elbow"), partial(_elevation, side=side)),
        JointAngle(f"{side}_shoulder_plane", (*_TRUNK, f"{side}_elbow"), partial(_plane_of_elevation, side=side)),
        JointAngle(f"{side}_elbow_flexion", arm, partial(_flexion, joints=arm)),
    )


_ALL: Final = (
    *(angle for side in _SIDES for angle in _of_side(side)),
    JointAngle("trunk_forward_lean", _TRUNK, _forward_lean),
    JointAngle("trunk_side_lean", _TRUNK, _side_lean),
    JointAngle("trunk_rotation", _TRUNK, _trunk_rotation),
)
