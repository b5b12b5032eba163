"""A person of sticks who stands in a world with z up and looks along x; limbs are turned by named angles, degrees."""

from __future__ import annotations

import numpy as np

from poseharvest.kinematics.joint_angles import angles_of

FORWARD, LEFT, UP = np.eye(3)
RIGHT = -LEFT
_PARTS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel", "big_toe", "small_toe")
JOINTS = tuple(f"{side}_{part}" for part in _PARTS for side in ("left", "right"))
_TRUNK, _THIGH, _SHANK, _ARM, _FOREARM = 500.0, 430.0, 400.0, 290.0, 250.0


def _direction(forward_deg: float, outwards_deg: float, outwards: np.ndarray, along: np.ndarray) -> np.ndarray:
    """A direction `along`, turned forward, and out of that plane."""
    forward, out = np.radians(forward_deg), np.radians(outwards_deg)
    return np.cos(out) * (np.cos(forward) * along + np.sin(forward) * FORWARD) + np.sin(out) * outwards


def standing(**turned: float | tuple[float, float]) -> dict[str, np.ndarray]:
    """A pose, mm: `SIDE_knee`, `SIDE_elbow`, `SIDE_foot` by one angle; `SIDE_hip`, `SIDE_arm` and `lean` by two."""
    pose: dict[str, np.ndarray] = {}
    trunk = _direction(*turned.get("lean", (0.0, 0.0)), RIGHT, UP)
    for side, outwards in (("right", RIGHT), ("left", LEFT)):
        hip = 110 * outwards
        thigh = _direction(*turned.get(f"{side}_hip", (0.0, 0.0)), outwards, -UP)
        bend = np.radians(turned.get(f"{side}_knee", 0.0))
        back = -FORWARD - (-FORWARD @ thigh) * thigh
        shank = np.cos(bend) * thigh + np.sin(bend) * back / np.linalg.norm(back)
        knee = hip + _THIGH * thigh
        ankle = knee + _SHANK * shank
        lift = np.radians(turned.get(f"{side}_foot", 0.0))
        foot = np.cos(lift) * FORWARD + np.sin(lift) * UP
        shoulder = _TRUNK * trunk + 170 * outwards
        elevation, plane = np.radians(turned.get(f"{side}_arm", (0.0, 0.0)))
        lateral = np.cos(plane) * outwards + np.sin(plane) * FORWARD
        arm = -np.cos(elevation) * UP + np.sin(elevation) * lateral
        elbow = shoulder + _ARM * arm
        fold = np.radians(turned.get(f"{side}_elbow", 0.0))
        front = FORWARD - (FORWARD @ arm) * arm
        forearm = np.cos(fold) * arm + np.sin(fold) * (front / max(np.linalg.norm(front), 1e-9))
        heel = ankle - 50 * FORWARD - 60 * UP
        places = (shoulder, elbow, elbow + _FOREARM * forearm, hip, knee, ankle, heel)
        toes = (heel + 200 * foot - 20 * outwards, heel + 200 * foot + 20 * outwards)
        pose |= {f"{side}_{part}": place for part, place in zip(_PARTS, (*places, *toes), strict=True)}
    return pose


def measured(pose: dict[str, np.ndarray], up: np.ndarray = UP) -> dict[str, float]:
    """All angles of a pose, degrees."""
    return {angle.name: float(angle.measure(pose, up)) for angle in angles_of(tuple(pose))}
