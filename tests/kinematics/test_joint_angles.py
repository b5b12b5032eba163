"""Angles of poses that can be checked by hand, and laws: a turned world, a mirrored person, another size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from pose_kit import FORWARD, JOINTS, LEFT, RIGHT, UP, measured, standing
from poseharvest.kinematics.joint_angles import angles_of
from poseharvest.skeleton.definitions import COCO17, LSP14, MPII16
from poseharvest.skeleton.human import BLAZE33, BODY25, BODY25B, HALPE26

SIDED = ("hip_flexion", "hip_abduction", "knee_flexion", "ankle_dorsiflexion", "shoulder_elevation", "elbow_flexion")


def test_a_person_who_stands_with_hanging_arms_is_zero_but_for_the_plane_of_the_arms() -> None:
    for name, value in measured(standing()).items():
        if name.endswith("shoulder_plane"):
            assert np.isnan(value), name
        else:
            assert value == pytest.approx(0, abs=1e-9), name


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("degrees", [5.0, 30.0, 90.0, 120.0])
def test_a_bent_knee_and_a_bent_elbow_have_their_angle(side: str, degrees: float) -> None:
    pose = standing(**{f"{side}_knee": degrees, f"{side}_elbow": degrees})
    angles = measured(pose)
    assert angles[f"{side}_knee_flexion"] == pytest.approx(degrees)
    assert angles[f"{side}_elbow_flexion"] == pytest.approx(degrees)
    other = {"right": "left", "left": "right"}[side]
    assert angles[f"{other}_knee_flexion"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("side", ["right", "left"])
@given(flexion=st.floats(-40, 110), abduction=st.floats(-40, 60))
def test_a_thigh_turned_forward_and_outwards_comes_back(side: str, flexion: float, abduction: float) -> None:
    angles = measured(standing(**{f"{side}_hip": (flexion, abduction)}))
    assert angles[f"{side}_hip_flexion"] == pytest.approx(flexion, abs=1e-6)
    assert angles[f"{side}_hip_abduction"] == pytest.approx(abduction, abs=1e-6)
    assert angles[f"{side}_knee_flexion"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("side", ["right", "left"])
@given(elevation=st.floats(11, 170), plane=st.floats(-80, 150))
def test_an_arm_raised_in_a_plane_comes_back(side: str, elevation: float, plane: float) -> None:
    angles = measured(standing(**{f"{side}_arm": (elevation, plane)}))
    assert angles[f"{side}_shoulder_elevation"] == pytest.approx(elevation, abs=1e-6)
    assert angles[f"{side}_shoulder_plane"] == pytest.approx(plane, abs=1e-6)


@pytest.mark.parametrize(("degrees", "expected"), [(-20.0, -20.0), (0.0, 0.0), (15.0, 15.0)])
def test_a_foot_with_its_toes_up_is_dorsiflexed(degrees: float, expected: float) -> None:
    assert measured(standing(right_foot=degrees))["right_ankle_dorsiflexion"] == pytest.approx(expected)


@given(forward=st.floats(-60, 80), side=st.floats(-60, 60))
def test_a_leaning_trunk_comes_back(forward: float, side: float) -> None:
    angles = measured(standing(lean=(forward, side)))
    assert angles["trunk_forward_lean"] == pytest.approx(forward, abs=1e-6)
    assert angles["trunk_side_lean"] == pytest.approx(side, abs=1e-6)


@given(st.floats(-80, 80))
def test_shoulders_turned_to_the_left_are_positive(degrees: float) -> None:
    pose = standing()
    turn = Rotation.from_rotvec(np.radians(degrees) * UP).as_matrix()
    for joint in JOINTS:
        if any(part in joint for part in ("shoulder", "elbow", "wrist")):
            pose[joint] = turn @ pose[joint]
    assert (pose["right_shoulder"] @ FORWARD > 0) == (degrees > 1e-6) or abs(degrees) < 1e-6
    assert measured(pose)["trunk_rotation"] == pytest.approx(degrees, abs=1e-6)


def random_pose(seed: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {joint: place + generator.normal(size=3) * 150 for joint, place in standing().items()}


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_world_that_is_turned_and_moved_changes_nothing(seed: int, turn_seed: int) -> None:
    pose = random_pose(seed)
    turn = Rotation.random(random_state=turn_seed).as_matrix()
    moved = {joint: turn @ place + np.array([300.0, -2000.0, 70.0]) for joint, place in pose.items()}
    expected, found = measured(pose), measured(moved, turn @ UP)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=1e-6, err_msg=name)


@given(st.integers(0, 10**6), st.floats(0.3, 3))
def test_size_does_not_matter(seed: int, factor: float) -> None:
    pose = random_pose(seed)
    found = measured({joint: factor * place for joint, place in pose.items()})
    for name, value in measured(pose).items():
        np.testing.assert_allclose(found[name], value, atol=1e-6, err_msg=name)


@given(st.integers(0, 10**6))
def test_a_mirrored_person_swaps_sides_and_turns_and_leans_to_the_other(seed: int) -> None:
    pose = random_pose(seed)
    swap = {"right": "left", "left": "right"}

    def other(name: str) -> str:
        side, _, rest = name.partition("_")
        return f"{swap[side]}_{rest}" if side in swap else name

    mirrored = {other(joint): place * np.array([1, -1, 1]) for joint, place in pose.items()}
    found = measured(mirrored)
    for name, value in measured(pose).items():
        sign = -1 if name in {"trunk_side_lean", "trunk_rotation"} else 1
        np.testing.assert_allclose(found[other(name)], sign * value, atol=1e-6, err_msg=name)


def test_sides_are_the_persons_own() -> None:
    pose = standing()
    assert (pose["right_hip"] - pose["left_hip"]) @ RIGHT > 0
    np.testing.assert_allclose(RIGHT, -LEFT)
    np.testing.assert_allclose(np.cross(FORWARD, UP), RIGHT)


@pytest.mark.parametrize("skeleton", [MPII16, LSP14, COCO17])
def test_without_feet_there_is_no_ankle(skeleton) -> None:
    names = {angle.name for angle in angles_of(skeleton.joints)}
    assert not {name for name in names if "ankle" in name}
    assert {f"{side}_{part}" for side in ("right", "left") for part in SIDED if part != "ankle_dorsiflexion"} < names


@pytest.mark.parametrize("skeleton", [BODY25, BODY25B, HALPE26, BLAZE33])
def test_with_feet_there_is_one_angle_of_each_name(skeleton) -> None:
    names = [angle.name for angle in angles_of(skeleton.joints)]
    assert len(names) == len(set(names)) == 17


def test_a_joint_without_a_position_leaves_its_angles_empty() -> None:
    pose = standing()
    pose["right_knee"] = np.full(3, np.nan)
    empty = {name for name, value in measured(pose).items() if np.isnan(value) and "plane" not in name}
    assert empty == {"right_hip_flexion", "right_hip_abduction", "right_knee_flexion", "right_ankle_dorsiflexion"}
