"""Bodies that are nobody's, odd ones, and people of every age."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.harvesting.body_check import check_body, check_statures, fit_subject
from poseharvest.harvesting.subject import Subject
from poseharvest.skeleton.definitions import SKELETONS
from poseharvest.skeleton.human import BODY25B, HALPE26
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.proportions import limb_range, usual_share
from poseharvest.skeleton.skeleton import Skeleton, limbs

ALL = pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)


def body(skeleton, stature_mm, guessed=(), **changed):
    """Return a subject with the usual limbs of somebody of a stature; changes are factors by the limb's outer joint."""
    lengths = {}
    for limb in skeleton.limbs:
        usual = usual_share(limb.parent, limb.child) * stature_mm * limb_range(limb).middle(stature_mm)
        factor = next((f for joint, f in changed.items() if limb.child.endswith(joint)), 1.0)
        lengths[limb.parent, limb.child] = usual * factor
    found = LimbLengths(lengths)
    return Subject(found, found, tuple(guessed))


@ALL
@pytest.mark.parametrize("stature_mm", [780.0, 1000.0, 1400.0, 1750.0, 2200.0])
def test_people_of_every_age_are_people(skeleton, stature_mm):
    subject = body(skeleton, stature_mm)
    assert check_body(skeleton, subject) == []
    assert fit_subject(subject).stature_mm == pytest.approx(stature_mm, rel=0.02)


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(list(SKELETONS.values())),
    st.floats(800.0, 2200.0),
    st.lists(st.floats(0.93, 1.08), min_size=34, max_size=34),
)
def test_builds_and_errors_of_some_percent_are_nobodys_fault(skeleton, stature_mm, factors):
    usual = body(skeleton, stature_mm).lengths.mm
    lengths = LimbLengths({limb: v * f for (limb, v), f in zip(usual.items(), factors, strict=False)})
    assert check_body(skeleton, Subject(lengths, lengths)) == []


@ALL
def test_one_limb_of_twice_its_length_is_named(skeleton):
    (finding,) = check_body(skeleton, body(skeleton, 1750.0, knee=2.5))
    assert finding.severity == "error"
    assert "hip-right_knee is 2." in finding.message
    assert "times too long" in finding.message
    assert "mixed up" in finding.message
    (finding,) = check_body(skeleton, body(skeleton, 1750.0, elbow=0.3))
    assert "shoulder-right_elbow is 2." in finding.message
    assert "times too short" in finding.message


@ALL
def test_odd_is_a_warning(skeleton):
    (finding,) = check_body(skeleton, body(skeleton, 1750.0, wrist=1.5))
    assert finding.severity == "warning"
    assert "odd proportions" in finding.message
    assert "elbow-right_wrist is 1.2 times too long" in finding.message


@ALL
@pytest.mark.parametrize("factor", [0.001, 0.01, 0.1, 0.305, 3.28, 10.0, 1000.0])
def test_a_body_in_another_unit_is_an_error(skeleton, factor):
    subject = body(skeleton, 1750.0 * factor)
    findings = check_body(skeleton, subject)
    assert [finding.severity for finding in findings][:1] == ["error"]
    assert "is the calibration in" in findings[0].message


def test_guessed_limbs_are_not_judged():
    guessed = tuple(limb.name for limb in BODY25B.limbs if limb.child.endswith(("knee", "ankle")))
    assert check_body(BODY25B, body(BODY25B, 1750.0, guessed, knee=0.2, ankle=3.0)) == []


def test_rows_of_another_layout_make_an_impossible_body():
    """A thigh of 1,047 mm on a man of 1.75 m: BODY_25B read as BODY_25."""
    findings = check_body(HALPE26, body(HALPE26, 1750.0, knee=1047 / 428.75))
    assert findings[0].severity == "error"
    assert "(1047 mm, expected" in findings[0].message


def test_an_animal_has_no_proportions_of_people():
    mouse = Skeleton("mouse", ("withers", "left_hip", "left_knee"), limbs("withers-left_hip", "left_hip-left_knee"))
    lengths = LimbLengths({("withers", "left_hip"): 40.0, ("left_hip", "left_knee"): 9.0})
    assert check_body(mouse, Subject(lengths, lengths)) == []


def test_who_is_much_smaller_than_the_tallest_is_named():
    (finding,) = check_statures({0: 1220.0, 1: 1670.0, 2: 1500.0})
    assert (finding.topic, finding.severity) == ("person 0", "warning")
    assert "1.22 m, beside a person of 1.67 m" in finding.message
    assert check_statures({0: 1600.0, 1: 1850.0}) == []
    assert check_statures({}) == []


def test_feet_on_the_ankles_are_odd_and_end_nothing():
    (finding,) = check_body(BODY25B, body(BODY25B, 1750.0, toe=0.005))
    assert finding.severity == "warning"
    assert "toe is" in finding.message
