"""The paper's fifteen actions as data: the postures that a performer goes through, and what all of them share.

A name in a posture is an angle of `kinematics.ANGLES`, in radians. Without a side it holds for both sides; `main_` is
the side of the performer's preferred hand, `other_` the opposite one. An angle that a posture does not name is near 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from poseharvest.errors import ConfigError

Posture = dict[str, float]
Seat = Literal["none", "chair", "floor"]


@dataclass(frozen=True)
class Action:
    """What a person does for the length of a capture.

    Attributes:
        name: as in the paper's tables.
        postures: visited in an order drawn by seed.
        stance: added to every posture.
        gait: 0 for a person who stands, 1 for one who walks on.
        seat: what the person sits on. A chair stands there whether or not the person is on it.
        table: a table stands in front of the person.
        hold_s: range of the time that a posture lasts, seconds.
    """

    name: str
    postures: tuple[Posture, ...]
    stance: Posture
    gait: float = 0.0
    seat: Seat = "none"
    table: bool = False
    hold_s: tuple[float, float] = (0.5, 1.6)


_HANGING: Posture = {"shoulder_abduction": 0.14, "elbow_flexion": 0.25}
_ON_CHAIR: Posture = {
    "hip_flexion": 1.48,
    "knee_flexion": 1.5,
    "hip_abduction": 0.14,
    "pelvis_pitch": -0.12,
    "spine_pitch": 0.16,
}
_HANDS_ON_THIGHS: Posture = {"shoulder_flexion": 0.45, "shoulder_abduction": 0.12, "elbow_flexion": 0.95}
_FOLDED: Posture = {
    "shoulder_flexion": 0.55,
    "shoulder_abduction": 0.1,
    "shoulder_rotation": 1.25,
    "elbow_flexion": 1.75,
}
_HAND_AT_EAR: Posture = {
    "main_shoulder_flexion": 0.95,
    "main_shoulder_abduction": 0.45,
    "main_shoulder_rotation": 0.45,
    "main_elbow_flexion": 2.4,
}
_HAND_AT_MOUTH: Posture = {
    "main_shoulder_flexion": 0.85,
    "main_shoulder_abduction": 0.12,
    "main_shoulder_rotation": 0.6,
    "main_elbow_flexion": 2.35,
}


def _one_arm(flexion: float, abduction: float, elbow: float, rotation: float = 0.0) -> Posture:
    return {
        "main_shoulder_flexion": flexion,
        "main_shoulder_abduction": abduction,
        "main_elbow_flexion": elbow,
        "main_shoulder_rotation": rotation,
        "other_shoulder_abduction": 0.14,
        "other_elbow_flexion": 0.3,
    }


def _both_arms(flexion: float, abduction: float, elbow: float, rotation: float = 0.0) -> Posture:
    return {
        "shoulder_flexion": flexion,
        "shoulder_abduction": abduction,
        "elbow_flexion": elbow,
        "shoulder_rotation": rotation,
    }


_STANDING: Posture = {"hip_abduction": 0.07, "knee_flexion": 0.06, "hip_flexion": 0.04}

_BENT_DOWN: Posture = {
    "hip_flexion": 1.0,
    "pelvis_pitch": 0.3,
    "spine_pitch": 0.75,
    "knee_flexion": 0.8,
    "shoulder_flexion": 0.9,
    "elbow_flexion": 0.3,
    "shoulder_abduction": 0.1,
}
_SQUATTING: Posture = {
    "hip_flexion": 1.75,
    "knee_flexion": 2.05,
    "hip_abduction": 0.25,
    "spine_pitch": 0.5,
    "shoulder_flexion": 0.9,
    "shoulder_abduction": 0.15,
    "elbow_flexion": 0.7,
}
_CROSSED_LEGS: Posture = {
    "hip_flexion": 1.45,
    "hip_abduction": 0.75,
    "hip_rotation": -1.15,
    "knee_flexion": 2.3,
    "pelvis_pitch": -0.2,
    "spine_pitch": 0.4,
    **_HANDS_ON_THIGHS,
}
_LEGS_STRETCHED: Posture = {
    "hip_flexion": 1.45,
    "knee_flexion": 0.25,
    "hip_abduction": 0.18,
    "pelvis_pitch": -0.25,
    "spine_pitch": 0.05,
    "shoulder_flexion": -0.75,
    "shoulder_abduction": 0.4,
    "elbow_flexion": 0.85,
}
_KNEES_HUGGED: Posture = {
    "hip_flexion": 2.1,
    "knee_flexion": 1.88,
    "hip_abduction": 0.08,
    "pelvis_pitch": -0.4,
    "spine_pitch": 0.55,
    "shoulder_flexion": 1.15,
    "shoulder_rotation": 0.5,
    "elbow_flexion": 0.75,
    "neck_pitch": 0.2,
}

_ALL = (
    Action(
        "Directions",
        (
            _one_arm(1.5, 0.2, 0.15),
            _one_arm(0.3, 1.5, 0.2),
            _one_arm(0.9, 0.8, 0.6),
            _one_arm(1.2, 0.1, 0.5, 0.9) | {"spine_twist": 0.3, "neck_yaw": 0.4},
            _HANGING,
        ),
        _STANDING,
    ),
    Action(
        "Discussion",
        (
            _both_arms(0.5, 0.3, 1.4),
            _both_arms(0.4, 0.5, 1.1, -0.5),
            _one_arm(0.6, 0.4, 1.6, 0.3),
            _one_arm(1.1, 0.3, 0.9, -0.2),
            _FOLDED,
        ),
        _STANDING,
        hold_s=(0.3, 1.0),
    ),
    Action(
        "Eating",
        (
            _HAND_AT_MOUTH | {"other_shoulder_flexion": 0.6, "other_elbow_flexion": 1.1},
            _both_arms(0.7, 0.2, 1.0, 0.4),
            _one_arm(1.0, 0.15, 0.55) | {"spine_pitch": 0.3, "other_elbow_flexion": 1.2},
        ),
        _ON_CHAIR,
        seat="chair",
        table=True,
    ),
    Action(
        "Greeting",
        (
            _one_arm(0.5, 1.5, 1.6, -0.9),
            _one_arm(1.2, 0.15, 0.5),
            _both_arms(0.4, 1.2, 0.5),
            {"spine_pitch": 0.6, "pelvis_pitch": 0.2, "neck_pitch": 0.2, **_HANGING},
            _one_arm(2.3, 0.5, 0.3),
        ),
        _STANDING,
    ),
    Action(
        "Phoning",
        (
            _HAND_AT_EAR | {"other_shoulder_abduction": 0.14, "other_elbow_flexion": 0.3},
            _HAND_AT_EAR | {"other_shoulder_flexion": 0.45, "other_shoulder_rotation": 1.1, "other_elbow_flexion": 1.5},
            _HAND_AT_EAR | {"other_shoulder_abduction": 0.6, "other_elbow_flexion": 1.0, "neck_pitch": 0.25},
            _HAND_AT_EAR | {"other_shoulder_flexion": -0.2, "other_elbow_flexion": 0.7, "spine_twist": 0.3},
        ),
        _STANDING,
        gait=0.35,
    ),
    Action(
        "Photo",
        (
            _both_arms(1.3, 0.25, 1.5, 0.55) | {"neck_pitch": 0.05},
            _both_arms(1.25, 0.2, 1.9, 0.6) | {"hip_flexion": 0.9, "knee_flexion": 1.2, "spine_pitch": 0.3},
            _both_arms(0.6, 0.15, 1.5, 0.6) | {"neck_pitch": 0.4},
            _both_arms(1.35, 0.2, 1.3, 0.5) | {"spine_pitch": 0.35, "spine_twist": 0.2},
        ),
        _STANDING,
    ),
    Action(
        "Posing",
        (
            _both_arms(-0.2, 0.75, 1.5, 0.9),
            _both_arms(0.2, 1.5, 0.2),
            _both_arms(0.3, 2.3, 1.4, -0.3),
            _one_arm(-0.2, 0.75, 1.5, 0.9) | {"spine_roll": 0.2, "other_knee_flexion": 0.5, "other_hip_flexion": 0.4},
            _both_arms(2.5, 0.3, 0.3),
            _FOLDED | {"spine_twist": 0.3},
        ),
        _STANDING,
        hold_s=(0.8, 2.0),
    ),
    Action(
        "Purchases",
        (
            _BENT_DOWN,
            _SQUATTING,
            _one_arm(2.0, 0.3, 0.3),
            _both_arms(0.8, 0.2, 1.2, 0.2),
            _one_arm(1.2, 0.2, 0.4) | {"spine_twist": 0.4},
            _HANGING,
        ),
        _STANDING,
        gait=0.3,
    ),
    Action(
        "Sitting",
        (
            _HANDS_ON_THIGHS,
            _FOLDED,
            _HANDS_ON_THIGHS | {"spine_pitch": 0.5, "neck_pitch": 0.2},
            _HAND_AT_MOUTH
            | {"other_shoulder_flexion": 0.5, "other_elbow_flexion": 1.3, "other_shoulder_rotation": 0.9},
            _HANDS_ON_THIGHS | {"main_hip_flexion": 1.75, "main_hip_abduction": -0.2, "main_knee_flexion": 1.3},
            _both_arms(0.3, 2.1, 2.2, -0.6) | {"spine_pitch": -0.2},
        ),
        _ON_CHAIR,
        seat="chair",
    ),
    Action(
        "SittingDown",
        (
            _CROSSED_LEGS,
            _LEGS_STRETCHED,
            _KNEES_HUGGED,
            _LEGS_STRETCHED | {"main_knee_flexion": 1.2, "main_hip_flexion": 1.9, "main_shoulder_flexion": 0.8},
            _CROSSED_LEGS | {"spine_twist": 0.4, "main_shoulder_flexion": 1.2, "main_elbow_flexion": 0.3},
            _SQUATTING,
        ),
        {},
        seat="floor",
        hold_s=(0.8, 2.0),
    ),
    Action(
        "Smoking",
        (
            _HAND_AT_MOUTH | {"other_shoulder_abduction": 0.15, "other_elbow_flexion": 0.4},
            _one_arm(0.3, 0.35, 0.9),
            _HAND_AT_MOUTH
            | {"other_shoulder_flexion": 0.3, "other_shoulder_rotation": 1.2, "other_elbow_flexion": 1.6},
            _one_arm(0.1, 0.2, 0.4) | {"neck_pitch": -0.25},
        ),
        _STANDING,
        gait=0.25,
    ),
    Action(
        "Waiting",
        (
            _FOLDED,
            _HANGING | {"main_knee_flexion": 0.35, "main_hip_flexion": 0.2, "spine_roll": 0.08},
            _both_arms(-0.2, 0.6, 1.5, 0.9),
            _both_arms(-0.45, 0.15, 0.7, 0.7),
            _HANGING | {"neck_yaw": 0.7, "spine_twist": 0.3},
            _both_arms(0.2, 0.1, 1.3, 0.3) | {"neck_pitch": 0.35},
        ),
        _STANDING,
        gait=0.2,
    ),
    Action(
        "WalkDog",
        (
            _one_arm(0.7, 0.15, 0.4),
            _one_arm(0.4, 0.35, 0.3) | {"spine_pitch": 0.15},
            _BENT_DOWN,
            _one_arm(-0.3, 0.3, 0.2) | {"spine_twist": -0.2},
        ),
        _HANGING,
        gait=0.8,
    ),
    Action("Walking", (_HANGING, _HANGING | {"neck_yaw": 0.3}, _HANGING | {"neck_pitch": 0.15}), {}, gait=1.0),
    Action(
        "WalkTogether",
        (
            _HANGING,
            _HANGING | {"neck_yaw": 0.6},
            _one_arm(0.3, 1.0, 0.9),
            _one_arm(0.6, 0.4, 1.2) | {"neck_yaw": 0.4},
        ),
        {},
        gait=0.9,
    ),
)

ACTIONS: dict[str, Action] = {action.name: action for action in _ALL}
"""The fifteen actions by name, in the order of the paper's tables."""


def action_by_name(name: str) -> Action:
    """Return an action.

    Raises:
        ConfigError: there is no action of that name; the message lists all actions.
    """
    if name not in ACTIONS:
        raise ConfigError(f'action: expected one of {", ".join(ACTIONS)}, got "{name}"')
    return ACTIONS[name]
