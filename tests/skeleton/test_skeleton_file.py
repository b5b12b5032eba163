from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poseharvest.errors import FormatError, SkeletonError
from poseharvest.skeleton.skeleton import Limb
from poseharvest.skeleton.skeleton_file import read_skeleton, write_skeleton

GOOD = """
name = "fencer"
joints = ["pelvis", "left_hip", "right_hip"]
limbs = [["pelvis", "left_hip"], ["pelvis", "right_hip"]]
flip_pairs = [["left_hip", "right_hip"]]
"""


@pytest.fixture
def write(tmp_path):
    def put(text: str):
        path = tmp_path / "fencer.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return put


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_writing_then_reading_gives_it_back(skeletons, data, tmp_path):
    skeleton = data.draw(skeletons)
    write_skeleton(skeleton, tmp_path / "skeleton.toml")
    assert read_skeleton(tmp_path / "skeleton.toml") == skeleton


def test_reads_the_documented_file(write):
    skeleton = read_skeleton(write(GOOD))
    assert skeleton.name == "fencer"
    assert skeleton.limbs == (Limb("pelvis", "left_hip"), Limb("pelvis", "right_hip"))
    assert skeleton.flip_permutation == (0, 2, 1)


def test_flip_pairs_may_be_left_out(write):
    assert read_skeleton(write(GOOD.split("flip_pairs", maxsplit=1)[0])).flip_pairs == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("flip_pairs", "flip_pair", 'key "flip_pair": expected one of name, joints, limbs, flip_pairs; did you mean'),
        ("flip_pairs", "zzz", 'key "zzz": expected one of name, joints, limbs, flip_pairs'),
        ('name = "fencer"', "", "keys missing: name"),
        ('"fencer"', "7", 'key "name": expected a name, got 7'),
        ('["pelvis", "left_hip", "right_hip"]', "3", 'key "joints": expected a list of names, got 3'),
        ('["pelvis", "left_hip"]', '["pelvis"]', 'key "limbs": expected a pair of joints such as'),
        ('[["left_hip", "right_hip"]]', '"left"', "key \"flip_pairs\": expected a list of pairs of joints, got 'left'"),
        ("name =", "name", "not valid TOML: "),
    ],
)
def test_errors_name_the_file_and_the_key(write, old, new, message):
    with pytest.raises(FormatError, match=re.escape("fencer.toml: " + message)):
        read_skeleton(write(GOOD.replace(old, new, 1)))


def test_a_missing_file_is_a_format_error(tmp_path):
    with pytest.raises(FormatError, match=r"none\.toml: cannot be read: No such file"):
        read_skeleton(tmp_path / "none.toml")


def test_a_file_whose_limbs_are_no_tree_is_named(write):
    text = GOOD.replace('["pelvis", "right_hip"]', '["left_hip", "toe"]')
    with pytest.raises(SkeletonError, match=r'fencer\.toml: skeleton "fencer": limbs or flip pairs .*: toe'):
        read_skeleton(write(text))
