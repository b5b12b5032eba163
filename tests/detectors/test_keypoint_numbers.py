"""Numbers of keypoint files are mapped right, or refused, or there is a finding: never silently shifted."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.capture.frames import ViewPictures
from poseharvest.detectors.keypoint_numbers import ViewNumbers, compare_numbers
from poseharvest.errors import DetectorError


def files(view, numbers, *, every=True, names=None):
    return ViewNumbers(view, tuple(sorted(numbers)), names or {}, every)


def compare(numbers, counts, *, offsets=None, every=True, leads=None):
    given_files = [files(view, found, every=every) for view, found in numbers.items()]
    leads = leads or dict.fromkeys(numbers, 0)
    footage = [ViewPictures(view, counts[view], None, leads[view]) for view in numbers]
    return compare_numbers(given_files, footage, offsets=offsets or {}, source="kp")


def severities(found):
    return [finding.severity for finding in found.findings]


@st.composite
def scenes(draw):
    """True pictures of every view's files, and how each view numbers them: `factor * picture + base`."""
    views = [f"cam{n}" for n in range(1, draw(st.integers(2, 4)) + 1)]
    count = draw(st.integers(8, 60))
    same = draw(st.booleans())
    bases = st.sampled_from([0, 0, 0, 1, 1, 7, 440, 99_000, 10_010_000_000])
    shared = draw(bases)
    pictures, numbers = {}, {}
    for view in views:
        base = shared if same else draw(bases)
        factor = 1 if same else draw(st.sampled_from([1, 1, 1, 2]))
        lost = draw(st.sets(st.integers(0, count - 1), max_size=3))
        pictures[view] = [p for p in range(count) if p not in lost]
        numbers[view] = [factor * p + base for p in pictures[view]]
    return count, pictures, numbers


@given(scenes())
@settings(max_examples=300, deadline=None)
def test_numbers_are_mapped_right_or_refused_or_named(scene):
    count, pictures, numbers = scene
    try:
        found = compare(numbers, dict.fromkeys(numbers, count))
    except DetectorError:
        return
    wrong = [
        view
        for view, taken in pictures.items()
        if [found.of_view[view].number(picture) for picture in taken] != numbers[view]
    ]
    assert not wrong or found.findings


@given(scenes())
@settings(max_examples=300, deadline=None)
def test_views_that_go_apart_are_a_warning_or_refused(scene):
    """Where views number differently, so that what is simultaneous is read from different moments."""
    count, pictures, numbers = scene
    try:
        found = compare(numbers, dict.fromkeys(numbers, count))
    except DetectorError:
        return
    shifts = {
        (found.of_view[view].number(picture) or 0) - number
        for view in numbers
        for picture, number in zip(pictures[view], numbers[view], strict=True)
    }
    assert len(shifts) == 1 or "warning" in severities(found)


def test_pictures_counted_from_zero_need_no_word():
    found = compare({"a": range(20), "b": range(20)}, {"a": 20, "b": 20})
    assert found.findings == ()
    assert found.of_view["a"].number(19) == 19
    assert found.of_view["a"].number(-1) is None


def test_all_views_counted_from_one_are_taken_with_a_note():
    found = compare({"a": range(1, 21), "b": range(1, 21)}, {"a": 20, "b": 20})
    assert [found.of_view[view].number(0) for view in "ab"] == [1, 1]
    assert severities(found) == ["note"]


def test_a_view_that_fits_both_ways_is_a_warning():
    """The files of the second view were counted from 0 without the first picture, or from 1 without the last."""
    found = compare({"a": range(1, 21), "b": range(1, 20)}, {"a": 20, "b": 20})
    assert severities(found) == ["warning"]
    assert "b would also fit if counted from 0: if it is so, say frame_offset.b=0" in found.findings[0].message


def test_an_id_that_fits_both_ways_is_a_warning():
    found = compare({"a": range(99_001, 99_010), "b": range(1, 11)}, {"a": 10, "b": 10})
    assert severities(found) == ["warning"]
    assert "a would also fit if counted from 0: if it is so, say frame_offset.a=-99000" in found.findings[0].message


def test_one_view_that_counts_from_one_is_a_warning():
    whole = compare({"a": range(20), "b": range(1, 21)}, {"a": 20, "b": 20})
    assert [whole.of_view[view].number(0) for view in "ab"] == [0, 1]
    assert severities(whole) == ["warning"]
    part = compare({"a": range(19), "b": range(1, 20)}, {"a": 20, "b": 20})
    assert severities(part) == ["warning"]
    lists = compare({"a": range(19), "b": range(1, 20)}, {"a": 20, "b": 20}, every=False)
    assert severities(lists) == ["warning"]


def test_views_that_begin_at_one_frame_of_the_capture_are_no_warning():
    found = compare({"a": range(6, 20), "b": range(14)}, {"a": 20, "b": 14}, leads={"a": 0, "b": 6})
    assert found.findings == ()


def test_frames_of_the_capture_are_refused_with_the_offset_that_would_do():
    with pytest.raises(DetectorError, match=r"are they frames of the capture instead\? Then say frame_offset.b=-6"):
        compare({"a": range(1, 20), "b": range(6, 20)}, {"a": 20, "b": 14}, leads={"a": 0, "b": 6})


def test_another_rate_is_named():
    with pytest.raises(DetectorError, match="was b detected in footage of 2 times the frame rate"):
        compare({"a": range(20), "b": range(40)}, {"a": 20, "b": 20})
    slow = compare({"a": range(20), "b": range(10)}, {"a": 20, "b": 20})
    assert "end early: b 0 to 9 (10) beside pictures 0 to 19" in slow.findings[0].message
    steps = compare({"a": range(20), "b": range(0, 20, 2)}, {"a": 20, "b": 20})
    assert "different steps" in steps.findings[0].message


def test_one_picture_more_than_the_reader_gives_is_a_warning_and_two_are_refused():
    found = compare({"a": range(21), "b": range(20)}, {"a": 20, "b": 20})
    assert severities(found) == ["warning"]
    with pytest.raises(DetectorError, match="a 0 to 21"):
        compare({"a": range(22), "b": range(20)}, {"a": 20, "b": 20})


def test_an_offset_is_taken_as_given_and_held_against_the_footage():
    found = compare({"a": range(19), "b": range(19)}, {"a": 20, "b": 20}, offsets={"a": 1, "b": 2})
    assert (found.of_view["a"].number(1), found.of_view["b"].number(2)) == (0, 0)
    (note,) = (one for one in found.findings if "1 of 19 numbers plus the frame_offset 2" in one.message)
    assert note.severity == "note"  # it is what the offset asks for
    assert not [one for one in found.findings if "reach beyond" in one.message]


def test_lists_of_people_alone_begin_where_somebody_is_seen():
    found = compare({"a": range(443, 450), "b": range(440, 460)}, {"a": 20, "b": 20}, every=False)
    assert (found.of_view["a"].number(3), found.of_view["b"].number(0)) == (443, 440)
    assert severities(found) == ["note"]


def test_files_called_as_the_pictures_are_theirs_whatever_their_numbers():
    stems = ("walk_4500", "walk_5514", "walk_6540")
    footage = [ViewPictures(view, 3, stems) for view in "ab"]
    by_name = files("a", (4500, 6540), names={4500: "walk_4500", 6540: "walk_6540"})
    by_number = files("b", (5514,), names={5514: "other_5514"})
    found = compare_numbers([by_name, by_number], footage, offsets={}, source="kp")
    assert [found.of_view["a"].number(picture) for picture in range(3)] == [4500, None, 6540]
    assert [found.of_view["b"].number(picture) for picture in range(3)] == [None, 5514, None]
    assert found.findings == ()
