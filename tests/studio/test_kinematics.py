from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.errors import ConfigError
from poseharvest.skeleton.definitions import MPII16
from poseharvest.studio.body_shapes import BodyShape, ShapeRanges, draw_shape
from poseharvest.studio.kinematics import ANGLE_LIMITS, ANGLES, POINTS, body_points, within_limits

SEEDS = st.integers(0, 2**32 - 1)
LIMBS = (
    ("thigh", "hip", "knee"),
    ("shank", "knee", "ankle"),
    ("upper_arm", "shoulder", "elbow"),
    ("forearm", "elbow", "wrist"),
)


def drawn(seed: int) -> tuple[BodyShape, np.ndarray]:
    """A body and five postures anywhere within the limits."""
    rng = np.random.default_rng(seed)
    low, high = np.clip(np.array(list(ANGLE_LIMITS.values())).T, -3, 3)
    return draw_shape(ShapeRanges(), rng), rng.uniform(low, high, (5, len(ANGLES)))


def joint(points: np.ndarray, name: str) -> np.ndarray:
    return points[..., POINTS.index(name), :]


@settings(deadline=None, max_examples=30)
@given(SEEDS)
def test_limbs_keep_their_length_in_every_posture(seed):
    shape, angles = drawn(seed)
    points = body_points(shape, angles)
    for side, (part, start, end) in itertools.product(("left", "right"), LIMBS):
        length = np.linalg.norm(joint(points, f"{side}_{start}") - joint(points, f"{side}_{end}"), axis=-1)
        np.testing.assert_allclose(length, shape.length(part))


@settings(deadline=None, max_examples=30)
@given(SEEDS)
def test_a_mirrored_posture_gives_a_mirrored_body(seed):
    shape, angles = drawn(seed)
    swap = [name.replace("left", "?").replace("right", "left").replace("?", "right") for name in ANGLES]
    sign = [-1.0 if name in {"heading", "pelvis_roll", "spine_roll", "spine_twist", "neck_roll", "neck_yaw"} else 1.0
            for name in ANGLES]  # fmt: skip
    mirrored = body_points(shape, angles[:, [ANGLES.index(name) for name in swap]] * sign)
    other = [POINTS.index(n.replace("left", "?").replace("right", "left").replace("?", "right")) for n in POINTS]
    np.testing.assert_allclose(mirrored[:, other], body_points(shape, angles) * (1, -1, 1), atol=1e-9)


@settings(deadline=None, max_examples=30)
@given(SEEDS)
def test_something_carries_the_body_and_nothing_is_far_below_the_floor(seed):
    shape, angles = drawn(seed)
    points = body_points(shape, angles)
    carriers = [p for p in POINTS if p.endswith(("ankle", "toe", "knee", "hand", "pelvis"))]
    lowest = np.stack([joint(points, name)[:, 2] for name in carriers], -1).min(-1)
    assert (lowest > 0).all()
    assert (lowest < 230).all()


def test_upright_stands_as_tall_as_it_is_and_looks_ahead():
    shape = BodyShape(stature_mm=1800.0)
    points = body_points(shape, np.zeros((1, len(ANGLES))))[0]
    assert joint(points, "head_top")[2] == pytest.approx(1800.0, abs=25.0)
    assert joint(points, "nose")[0] > 80
    assert joint(points, "left_toe")[0] > 80
    assert joint(points, "left_hip")[1] > 0 > joint(points, "right_hip")[1]
    assert POINTS[: len(MPII16)] == MPII16.joints


@pytest.mark.parametrize(
    ("angle", "point", "axis", "sign"),
    [
        ("left_hip_flexion", "left_knee", 0, 1),
        ("left_hip_abduction", "left_knee", 1, 1),
        ("right_hip_abduction", "right_knee", 1, -1),
        ("left_knee_flexion", "left_ankle", 0, -1),
        ("right_shoulder_flexion", "right_elbow", 0, 1),
        ("right_shoulder_abduction", "right_elbow", 1, -1),
        ("left_elbow_flexion", "left_wrist", 0, 1),
        ("spine_pitch", "thorax", 0, 1),
        ("neck_yaw", "nose", 1, 1),
    ],
)
def test_angles_move_what_they_are_named_after(angle, point, axis, sign):
    angles = np.zeros((2, len(ANGLES)))
    angles[1, ANGLES.index(angle)] = 0.5
    before, after = joint(body_points(BodyShape(), angles), point)
    assert sign * (after - before)[axis] > 30


def test_inward_rotation_brings_the_forearm_before_the_belly():
    angles = np.zeros((2, len(ANGLES)))
    angles[:, ANGLES.index("left_elbow_flexion")] = 1.5
    angles[1, ANGLES.index("left_shoulder_rotation")] = 1.0
    before, after = joint(body_points(BodyShape(), angles), "left_wrist")
    assert after[1] < before[1] - 100


def test_a_seat_carries_the_pelvis():
    angles = np.zeros((1, len(ANGLES)))
    for side in ("left", "right"):
        angles[0, ANGLES.index(f"{side}_hip_flexion")] = angles[0, ANGLES.index(f"{side}_knee_flexion")] = 1.9
    assert joint(body_points(BodyShape(), angles, 600.0), "pelvis")[0, 2] == pytest.approx(698.0, abs=10)


@settings(deadline=None, max_examples=30)
@given(SEEDS)
def test_limits_hold_and_leave_the_middle_alone(seed):
    wild = np.random.default_rng(seed).uniform(-9, 9, (4, len(ANGLES)))
    low, high = np.array(list(ANGLE_LIMITS.values())).T
    bound = within_limits(wild)
    assert ((bound >= low) & (bound <= high)).all()
    middle = np.nan_to_num(low, neginf=0.0) / 2 + np.nan_to_num(high, posinf=0.0) / 2
    np.testing.assert_allclose(within_limits(middle), middle, atol=0.01)


def test_a_body_without_size_is_named():
    with pytest.raises(ConfigError, match="body shape: arms must be positive, got 0"):
        BodyShape(arms=0)
