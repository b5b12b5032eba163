"""The points of a body from the angles of its joints: a jointed spine, arms and legs that also turn about themselves.

The body's own axes are x forward, y to its left, z up. All angles at 0 stands upright with hanging arms.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from poseharvest.skeleton.definitions import MPII16
from poseharvest.studio.body_shapes import BodyShape

Floats = NDArray[np.float64]

POINTS = (*MPII16.joints, "spine", "nose", "left_toe", "right_toe", "left_hand", "right_hand")
"""The points of a body: MPII's joints first, then those that only the figure in the picture needs."""

_SIDED_LIMITS: dict[str, tuple[float, float]] = {
    "hip_flexion": (-0.5, 2.25),
    "hip_abduction": (-0.25, 0.8),
    "hip_rotation": (-1.3, 0.7),
    "knee_flexion": (0.0, 2.5),
    "shoulder_flexion": (-0.8, 2.8),
    "shoulder_abduction": (-0.1, 2.6),
    "shoulder_rotation": (-1.0, 1.4),
    "elbow_flexion": (0.05, 2.5),
}

ANGLE_LIMITS: dict[str, tuple[float, float]] = {
    "heading": (-math.inf, math.inf),
    "pelvis_pitch": (-0.5, 0.5),
    "pelvis_roll": (-0.25, 0.25),
    "spine_pitch": (-0.35, 1.1),
    "spine_roll": (-0.4, 0.4),
    "spine_twist": (-0.7, 0.7),
    "neck_pitch": (-0.5, 0.7),
    "neck_roll": (-0.4, 0.4),
    "neck_yaw": (-1.0, 1.0),
} | {f"{side}_{name}": limits for side in ("left", "right") for name, limits in _SIDED_LIMITS.items()}
"""The angles of a posture in channel order, with a person's limits in radians.

Flexion moves a limb forward (the knee's backward), abduction sideways, rotation turns it inward about itself.
"""

ANGLES = tuple(ANGLE_LIMITS)

_SIDES = (("left", 1.0), ("right", -1.0))
_CONTACT_SOFTNESS_MM = 8.0  # how gradually the weight passes from one support to the next
SEAT_MM = 98.0
"""How far the pelvis is above what it sits on, for an average body."""


def body_points(shape: BodyShape, angles: Floats, seat_mm: float = 0.0) -> Floats:
    """Return the points (T, P, 3) of a body, mm, with the pelvis above the origin and the floor at z = 0.

    The body rests on its lowest supports: feet, knees and hands on the floor, the pelvis on a seat.

    Args:
        shape: the lengths of the body.
        angles: (T, A) radians in the order of `ANGLES`.
        seat_mm: height of the support of the pelvis: the seat of a chair, or 0 for the floor.
    """
    named = _from_pelvis(shape, dict(zip(ANGLES, np.moveaxis(angles, -1, 0), strict=True)))
    points = np.stack([named[name] for name in POINTS], 1)
    points[..., 2] += _height(shape, named, seat_mm)[:, None]
    return points


def _height(shape: BodyShape, named: Mapping[str, Floats], seat_mm: float) -> Floats:
    """Return the height (T,) of the pelvis: the lowest that the supports allow."""
    scale = shape.stature_mm / 1750.0
    rests = {"ankle": shape.length("ankle"), "toe": 26.0 * scale, "knee": shape.width(58.0), "hand": 25.0 * scale}
    needed = [rest - named[f"{side}_{name}"][:, 2] for side, _ in _SIDES for name, rest in rests.items()]
    needed.append(np.full_like(needed[0], seat_mm + SEAT_MM * scale))
    soft = _CONTACT_SOFTNESS_MM
    stacked = np.stack(needed, -1) / soft
    highest = stacked.max(-1)
    return np.asarray(soft * (highest + np.log(np.exp(stacked - highest[:, None]).sum(-1))))


def _from_pelvis(shape: BodyShape, angles: Mapping[str, Floats]) -> dict[str, Floats]:
    heading = turned(2, angles["heading"])
    pelvis = heading @ turned(1, angles["pelvis_pitch"]) @ turned(0, angles["pelvis_roll"])
    chest = pelvis @ turned(2, angles["spine_twist"]) @ turned(1, angles["spine_pitch"])
    chest = chest @ turned(0, angles["spine_roll"])
    zero = np.zeros_like(pelvis[:, 0])
    spine = zero + 0.45 * shape.length("torso") * pelvis[..., 2]
    thorax = spine + 0.55 * shape.length("torso") * chest[..., 2]
    neck = chest @ turned(2, angles["neck_yaw"]) @ turned(1, angles["neck_pitch"]) @ turned(0, angles["neck_roll"])
    upper_neck = thorax + shape.length("neck") * (0.5 * chest[..., 2] + 0.5 * neck[..., 2])
    head = shape.head * shape.length("head")
    named = {"pelvis": zero, "spine": spine, "thorax": thorax, "upper_neck": upper_neck}
    named["head_top"] = upper_neck + head * neck[..., 2]
    named["nose"] = upper_neck + 0.32 * head * neck[..., 2] + 0.55 * head * neck[..., 0]
    for side, sign in _SIDES:
        limb = {key.removeprefix(f"{side}_"): angle for key, angle in angles.items() if key.startswith(side)}
        hip = zero + sign * shape.length("hip") * pelvis[..., 1]
        shoulder = thorax + sign * shape.length("shoulder") * chest[..., 1]
        raised = np.clip(limb["shoulder_abduction"] + 0.5 * limb["shoulder_flexion"] - 1.0, 0, 1)[:, None]
        shoulder = shoulder + (35.0 * raised - shape.length("shoulder_drop")) * chest[..., 2]
        parts = _leg(shape, pelvis, limb, sign, hip) | _arm(shape, chest, limb, sign, shoulder)
        named |= {f"{side}_{name}": point for name, point in parts.items()}
    return named


def _leg(shape: BodyShape, frame: Floats, angles: Mapping[str, Floats], sign: float, hip: Floats) -> dict[str, Floats]:
    thigh = frame @ turned(1, -angles["hip_flexion"]) @ turned(0, sign * angles["hip_abduction"])
    thigh = thigh @ turned(2, -sign * angles["hip_rotation"])
    knee = hip - shape.length("thigh") * thigh[..., 2]
    shank = thigh @ turned(1, angles["knee_flexion"])
    ankle = knee - shape.length("shank") * shank[..., 2]
    return {"hip": hip, "knee": knee, "ankle": ankle, "toe": ankle + shape.length("foot") * _foot(shank)}


def _foot(shank: Floats) -> Floats:
    """Return the direction (T, 3) from ankle to toe: level below an upright shank, at a right angle to a lying one."""
    upright = np.clip((shank[:, 2, 2] - 0.3) / 0.5, 0, 1)[:, None]
    forward = shank[..., 0]
    level = forward * np.array((1.0, 1.0, 0.0))
    level = level / np.maximum(np.linalg.norm(level, axis=-1, keepdims=True), 1e-6)
    level = level - np.array((0.0, 0.0, 0.2))
    # A shank that leans far forward belongs to a foot that pushes off or swings: its toe points down.
    pushing = 0.9 * np.clip(-forward[:, 2] - 0.35, 0, 1)[:, None] * np.array((0.0, 0.0, 1.0))
    direction = upright * (level - pushing) + (1 - upright) * forward
    return np.asarray(direction / np.linalg.norm(direction, axis=-1, keepdims=True))


def _arm(
    shape: BodyShape, frame: Floats, angles: Mapping[str, Floats], sign: float, shoulder: Floats
) -> dict[str, Floats]:
    upper = frame @ turned(0, sign * angles["shoulder_abduction"]) @ turned(1, -angles["shoulder_flexion"])
    upper = upper @ turned(2, -sign * angles["shoulder_rotation"])
    elbow = shoulder - shape.length("upper_arm") * upper[..., 2]
    lower = upper @ turned(1, -angles["elbow_flexion"])
    wrist = elbow - shape.length("forearm") * lower[..., 2]
    return {"shoulder": shoulder, "elbow": elbow, "wrist": wrist, "hand": wrist - shape.length("hand") * lower[..., 2]}


def turned(axis: int, angle: Floats) -> Floats:
    """Return the rotations (T, 3, 3) about an axis by angles (T,), radians, right-handed."""
    a, b = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.zeros((*angle.shape, 3, 3))
    matrix[..., axis, axis] = 1.0
    matrix[..., a, a] = matrix[..., b, b] = np.cos(angle)
    matrix[..., b, a] = np.sin(angle)
    matrix[..., a, b] = -np.sin(angle)
    return matrix


def within_limits(angles: Floats, softness: float = 0.05) -> Floats:
    """Return the angles (..., A) bent back softly into `ANGLE_LIMITS`, so that speed does not jump at a limit."""
    low, high = (np.array(bound) for bound in zip(*ANGLE_LIMITS.values(), strict=True))
    bounded = np.isfinite(low)
    low, high = np.where(bounded, low, -1e3), np.where(bounded, high, 1e3)
    above = low + softness * np.logaddexp(0.0, (angles - low) / softness)
    below = high - softness * np.logaddexp(0.0, (high - above) / softness)
    return np.where(bounded, np.clip(below, low, high), angles)
