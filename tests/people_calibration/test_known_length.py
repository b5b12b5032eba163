"""The scale from one measured length, and lengths that cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from poseharvest.errors import CalibrationError
from poseharvest.people_calibration.joint_bundle import BodyState
from poseharvest.people_calibration.known_length import KnownLength, find_scale
from poseharvest.people_calibration.one_body import USUAL_STATURE_MM, usual_lengths
from poseharvest.rig_calibration.board_poses import matrix_from
from poseharvest.skeleton.definitions import MPII16

VIEWS = ("door", "window")
LEFT, RIGHT = (
    next(n for n, limb in enumerate(MPII16.limbs) if {limb.parent, limb.child} == {f"{side}_knee", f"{side}_ankle"})
    for side in ("left", "right")
)


def state(factor: float = 1.0) -> BodyState:
    """Return the limbs of the usual adult times a factor, and two cameras 3 m and 4 m apart along two axes."""
    cameras = np.stack([np.eye(4), matrix_from(np.zeros(3), np.array((-3000.0, -4000.0, 0.0)))])
    return BodyState((), cameras, np.zeros((1, len(MPII16), 3)), factor * usual_lengths(MPII16))


def test_the_distance_of_two_cameras():
    known = KnownLength(cameras_mm=("window", "door", 2500.0))
    scale = find_scale(state(), VIEWS, MPII16, known)
    assert scale.factor == pytest.approx(0.5)
    assert scale.text == "all lengths rest on 2500 mm from window to door"


def test_a_limb_is_that_of_both_sides():
    body = state()
    body.lengths_mm[[LEFT, RIGHT]] = (400.0, 420.0)
    for name in ("left_knee-left_ankle", "right_ankle-right_knee"):
        assert find_scale(body, VIEWS, MPII16, KnownLength(limb_mm=(name, 205.0))).factor == pytest.approx(0.5)


def test_the_height_scales_the_body():
    tall = find_scale(state(1.3), VIEWS, MPII16, KnownLength(height_mm=USUAL_STATURE_MM))
    short = find_scale(state(1.0), VIEWS, MPII16, KnownLength(height_mm=USUAL_STATURE_MM))
    assert short.factor / tall.factor == pytest.approx(1.3, rel=0.02)
    assert short.factor == pytest.approx(1, rel=0.05)
    assert not tall.is_guessed


def test_without_a_length_the_scale_is_guessed_and_said():
    scale = find_scale(state(), VIEWS, MPII16, KnownLength())
    assert scale.is_guessed
    assert scale.text == "no length is known: all lengths are those of a person of 1700 mm"


def test_a_limb_that_nobody_saw():
    body = state()
    body.lengths_mm[[LEFT, RIGHT]] = np.nan
    with pytest.raises(CalibrationError, match="limb: expected a limb that two cameras see"):
        find_scale(body, VIEWS, MPII16, KnownLength(limb_mm=("left_knee-left_ankle", 400.0)))


def test_a_camera_that_was_not_placed():
    with pytest.raises(CalibrationError, match='camera_distance: camera "roof" could not be placed'):
        find_scale(state(), VIEWS, MPII16, KnownLength(cameras_mm=("door", "roof", 400.0)))


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"height_mm": 17.0}, "height: expected the height of a person, 650 to 2400 mm, got 17"),
        ({"limb_mm": ("a-b", 0.0)}, "scale: expected a length of 1 mm or more, got 0"),
        ({"limb_mm": ("a-b", float("nan"))}, "scale: expected a length of 1 mm or more, got nan"),
        ({"height_mm": 1700.0, "limb_mm": ("a-b", 9.0)}, "expected one measured length, got height_mm and limb_mm"),
    ],
)
def test_impossible_lengths(given, match):
    with pytest.raises(CalibrationError, match=match):
        KnownLength(**given)
