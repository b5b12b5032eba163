"""Bones of constant lengths: rotations that bring every bone to where it was measured, in any skeleton."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.export.bone_tree import bone_rotations, bone_tree, posed, rest_direction
from poseharvest.export.constant_limbs import with_constant_limbs
from poseharvest.skeleton.definitions import SKELETONS
from poseharvest.skeleton.human import BODY25B, HUMAN_JOINTS
from poseharvest.skeleton.skeleton import Skeleton, limbs


def random_walk(skeleton: Skeleton, seed: int, num_frames: int = 5) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    start = generator.normal(size=(1, len(skeleton), 3)) * 400
    steps = generator.normal(size=(num_frames, len(skeleton), 3)).cumsum(0) * 60
    return {joint: (start + steps)[:, number] for number, joint in enumerate(skeleton.joints)}


def lengths_of(skeleton: Skeleton, seed: int) -> dict[str, float]:
    generator = np.random.default_rng(seed)
    return {limb.name: float(generator.uniform(50, 500)) for limb in skeleton.limbs}


@pytest.mark.parametrize("name", SKELETONS)
@settings(max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_every_joint_lies_where_constant_limbs_put_it(name: str, seed: int) -> None:
    skeleton = SKELETONS[name]
    points, lengths = random_walk(skeleton, seed), lengths_of(skeleton, seed)
    tree = bone_tree(skeleton, lengths)
    rotations = bone_rotations(tree, points)
    found = posed(tree, rotations, points[skeleton.root])
    for frame in range(5):
        pose = torch.tensor(np.stack([points[joint][frame] for joint in skeleton.joints]))
        expected = with_constant_limbs(pose, skeleton, lengths)
        for number, joint in enumerate(skeleton.joints):
            np.testing.assert_allclose(found[joint][frame], expected[number], atol=1e-6)
    identity = rotations @ np.swapaxes(rotations, -1, -2)
    np.testing.assert_allclose(identity, np.broadcast_to(np.eye(3), identity.shape), atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(rotations), 1)


def test_the_rest_pose_needs_no_rotation() -> None:
    lengths = lengths_of(BODY25B, 1)
    tree = bone_tree(BODY25B, lengths)
    rest = posed(tree, np.broadcast_to(np.eye(3), (2, len(tree), 3, 3)), np.zeros((2, 3)))
    rotations = bone_rotations(tree, {joint: rest[joint] for joint in BODY25B.joints})
    np.testing.assert_allclose(rotations, np.broadcast_to(np.eye(3), rotations.shape), atol=1e-9)


def test_sides_mirror_each_other_at_rest() -> None:
    for joint in HUMAN_JOINTS:
        direction = rest_direction(joint)
        assert np.linalg.norm(direction) == pytest.approx(1)
        if joint.startswith("left_"):
            np.testing.assert_allclose(rest_direction(f"right_{joint[5:]}"), direction * [-1, 1, 1])


def test_a_limb_without_length_ends_its_chain() -> None:
    lengths = lengths_of(BODY25B, 1)
    del lengths["left_hip-left_knee"]
    names = {joint.name for joint in bone_tree(BODY25B, lengths)}
    assert "left_hip" in names
    assert not names & {"left_knee", "left_ankle", "left_heel", "left_big_toe", "left_small_toe"}


@pytest.mark.parametrize("first", [0, 2])
def test_a_bone_that_points_the_other_way_round_has_a_rotation_too(first: int) -> None:
    """Opposite directions have no shortest turn: any is right, and none is not a number."""
    skeleton = Skeleton("rod", ("root", "tip"), limbs("root-tip"))
    tree = bone_tree(skeleton, {"root-tip": 100.0})
    tips = np.array([[0, 1, 0], [0.1, 0.9, 0], [0, -1, 0], [0, -1, 0], [0.2, -1, 0.1]], dtype=float)[first:]
    rotations = bone_rotations(tree, {"root": np.zeros((len(tips), 3)), "tip": tips})
    found = posed(tree, rotations, np.zeros((len(tips), 3)))["tip"]
    np.testing.assert_allclose(found, 100 * tips / np.linalg.norm(tips, axis=1, keepdims=True), atol=1e-6)
