"""A kinematic body with the joints of MPII: rigid limbs, moved by angles, standing on the floor z = 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.simulation.crossing import Crossing
from poseharvest.simulation.motion import ANGLES, Motion
from poseharvest.skeleton.definitions import MPII16

POINTS = (*MPII16.joints, "left_toe", "right_toe", "left_hand", "right_hand")
"""The points of a body: MPII's joints first, then the ends of feet and hands, which only the pictures show."""

_SIDES = (("left", 1.0), ("right", -1.0))
_FLOOR_SOFTNESS_MM = 10.0  # how gradually the weight passes from foot to foot


@dataclass(frozen=True)
class Body:
    """Lengths of a body. The proportions are those of an adult, near Human3.6M's subjects.

    Attributes:
        stature_mm: height from the soles to the top of the head, mm.
    """

    stature_mm: float = 1750.0

    def length(self, part: str) -> float:
        """Return the length of a part in mm, a key of `PROPORTIONS`."""
        return self.stature_mm * PROPORTIONS[part]

    def points(self, angles: Tensor, place: Tensor) -> Tensor:
        """Return the points (T, P, 3) of the body in the world, mm, in the order of `POINTS`.

        Args:
            angles: (T, A) radians, in the order of `poseharvest.simulation.motion.ANGLES`.
            place: (T, 2) x, y of the pelvis, mm.
        """
        named = self._points_from_pelvis(dict(zip(ANGLES, angles.unbind(-1), strict=True)))
        points = torch.stack([named[name] for name in POINTS], 1)
        ankles = torch.stack([named["left_ankle"][:, 2], named["right_ankle"][:, 2]], -1)
        soft = _FLOOR_SOFTNESS_MM
        lowest = -soft * (torch.logsumexp(-ankles / soft, -1) - torch.log(torch.tensor(2.0, dtype=ankles.dtype)))
        height = self.length("ankle") - lowest
        return points + torch.cat((place, height.unsqueeze(-1)), -1).unsqueeze(1)

    def _points_from_pelvis(self, angles: Mapping[str, Tensor]) -> dict[str, Tensor]:
        pelvis_frame = _rotation(2, angles["heading"])
        torso_frame = (
            pelvis_frame
            @ _rotation(2, angles["twist"])
            @ _rotation(1, angles["lean"])
            @ _rotation(0, angles["side_lean"])
        )
        pelvis = torch.zeros_like(pelvis_frame[:, 0])
        named = {"pelvis": pelvis, "thorax": pelvis + self._along(torso_frame, "torso")}
        neck_frame = torso_frame @ _rotation(2, angles["neck_yaw"]) @ _rotation(1, angles["neck_pitch"])
        named["upper_neck"] = named["thorax"] + self._along(neck_frame, "neck")
        named["head_top"] = named["upper_neck"] + self._along(neck_frame, "head")
        for side, sign in _SIDES:
            limb = {key.removeprefix(f"{side}_"): angle for key, angle in angles.items() if key.startswith(side)}
            hip = pelvis + sign * self.length("hip") * pelvis_frame[..., 1]
            shoulder = named["thorax"] + sign * self.length("shoulder") * torso_frame[..., 1]
            shoulder = shoulder - self._along(torso_frame, "shoulder_drop")
            parts = self._leg(pelvis_frame, limb, sign, hip) | self._arm(torso_frame, limb, sign, shoulder)
            named |= {f"{side}_{name}": point for name, point in parts.items()}
        return named

    def _leg(self, frame: Tensor, angles: Mapping[str, Tensor], sign: float, hip: Tensor) -> dict[str, Tensor]:
        spread = frame @ _rotation(0, sign * angles["hip_abduction"])
        thigh = spread @ _rotation(1, -angles["hip_flexion"])
        knee = hip - self._along(thigh, "thigh")
        ankle = knee - self._along(thigh @ _rotation(1, angles["knee_flexion"]), "shank")
        # The foot stays parallel to the floor: the sole is as far below the ankle as in a standing person.
        toe = ankle + self.length("foot") * frame[..., 0] - 0.4 * self._along(frame, "ankle")
        return {"hip": hip, "knee": knee, "ankle": ankle, "toe": toe}

    def _arm(self, frame: Tensor, angles: Mapping[str, Tensor], sign: float, shoulder: Tensor) -> dict[str, Tensor]:
        upper = frame @ _rotation(0, sign * angles["shoulder_abduction"]) @ _rotation(1, -angles["shoulder_flexion"])
        elbow = shoulder - self._along(upper, "upper_arm")
        lower = upper @ _rotation(1, -angles["elbow_flexion"])
        wrist = elbow - self._along(lower, "forearm")
        return {"shoulder": shoulder, "elbow": elbow, "wrist": wrist, "hand": wrist - self._along(lower, "hand")}

    def _along(self, frame: Tensor, part: str) -> Tensor:
        """Return a part's vector along the frame's own vertical, (T, 3) mm."""
        return self.length(part) * frame[..., 2]


PROPORTIONS: dict[str, float] = {
    "ankle": 0.045,
    "shank": 0.246,
    "thigh": 0.245,
    "hip": 0.074,
    "torso": 0.284,
    "neck": 0.060,
    "head": 0.120,
    "shoulder": 0.098,
    "shoulder_drop": 0.012,
    "upper_arm": 0.165,
    "forearm": 0.146,
    "hand": 0.075,
    "foot": 0.100,
}
"""Lengths as shares of the stature; `hip` and `shoulder` are half widths, `ankle` is its height above the sole."""


@dataclass(frozen=True, eq=False)
class Actor:
    """A body that performs a motion on a stage.

    Attributes:
        body: its lengths.
        motion: its angles over time.
        stage: (x, y) of the middle of its path, mm in the world.
        crossing: the path over the stage; None lets the motion wander about its middle.
    """

    body: Body
    motion: Motion
    stage: tuple[float, float] = (0.0, 0.0)
    crossing: Crossing | None = None

    def points(self, times: Tensor) -> Tensor:
        """Return all points (T, P, 3), mm in the world, at times (T,) in seconds, in the order of `POINTS`."""
        stage = torch.tensor(self.stage, dtype=torch.float64)
        place = self.motion.place(times) if self.crossing is None else self.crossing.place(times)
        return self.body.points(self.motion.angles(times), place + stage)

    def pose(self, time_s: float) -> Tensor:
        """Return the joints (J, 3), mm in the world, in MPII's order."""
        return self.points(torch.tensor([time_s], dtype=torch.float64))[0, : len(MPII16)]


def make_actor(seed: int, stage: tuple[float, float] = (0.0, 0.0), crossing: Crossing | None = None) -> Actor:
    """Return an actor by seed, of 1.58 to 1.92 m."""
    generator = torch.Generator().manual_seed(seed)
    stature = 1580.0 + 340.0 * float(torch.rand((), generator=generator))
    return Actor(Body(stature), Motion(seed), stage, crossing)


def _rotation(axis: int, angle: Tensor) -> Tensor:
    """Return the rotations (T, 3, 3) about an axis by angles (T,), radians, right-handed."""
    a, b = (axis + 1) % 3, (axis + 2) % 3
    matrix = torch.zeros(*angle.shape, 3, 3, dtype=angle.dtype)
    matrix[..., axis, axis] = 1.0
    matrix[..., a, a] = matrix[..., b, b] = torch.cos(angle)
    matrix[..., b, a] = torch.sin(angle)
    matrix[..., a, b] = -torch.sin(angle)
    return matrix
