"""The names that people give to joints."""

from __future__ import annotations

import pytest

from poseharvest.detectors.joint_spelling import human_joint, human_joints
from poseharvest.skeleton.definitions import COCO17
from poseharvest.skeleton.human import HUMAN_JOINTS


@pytest.mark.parametrize("joint", HUMAN_JOINTS)
def test_our_own_names_stay(joint):
    assert human_joint(joint) == joint


@pytest.mark.parametrize(
    "spell",
    [
        lambda side, part: f"{side}_{part}",
        lambda side, part: f"{part}_{side}",
        lambda side, part: f"{side.capitalize()}{part.capitalize()}",
        lambda side, part: f"{side[0].upper()}{part.capitalize()}",
        lambda side, part: f"{side[0]}{part}",
        lambda side, part: f"{part}{side[0].upper()}",
        lambda side, part: f"{part.upper()}_{side[0].upper()}",
        lambda side, part: f"{side} {part}",
        lambda side, part: f"{side}{part}",
    ],
)
@pytest.mark.parametrize("part", ["shoulder", "elbow", "wrist", "hip", "knee", "ankle", "eye", "ear", "heel"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_sides_in_every_spelling(spell, side, part):
    assert human_joint(spell(side, part)) == f"{side}_{part}"


@pytest.mark.parametrize("name", ["tail", "snout", "leftright_knee", "l_r_hip", "leg", "left_paw", "", "x", "rear"])
def test_what_is_no_joint_of_a_person(name):
    assert human_joint(name) in {None, "right_ear"}
    assert (human_joint(name) is None) == (name != "rear")  # a rear is an animal's, and also who writes l-ear and r-ear


def test_short_names_of_coco():
    short = ["nose", "leye", "reye", "lear", "rear", "lsho", "rsho", "lelb", "relb", "lwri", "rwri", "lhip", "rhip"]
    assert human_joints([*short, "lkne", "rkne", "lank", "rank"]) == COCO17.joints


def test_names_that_tell_nothing():
    assert human_joints(["kp0", "kp1", "Joint 12", "7"]) is None
    assert human_joints(["nose"] * 5) is None


def test_animals_keep_their_names():
    mouse = ("snout", "left_ear", "right_ear", "spine", "tail_base", "tail_tip", "left_paw")
    assert human_joints(mouse) == mouse


def test_two_names_of_one_joint_change_nothing():
    names = ("neck", "thorax", "l_hip", "r_hip", "l_knee", "r_knee", "l_ankle")
    assert human_joints(names) == names
