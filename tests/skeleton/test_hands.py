from __future__ import annotations

import pytest

from poseharvest.errors import SkeletonError
from poseharvest.skeleton.definitions import COCO17, MPII16, SKELETONS
from poseharvest.skeleton.hands import FINGERS, HAND21, HAND_JOINTS, USUAL_MM, hand_joints, with_hands
from poseharvest.skeleton.human import HUMAN_JOINTS
from poseharvest.skeleton.skeleton import Skeleton, limbs

WITH_WRISTS = [one for one in SKELETONS.values() if {"left_wrist", "right_wrist"} <= {*one.joints}]


def test_a_hand_is_a_wrist_with_five_chains_of_four_joints():
    assert HAND21.root == "wrist"
    assert len(HAND21) == 21
    for finger in FINGERS:
        chain = [limb for limb in HAND21.limbs_from_root if limb.child.startswith(finger)]
        assert [limb.parent for limb in chain] == ["wrist", *(f"{finger}_{number}" for number in (1, 2, 3))]


def test_every_limb_of_a_hand_has_a_usual_length_and_fingers_taper():
    assert set(USUAL_MM) == {limb.name for limb in HAND21.limbs}
    for finger in FINGERS:
        first, second, third = (USUAL_MM[f"{finger}_{n}-{finger}_{n + 1}"] for n in (1, 2, 3))
        assert first > second > third > 10


@pytest.mark.parametrize("body", WITH_WRISTS, ids=lambda one: one.name)
def test_a_body_with_hands_keeps_its_own_joints_first_and_its_tree(body):
    whole = with_hands(body)
    assert whole.joints[: len(body)] == body.joints
    assert whole.joints[len(body) :] == HAND_JOINTS
    assert whole.limbs[: len(body.limbs)] == body.limbs
    assert whole.root == body.root
    assert whole.flip_permutation[: len(body)] == body.flip_permutation
    for left, right in zip(hand_joints("left"), hand_joints("right"), strict=True):
        assert whole.joints[whole.flip_permutation[whole.index(left)]] == right
    for limb in whole.limbs[len(body.limbs) :]:
        assert whole.mirrored_limb(whole.mirrored_limb(limb)) == limb
        assert whole.mirrored_limb(limb) in whole.limbs


def test_names_of_finger_joints_are_nobody_elses():
    assert not {*HAND_JOINTS} & {*HUMAN_JOINTS}
    assert len({*with_hands(COCO17).joints}) == len(COCO17) + 40 == len(with_hands(MPII16)) + 1


def test_a_body_without_a_wrist_gets_no_hands():
    legs = Skeleton("legs", ("left_knee", "right_wrist"), limbs("left_knee-right_wrist"))
    with pytest.raises(SkeletonError, match="limbs or flip pairs name joints that it lacks: left_wrist"):
        with_hands(legs)
