"""Procedural motion: the angles of a body's joints over time, smooth and within the limits of a person.

A performer goes through activities, two seconds each, in an order drawn by seed. An activity is a posture and a swing
about it. Consecutive activities blend. Slow noise on every angle makes two rounds of one activity differ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

ANGLE_LIMITS: dict[str, tuple[float, float]] = {
    "heading": (-math.inf, math.inf),
    "twist": (-0.7, 0.7),
    "lean": (-0.3, 1.1),
    "side_lean": (-0.35, 0.35),
    "neck_pitch": (-0.5, 0.7),
    "neck_yaw": (-0.9, 0.9),
    "left_hip_flexion": (-0.5, 1.9),
    "right_hip_flexion": (-0.5, 1.9),
    "left_hip_abduction": (-0.1, 0.6),
    "right_hip_abduction": (-0.1, 0.6),
    "left_knee_flexion": (0.0, 2.2),
    "right_knee_flexion": (0.0, 2.2),
    "left_shoulder_flexion": (-0.8, 2.6),
    "right_shoulder_flexion": (-0.8, 2.6),
    "left_shoulder_abduction": (0.18, 2.8),
    "right_shoulder_abduction": (0.18, 2.8),
    "left_elbow_flexion": (0.05, 2.4),
    "right_elbow_flexion": (0.05, 2.4),
}
"""The angles of a posture, in channel order, with a person's limits in radians; 0 stands upright, arms hanging."""

ANGLES = tuple(ANGLE_LIMITS)

_ACTIVITY_S = 2.0
_BLEND_S = 0.9
_LIMIT_SOFTNESS = 0.05  # radians over which an angle comes to rest at its limit, so that speed does not jump
_NOISE_HZ = (0.1, 0.5)
_NUM_WAVES = 3
_NOISE_AMPLITUDE = 0.08
_WANDER_MM = 160.0
_TURN_RATE = 0.35


@dataclass(frozen=True)
class Activity:
    """An activity of two seconds.

    Attributes:
        name: its name.
        posture: mean of each angle that is not 0, radians. A name without side holds for both sides.
        swing: (amplitude in radians, phase in turns) of each angle that swings, with the same names.
        frequency_hz: frequency of the swing.
        alternates: if a name holds for both sides, the right side swings half a turn after the left, as in walking.
    """

    name: str
    posture: dict[str, float]
    swing: dict[str, tuple[float, float]]
    frequency_hz: float
    alternates: bool = False

    @cached_property
    def posture_vector(self) -> Tensor:
        """(A,) `posture` in channel order."""
        vector = torch.zeros(len(ANGLES), dtype=torch.float64)
        for key, value in self.posture.items():
            for angle in _channels(key):
                vector[ANGLES.index(angle)] = value
        return vector

    @cached_property
    def swing_matrix(self) -> Tensor:
        """(2, A) amplitudes and phases (radians) of `swing` in channel order."""
        matrix = torch.zeros(2, len(ANGLES), dtype=torch.float64)
        for key, (amplitude, turns) in self.swing.items():
            for angle in _channels(key):
                later = 0.5 if self.alternates and angle != key and angle.startswith("right_") else 0.0
                matrix[:, ANGLES.index(angle)] = torch.tensor((amplitude, 2 * math.pi * (turns + later)))
        return matrix

    def angles(self, times: Tensor) -> Tensor:
        """Return the angles (T, A) at times (T,), seconds."""
        amplitude, phase = self.swing_matrix
        turn = 2 * math.pi * self.frequency_hz * times.unsqueeze(-1)
        angles: Tensor = self.posture_vector + amplitude * torch.sin(turn + phase)
        return angles


def _channels(key: str) -> tuple[str, ...]:
    return (key,) if key in ANGLE_LIMITS else (f"left_{key}", f"right_{key}")


ACTIVITIES = (
    Activity(
        "walk",
        posture={"hip_flexion": 0.15, "knee_flexion": 0.45, "elbow_flexion": 0.5, "shoulder_abduction": 0.2},
        swing={
            "hip_flexion": (0.45, 0.0),
            "knee_flexion": (0.4, 0.2),
            "shoulder_flexion": (0.4, 0.5),
            "twist": (0.1, 0.5),
        },
        frequency_hz=1.0,
        alternates=True,
    ),
    Activity(
        "raise arms",
        posture={"shoulder_abduction": 1.9, "elbow_flexion": 0.5, "neck_pitch": -0.15, "hip_abduction": 0.1},
        swing={"shoulder_abduction": (0.6, 0.0), "elbow_flexion": (0.3, 0.3), "side_lean": (0.15, 0.1)},
        frequency_hz=0.5,
    ),
    Activity(
        "squat",
        posture={
            "hip_flexion": 0.85,
            "knee_flexion": 1.05,
            "lean": 0.35,
            "shoulder_flexion": 0.9,
            "hip_abduction": 0.2,
        },
        swing={
            "hip_flexion": (0.7, 0.0),
            "knee_flexion": (0.85, 0.0),
            "lean": (0.25, 0.0),
            "shoulder_flexion": (0.5, 0.0),
        },
        frequency_hz=0.5,
    ),
    Activity(
        "sit",
        posture={
            "hip_flexion": 1.5,
            "knee_flexion": 1.55,
            "hip_abduction": 0.2,
            "shoulder_flexion": 0.5,
            "shoulder_abduction": 0.25,
            "elbow_flexion": 1.2,
            "lean": 0.1,
        },
        swing={"neck_yaw": (0.5, 0.0), "elbow_flexion": (0.3, 0.4), "twist": (0.2, 0.1)},
        frequency_hz=0.4,
        alternates=True,
    ),
    Activity(
        "turn",
        posture={"elbow_flexion": 1.5, "shoulder_abduction": 0.4, "knee_flexion": 0.15, "hip_flexion": 0.1},
        swing={"heading": (0.9, 0.0), "twist": (0.35, 0.1), "neck_yaw": (0.5, 0.15), "shoulder_flexion": (0.4, 0.0)},
        frequency_hz=0.4,
    ),
    Activity(
        "reach",
        posture={
            "lean": 0.6,
            "left_shoulder_flexion": 1.6,
            "right_shoulder_flexion": 0.3,
            "shoulder_abduction": 0.3,
            "left_elbow_flexion": 0.3,
            "right_elbow_flexion": 0.9,
            "knee_flexion": 0.3,
            "hip_flexion": 0.25,
        },
        swing={"lean": (0.35, 0.0), "left_shoulder_flexion": (0.5, 0.2), "twist": (0.4, 0.3)},
        frequency_hz=0.45,
    ),
)


@dataclass(frozen=True, eq=False)
class _Draws:
    """The random draws: the order of the activities, the noise's waves (A + 2, waves), the first heading."""

    order: Tensor
    omega: Tensor
    phase: Tensor
    heading: float


@dataclass(frozen=True, eq=False)
class Motion:
    """A performance without end, by seed.

    Attributes:
        seed: seed of the order of the activities, of the noise, and of the path.
    """

    seed: int

    @cached_property
    def _draws(self) -> _Draws:
        generator = torch.Generator().manual_seed(self.seed)
        uniform = torch.rand(2, len(ANGLES) + 2, _NUM_WAVES, generator=generator, dtype=torch.float64)
        low, high = _NOISE_HZ
        return _Draws(
            order=torch.randperm(len(ACTIVITIES), generator=generator),
            omega=2 * math.pi * (low + (high - low) * uniform[0]),
            phase=2 * math.pi * uniform[1],
            heading=float(2 * math.pi * torch.rand((), generator=generator)),
        )

    def angles(self, times: Tensor) -> Tensor:
        """Return the angles (T, A) at times (T,) in seconds, within `ANGLE_LIMITS`."""
        times = times.double()
        drift = torch.zeros(len(ANGLES), dtype=torch.float64)
        drift[ANGLES.index("heading")] = 1.0
        heading = (self._draws.heading + _TURN_RATE * times).unsqueeze(-1) * drift
        noise = _NOISE_AMPLITUDE * self._noise(times)[:, : len(ANGLES)]
        return _within_limits(self._activities(times) + noise + heading)

    def place(self, times: Tensor) -> Tensor:
        """Return where the person stands, (T, 2) mm from the middle of the stage, at times (T,) in seconds."""
        return _WANDER_MM * self._noise(times.double())[:, len(ANGLES) :]

    def _activities(self, times: Tensor) -> Tensor:
        each = torch.stack([activity.angles(times) for activity in ACTIVITIES], 1)  # (T, activities, A)
        phase = times / _ACTIVITY_S + 0.5
        blend = _BLEND_S / _ACTIVITY_S
        total = torch.zeros_like(each[:, 0])
        for neighbour in (-1, 0, 1):
            turn = torch.floor(phase) + neighbour
            weight = _smooth_step((phase - turn) / blend) - _smooth_step((phase - turn - 1) / blend)
            activity = self._draws.order[turn.long() % len(ACTIVITIES)]
            total = total + weight.unsqueeze(-1) * each[torch.arange(len(times)), activity]
        return total

    def _noise(self, times: Tensor) -> Tensor:
        return torch.sin(times[:, None, None] * self._draws.omega + self._draws.phase).sum(-1)


def _smooth_step(x: Tensor) -> Tensor:
    """Return 0 below -0.5, 1 above 0.5, and between them the polynomial with two continuous derivatives."""
    u = (x + 0.5).clamp(0, 1)
    return u**3 * (10 - 15 * u + 6 * u**2)


def _within_limits(angles: Tensor) -> Tensor:
    low, high = torch.tensor(list(ANGLE_LIMITS.values()), dtype=angles.dtype).T
    bounded = torch.isfinite(low)
    soft = _LIMIT_SOFTNESS
    above = low + soft * torch.nn.functional.softplus((angles - low) / soft)
    below = high - soft * torch.nn.functional.softplus((high - above) / soft)
    return torch.where(bounded, below.clamp(low, high), angles)
