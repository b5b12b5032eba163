from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.errors import SkeletonError
from poseharvest.skeleton.definitions import SKELETONS, skeleton_by_name
from poseharvest.skeleton.skeleton import Limb, Skeleton, limbs, require_joints

ALL = pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)


@given(data=st.data())
def test_flipping_twice_changes_nothing(skeletons, data):
    skeleton = data.draw(skeletons)
    permutation = skeleton.flip_permutation
    assert tuple(permutation[i] for i in permutation) == tuple(range(len(skeleton)))
    for limb in skeleton.limbs:
        assert skeleton.mirrored_limb(skeleton.mirrored_limb(limb)) == limb


@given(data=st.data())
def test_limbs_from_root_come_after_the_limb_above(skeletons, data):
    skeleton = data.draw(skeletons)
    reached = {skeleton.root}
    for limb in skeleton.limbs_from_root:
        assert limb.parent in reached
        reached.add(limb.child)
    assert reached == set(skeleton.joints)
    assert sorted(limb.name for limb in skeleton.limbs_from_root) == sorted(limb.name for limb in skeleton.limbs)


@ALL
def test_flip_swaps_left_and_right_and_leaves_the_middle(skeleton):
    for i, joint in enumerate(skeleton.joints):
        other = joint.translate({}).replace("left_", "*").replace("right_", "left_").replace("*", "right_")
        assert skeleton.joints[skeleton.flip_permutation[i]] == other


@ALL
def test_every_arm_and_leg_has_a_mirror_image_in_the_tree(skeleton):
    for limb in skeleton.limbs:
        if limb.parent.split("_")[0] == limb.child.split("_")[0] and "ear" not in limb.child:
            assert skeleton.mirrored_limb(limb) in skeleton.limbs or skeleton.name == "coco17"


def test_root_of_the_paper_is_the_pelvis():
    assert skeleton_by_name("mpii16").root == "pelvis"


@pytest.mark.parametrize(
    ("joints", "tree", "message"),
    [
        (("a", "b", "c"), limbs("a-b"), 'skeleton "s": expected one root, a joint that is no limb\'s child, got a, c'),
        (("a", "b"), limbs("a-b", "b-a"), "expected one root, a joint that is no limb's child, got none"),
        (("a", "b", "c"), limbs("a-c", "b-c"), "joints with two parents: c"),
        (("a", "b", "c"), limbs("b-c", "c-b"), "the limbs hold a cycle"),
        (("a", "b"), limbs("b-b"), "the limbs hold a cycle"),
        (("a", "b"), limbs("a-b", "a-toe"), "limbs or flip pairs name joints that it lacks: toe"),
        (("a", "b", "a"), limbs("a-b"), "joints named twice: a"),
        ((), (), "expected one root, a joint that is no limb's child, got none"),
    ],
)
def test_what_is_not_a_tree_is_refused(joints, tree, message):
    with pytest.raises(SkeletonError, match=re.escape(message)):
        Skeleton("s", joints, tree)


def test_a_joint_in_two_flip_pairs_is_refused():
    with pytest.raises(SkeletonError, match=r'skeleton "s": joints in two flip pairs: b'):
        Skeleton("s", ("a", "b", "c"), limbs("a-b", "a-c"), (("a", "b"), ("b", "c")))


def test_unknown_joint_lists_the_known():
    with pytest.raises(SkeletonError, match=r'skeleton "s": expected one of a, b, got "nose"'):
        Skeleton("s", ("a", "b"), limbs("a-b")).index("nose")


def test_unknown_skeleton_lists_the_known():
    with pytest.raises(SkeletonError, match=r'expected one of mpii16, h36m17, lsp14, coco17, body15, .* got "body24"'):
        skeleton_by_name("body24")


def test_require_joints_names_both_sides():
    require_joints(("a", "b"), ("b", "a"), wanted_by="tree", offered_by="detector")
    message = "tree and detector must have the same joints: detector lacks a; tree lacks c, d"
    with pytest.raises(SkeletonError, match=re.escape(message)):
        require_joints(("a", "b"), ("b", "c", "d"), wanted_by="tree", offered_by="detector")


def test_limb_name():
    assert Limb("pelvis", "thorax").name == "pelvis-thorax"
