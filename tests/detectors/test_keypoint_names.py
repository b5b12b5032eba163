"""Which number of a name is the frame: names of any decoration are read right, or refused by name."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.detectors.keypoint_names import frame_numbers
from poseharvest.errors import FormatError

HEX = "0123456789abcdef"
WORDS = st.sampled_from(["cam01", "cam", "S1_take3", "view2-left", "frame", "img", "walk 7", "GX010042", "cut1"])


@given(
    numbers=st.lists(st.integers(0, 10**11), min_size=2, max_size=12, unique=True),
    before=WORDS,
    after=st.sampled_from(["", "_keypoints", "_cam01", "_cut1", "_jpg", ".1080p"]),
    width=st.integers(1, 12),
    suffix=st.sampled_from(["", ".jpg", ".json", ".png"]),
    folder=st.sampled_from(["", "cam01/", "a12/b/"]),
    data=st.data(),
)
@settings(max_examples=80, deadline=None)
def test_the_number_that_varies_is_the_frame(numbers, before, after, width, suffix, folder, data):
    hashed = data.draw(st.booleans())
    hashes = data.draw(
        st.lists(st.text(HEX, min_size=32, max_size=32), min_size=len(numbers), max_size=len(numbers), unique=True)
        if hashed
        else st.just([""] * len(numbers))
    )
    names = [
        f"{folder}{before}_{number:0{width}d}{after}{'.rf.' + code if hashed else ''}{suffix}"
        for number, code in zip(numbers, hashes, strict=True)
    ]
    try:
        found = frame_numbers(names, where="folder")
    except FormatError:
        # only a hash that happens to look like a word or like a number may be refused
        assert any(len(re.findall(r"[a-f]+|[0-9]+", code)) < 4 for code in hashes)
        return
    assert found == tuple(numbers)


@given(st.lists(st.integers(0, 99), min_size=2, max_size=10, unique=True), st.data())
@settings(max_examples=40, deadline=None)
def test_two_names_of_one_frame_are_refused_with_both(numbers, data):
    twice = data.draw(st.sampled_from(numbers))
    names = [f"cam01_{number:04d}" for number in numbers] + [f"cam01_{twice:06d}"]
    with pytest.raises(FormatError, match=rf"one name for frame {twice}, got cam01_{twice:04d} and cam01_{twice:06d}"):
        frame_numbers(names, where="folder")


def test_uuids_are_no_numbers():
    names = [f"img_{n}_2b1f8a90-0e4c-4f6b-9a57-{n:012x}" for n in range(30)]
    assert frame_numbers(names, where="folder") == tuple(range(30))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["cam_left.jpg"], "expected a frame number in every name, got cam_left.jpg without one"),
        (["a_1.jpg", "b_2.jpg"], "names that differ in their frame number alone, got a_1.jpg and b_2.jpg"),
        (["12_13", "13_14"], "one number that varies from name to name"),
        (["12-00-05.983", "12-00-06.000", "12-01-05.500"], "one number that varies"),
        (["cut2_frame_12", "cut1_frame_13"], "one number that varies"),
    ],
)
def test_what_cannot_be_told_is_refused(names, message):
    with pytest.raises(FormatError, match=message):
        frame_numbers(names, where="folder")


def test_a_part_that_changes_on_the_way_is_not_the_frame():
    assert frame_numbers(["frame_8_cut1", "frame_9_cut1", "frame_10_cut2"], where="folder") == (8, 9, 10)
    assert frame_numbers(["cut1_frame_8", "cut1_frame_9", "cut2_frame_10"], where="folder") == (8, 9, 10)
