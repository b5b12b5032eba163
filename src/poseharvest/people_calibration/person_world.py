"""The world of a person who stands: z up along the body, the floor below the feet, x where the person looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poseharvest.people_calibration.joint_sightings import Bools, Floats
from poseharvest.people_calibration.one_body import USUAL_STATURE_MM
from poseharvest.rig_calibration.world import World
from poseharvest.skeleton.proportions import PLACES
from poseharvest.skeleton.skeleton import Skeleton

_STRAIGHT_DEG = 25.0  # between thigh and shank of the leg that is stood on, and between trunk and leg
_LEAST_MOMENTS = 5
_LEAN_WARNING_DEG = 5.0
_TOP = ("head_top", "upper_neck", "neck_base", "nose", "thorax")
_FEET = ("heel", "big_toe", "small_toe", "ankle")
_LOW_SHARE = 0.1  # quantile of the heights of the lowest foot that is taken for the floor


@dataclass(frozen=True)
class Standing:
    """How the world was found from a person who stands.

    Attributes:
        num_moments: in which the person stands upright.
        lean_deg: median angle between the body and the direction that is called up.
    """

    num_moments: int
    lean_deg: float

    @property
    def is_weak(self) -> bool:
        """Whether the person leans to all sides, or is seldom upright."""
        return self.num_moments < 4 * _LEAST_MOMENTS or self.lean_deg > _LEAN_WARNING_DEG


def world_of_person(points: Floats, skeleton: Skeleton, scale: float) -> tuple[World, Standing] | None:
    """Return the world of a person who stands upright; None if nobody does for five moments.

    Args:
        points: (M, J, 3) the joints, before scaling; NaN where not known.
        skeleton: the joints.
        scale: factor on all lengths.
    """
    joints = _Joints(scale * points, skeleton)
    body = joints.body_axes()
    if body is None:
        return None
    axes, is_upright = body
    if is_upright.sum() < _LEAST_MOMENTS:
        return None
    up = _middle_direction(axes[is_upright])
    lean_deg = float(np.median(np.degrees(np.arccos(np.clip(axes[is_upright] @ up, -1, 1)))))
    floor = joints.floor(up)
    feet = joints.between_feet(is_upright)
    origin = feet + (floor - feet @ up) * up
    forward = joints.forward(up, is_upright)
    new_from_old = np.eye(4)
    new_from_old[:3, :3] = np.stack((forward, np.cross(up, forward), up))
    new_from_old[:3, 3] = -new_from_old[:3, :3] @ origin
    standing = Standing(int(is_upright.sum()), lean_deg)
    text = (
        f"the world is that of the person who stands ({standing.num_moments} moments, {lean_deg:.1f} degrees from the "
        "mean direction): origin on the floor between the feet, z up along the body, x forward"
    )
    return World(new_from_old, scale, "person", text), standing


class _Joints:
    """The joints of a body by name."""

    def __init__(self, points: Floats, skeleton: Skeleton) -> None:
        self._points, self._names = points, skeleton.joints

    def of(self, name: str) -> Floats:
        """Return (M, 3) a joint; NaN for one that the skeleton lacks."""
        if name in self._names:
            return self._points[:, self._names.index(name)]
        return np.full((len(self._points), 3), np.nan)

    def middle(self, part: str) -> Floats:
        """Return (M, 3) the middle of a left and a right joint."""
        return (self.of(f"left_{part}") + self.of(f"right_{part}")) / 2

    def body_axes(self) -> tuple[Floats, Bools] | None:
        """Return (M, 3) directions from the foot that is stood on to the head, and (M,) whether the body is upright."""
        top_name = next((name for name in _TOP if np.isfinite(self.of(name)).all(-1).sum() >= _LEAST_MOMENTS), None)
        if top_name is None:
            return None
        trunk = self.middle("shoulder") - self.middle("hip")
        legs = [
            (self.of(f"{side}_hip"), self.of(f"{side}_knee"), self.of(f"{side}_ankle")) for side in ("left", "right")
        ]
        low = np.stack([((ankle - self.middle("hip")) * _unit(trunk)).sum(-1) for _, _, ankle in legs])
        is_left = np.where(np.isfinite(low), low, np.inf).argmin(0) == 0
        hip, knee, ankle = (np.where(is_left[:, None], left, right) for left, right in zip(*legs, strict=True))
        # The head stands above the feet in the middle between both hips, not above one hip.
        axes = _unit(self.of(top_name) - ankle)
        bend = _angle_deg(hip - knee, knee - ankle)
        tilt = _angle_deg(trunk, self.middle("hip") - ankle)
        with np.errstate(invalid="ignore"):
            is_upright = (bend < _STRAIGHT_DEG) & (tilt < _STRAIGHT_DEG) & np.isfinite(axes).all(-1)
        return axes, is_upright

    def floor(self, up: Floats) -> float:
        """Return the height of the floor along `up`, mm: below the lowest points of feet by what they are above it."""
        heights = []
        for part in _FEET:
            above = PLACES[f"left_{part}"][2] * USUAL_STATURE_MM
            heights += [self.of(f"{side}_{part}") @ up - above for side in ("left", "right")]
        known = np.stack(heights)
        lowest = np.where(np.isfinite(known), known, np.inf).min(0)
        return float(np.quantile(lowest[np.isfinite(lowest)], _LOW_SHARE))

    def between_feet(self, is_upright: Bools) -> Floats:
        """Return (3,) the middle between the ankles while the person stands."""
        return np.asarray(np.nanmedian(self.middle("ankle")[is_upright], 0), dtype=np.float64)

    def forward(self, up: Floats, is_upright: Bools) -> Floats:
        """Return (3,) where the person looks while standing, at right angles to `up`."""
        left = self.of("left_hip") - self.of("right_hip") + self.of("left_shoulder") - self.of("right_shoulder")
        mean_left = np.nanmedian(left[is_upright], 0)
        forward = np.cross(mean_left, up)
        size = float(np.linalg.norm(forward))
        if not size > 0:
            forward = np.cross(up, np.eye(3)[np.abs(up).argmin()])
        return np.asarray(forward / np.linalg.norm(forward), dtype=np.float64)


def _unit(vectors: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), dtype=np.float64)


def _angle_deg(one: Floats, other: Floats) -> Floats:
    cosine = (_unit(one) * _unit(other)).sum(-1)
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))), dtype=np.float64)


def _middle_direction(directions: Floats) -> Floats:
    """Return (3,) the direction in the middle of directions (N, 3), not moved by a few wrong ones."""
    middle = np.median(directions, 0)
    for _ in range(10):
        away = np.linalg.norm(directions - middle, axis=1)
        weights = 1 / np.maximum(away, 1e-3)
        middle = (weights[:, None] * directions).sum(0) / weights.sum()
    return np.asarray(middle / np.linalg.norm(middle), dtype=np.float64)
