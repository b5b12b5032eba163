"""A person who performs an action: the points of a body at any time, by seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from poseharvest.studio.actions import Action, Posture
from poseharvest.studio.body_shapes import BodyShape
from poseharvest.studio.kinematics import (
    ANGLE_LIMITS,
    ANGLES,
    SEAT_MM,
    Floats,
    body_points,
    within_limits,
)

_NUM_KEYS = 24  # postures before the sequence begins again
_MOVE_S = (0.5, 1.1)  # how long a person takes from one posture to the next
_SPREAD = 0.13  # standard deviation of every angle about the posture's value
_SEATED = 0.35  # factor on it for the legs of a sitting person, whose feet stay on the floor
_NOISE = 0.03
_NOISE_HZ = (0.1, 0.6)
_NUM_WAVES = 3
_SEAT_RAISED_MM = 35.0  # a seat is a bit higher than bent legs need, so that feet may move
_STEP_HZ = (0.75, 1.0)  # of the legs' cycle
_WANDER_MM = 420.0
_STAND_WANDER_MM = 60.0
_STEP_LENGTH = 0.36  # of the stature, from one foot to the other
_WALK_STEPS = 600  # rows of the table of walking times


@dataclass(frozen=True)
class Stage:
    """The furniture that a performance needs in the room.

    Attributes:
        seat: (x, y) mm and the direction (radians) of the chair that the person sits on; None without one.
        seat_mm: the height of its seat.
        table: (x, y) mm of the middle of the table at which the person sits; None without one.
    """

    seat: tuple[float, float, float] | None = None
    seat_mm: float = 0.0
    table: tuple[float, float] | None = None


class Performance(Protocol):
    """A moving body."""

    @property
    def shape(self) -> BodyShape:
        """The body."""
        ...

    @property
    def stage(self) -> Stage:
        """The furniture that belongs to the motion."""
        ...

    def points(self, times_s: Floats) -> Floats:
        """Return the points (T, P, 3) as `kinematics.POINTS` orders them, mm about the origin of the floor z = 0."""
        ...


@dataclass(frozen=True, eq=False)
class Performer:
    """A person who performs an action.

    Attributes:
        shape: the body.
        action: what the person does.
        seed: seed of the order and timing of the postures, of the preferred hand, and of the path.
    """

    shape: BodyShape
    action: Action
    seed: int

    @cached_property
    def _plan(self) -> _Plan:
        return _make_plan(self.action, np.random.default_rng((self.seed, 1)))

    @property
    def stage(self) -> Stage:
        """The furniture that belongs to the motion."""
        plan, scale = self._plan, self.shape.stature_mm / 1750.0
        forward = np.array((math.cos(plan.heading), math.sin(plan.heading)))
        seat = table = None
        if self.action.seat == "chair":
            seat = (*(plan.spot - 40.0 * forward).tolist(), plan.heading)
        elif self.action.seat == "floor":
            beside = plan.spot - 560.0 * forward
            seat = (*beside.tolist(), plan.heading + plan.chair_turn)
        if self.action.table:
            table = tuple((plan.spot + 620.0 * scale * forward).tolist())
        return Stage(seat, self._seat_mm, table)

    @property
    def _seat_mm(self) -> float:
        legs = self.shape.length("shank") + self.shape.length("ankle")
        sitting = SEAT_MM * self.shape.stature_mm / 1750.0 - _SEAT_RAISED_MM
        return legs - sitting if self.action.seat != "none" else 0.0

    def angles(self, times_s: Floats) -> Floats:
        """Return the angles (T, A) at times (T,), within `ANGLE_LIMITS`."""
        plan = self._plan
        angles = plan.keyed(times_s) + _NOISE * plan.noise(times_s)[:, : len(ANGLES)]
        angles = angles + self.action.gait * plan.fade(times_s)[:, None] * _gait(times_s, plan)
        angles[:, ANGLES.index("heading")] += self._heading(times_s)
        return within_limits(angles)

    def points(self, times_s: Floats) -> Floats:
        """Return the points (T, P, 3) as `kinematics.POINTS` orders them, mm about the origin of the floor z = 0."""
        seat_mm = self._seat_mm if self.action.seat == "chair" else 0.0
        points = body_points(self.shape, self.angles(times_s), seat_mm)
        points[..., :2] += self._place(times_s)[:, None]
        return points

    @property
    def _walks(self) -> bool:
        return self.action.gait > 0.5

    def _heading(self, times_s: Floats) -> Floats:
        plan = self._plan
        if self._walks:
            speed = self.action.gait * _STEP_LENGTH * self.shape.stature_mm * 2 * plan.step_hz
            return np.asarray(plan.heading + plan.walk_turn * speed / plan.walk_radius_mm * plan.walked_s(times_s))
        if self.action.seat != "none":
            return np.full_like(times_s, plan.heading)
        return np.asarray(plan.heading + plan.turn * np.sin(plan.turn_rate * times_s))

    def _place(self, times_s: Floats) -> Floats:
        """Return the place of the person, (T, 2) mm; a walker goes round in a circle and looks ahead."""
        plan = self._plan
        if self.action.seat != "none":
            return np.broadcast_to(plan.spot, (len(times_s), 2))
        if self._walks:
            heading = self._heading(times_s)
            around = np.stack((np.sin(heading), -np.cos(heading)), -1)
            return np.asarray(plan.spot + plan.walk_turn * plan.walk_radius_mm * around)
        reach = _STAND_WANDER_MM + self.action.gait * _WANDER_MM
        return np.asarray(plan.spot + reach * plan.noise(times_s)[:, len(ANGLES) :] / 2.0)


@dataclass(frozen=True, eq=False)
class _Plan:
    """The random draws of a performance."""

    postures: Floats  # (K, A)
    starts: Floats  # (K + 1,) when the move to each posture begins, seconds; the last is the period
    moves: Floats  # (K,) how long the moves take
    omega: Floats  # (A + 2, waves)
    phase: Floats
    heading: float
    turn: float
    turn_rate: float
    walk_turn: float  # 1 to the left, -1 to the right
    walk_radius_mm: float
    step_hz: float
    spot: Floats  # (2,)
    chair_turn: float

    def keyed(self, times_s: Floats) -> Floats:
        """Return the angles (T, A) of the postures and the moves between them."""
        local = np.mod(times_s, self.starts[-1])
        key = np.searchsorted(self.starts, local, side="right") - 1
        share = smooth_step((local - self.starts[key]) / self.moves[key])[:, None]
        before = self.postures[key - 1]
        return np.asarray(before + share * (self.postures[key] - before))

    def noise(self, times_s: Floats) -> Floats:
        """Return slow waves (T, A + 2) about 0."""
        return np.asarray(np.sin(times_s[:, None, None] * self.omega + self.phase).sum(-1))

    def fade(self, times_s: Floats) -> Floats:
        """Return the weight (T,) of the gait, 0 to 1; it is 0 while the legs are bent."""
        knees = self.keyed(times_s)[:, [ANGLES.index("left_knee_flexion"), ANGLES.index("right_knee_flexion")]]
        return np.asarray(1.0 - smooth_step((knees.mean(-1) - 0.3) / 0.5))

    def walked_s(self, times_s: Floats) -> Floats:
        """Return the time (T,) in seconds that a walker has walked, without the times of other postures."""
        period = self.starts[-1]
        moments, sums = self._walked
        return np.asarray(np.floor(times_s / period) * sums[-1] + np.interp(np.mod(times_s, period), moments, sums))

    @cached_property
    def _walked(self) -> tuple[Floats, Floats]:
        moments = np.linspace(0.0, self.starts[-1], _WALK_STEPS)
        share = self.fade(moments)
        step = moments[1] * 0.5 * (share[1:] + share[:-1])
        return moments, np.concatenate(([0.0], np.cumsum(step)))


def _make_plan(action: Action, rng: np.random.Generator) -> _Plan:
    main = "left" if rng.random() < 0.5 else "right"
    order = np.concatenate([rng.permutation(len(action.postures)) for _ in range(_NUM_KEYS)])[:_NUM_KEYS]
    postures = np.stack([_vector(action.stance | posture, main) for posture in action.postures])[order]
    spread = _SPREAD * (0.25 + np.abs(postures).clip(0, 1)) / 1.25
    if action.seat != "none":
        spread[:, [i for i, name in enumerate(ANGLES) if "hip" in name or "knee" in name]] *= _SEATED
    postures = postures + spread * rng.standard_normal(postures.shape)
    postures[:, ANGLES.index("heading")] = 0.0
    moves = rng.uniform(*_MOVE_S, _NUM_KEYS)
    starts = np.concatenate(([0.0], np.cumsum(moves + rng.uniform(*action.hold_s, _NUM_KEYS))))
    waves = (len(ANGLES) + 2, _NUM_WAVES)
    return _Plan(
        postures=postures,
        starts=starts,
        moves=moves,
        omega=2 * math.pi * rng.uniform(*_NOISE_HZ, waves),
        phase=2 * math.pi * rng.uniform(0, 1, waves),
        heading=float(rng.uniform(0, 2 * math.pi)),
        turn=float(rng.uniform(0.4, 1.6)),
        turn_rate=float(rng.uniform(0.3, 0.6)),
        walk_turn=float(rng.choice((-1.0, 1.0))),
        walk_radius_mm=float(rng.uniform(700.0, 1150.0)),
        step_hz=float(rng.uniform(*_STEP_HZ)),
        spot=rng.uniform(-250.0, 250.0, 2),
        chair_turn=float(rng.uniform(-0.7, 0.7)),
    )


def _vector(posture: Posture, main: str) -> Floats:
    """Return a posture (A,) in channel order; a name with a side has precedence over one for both sides."""
    sides = {"main": main, "other": "right" if main == "left" else "left"}
    named = {name: value for name, value in posture.items() if name in ANGLE_LIMITS}
    for name, value in posture.items():
        prefix, _, rest = name.partition("_")
        if prefix in sides:
            named[f"{sides[prefix]}_{rest}"] = value
    for name, value in posture.items():
        for side in ("left", "right"):
            if f"{side}_{name}" in ANGLE_LIMITS:
                named.setdefault(f"{side}_{name}", value)
    return np.array([named.get(name, 0.0) for name in ANGLES])


def _gait(times_s: Floats, plan: _Plan) -> Floats:
    """Return the angles (T, A) added by walking: legs in opposition, and knees that bend in the swing forward."""
    gait = np.zeros((len(times_s), len(ANGLES)))
    for side, later in (("left", 0.0), ("right", math.pi)):
        cycle = 2 * math.pi * plan.step_hz * times_s + later
        gait[:, ANGLES.index(f"{side}_hip_flexion")] = 0.12 + 0.42 * np.sin(cycle)
        gait[:, ANGLES.index(f"{side}_knee_flexion")] = 0.12 + 0.85 * np.maximum(np.cos(cycle + 0.15), 0.0) ** 2
        gait[:, ANGLES.index(f"{side}_shoulder_flexion")] = -0.38 * np.sin(cycle)
        gait[:, ANGLES.index(f"{side}_elbow_flexion")] = 0.2 - 0.15 * np.sin(cycle)
    gait[:, ANGLES.index("spine_twist")] = 0.1 * np.sin(2 * math.pi * plan.step_hz * times_s)
    return gait


def smooth_step(x: Floats) -> Floats:
    """Return 0 below 0, 1 above 1, and between them the polynomial with two continuous derivatives."""
    u = np.clip(x, 0.0, 1.0)
    return np.asarray(u**3 * (10 - 15 * u + 6 * u**2))
