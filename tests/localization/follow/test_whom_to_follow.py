"""Whom the user names: texts as marks, and who is at a mark."""

from __future__ import annotations

import math

import pytest
import torch

from localization_kit import STANDING, empty_frame, plain_rig
from people_kit import ListedPeople
from poseharvest.errors import ConfigError
from poseharvest.localization.follow.people_tracker import PeopleTracker
from poseharvest.localization.follow.whom_to_follow import Mark, nearest_to, parse_follow, place_of

RIG = plain_rig()
ASIDE = torch.tensor([900.0, 300.0, 0.0], dtype=torch.float64)


@pytest.fixture(scope="module")
def two():
    """The sightings of somebody and of somebody beside them."""
    source = ListedPeople(RIG, lambda frame, view: [STANDING, STANDING + ASIDE])
    (moment,) = PeopleTracker(source, RIG).observe([empty_frame(0, RIG)])
    sightings = [one.sighting for one in moment.sightings]
    return sorted(sightings, key=lambda one: float(one.pose.middle[0]))


def pixels(pose, view=0):
    return RIG.at(0)[view].project(pose).pixels


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("longest", None),
        ("cam:1,2", Mark("cam", None, (1.0, 2.0))),
        ("C:1:1.5,-2", Mark("C:1", None, (1.5, -2.0))),
        ("cam:1,2,30,40@7", Mark("cam", 7, (1.0, 2.0), (30.0, 40.0))),
    ],
)
def test_texts(text, mark):
    assert parse_follow(text) == mark


@pytest.mark.parametrize("text", ["", "shortest", "cam", "cam:1", "cam:1,2,3", "cam:1,2@-1", "cam:a,b", ":1,2"])
def test_other_texts_are_refused(text):
    with pytest.raises(ConfigError, match=r'follow: expected "longest", VIEW:X,Y'):
        parse_follow(text)


def test_a_box_needs_a_size():
    with pytest.raises(ConfigError, match="a width and a height above 0"):
        parse_follow("cam:1,2,0,4")


@pytest.mark.parametrize("view", range(len(RIG.names)))
@pytest.mark.parametrize("number", [0, 1])
def test_a_point_on_somebody_is_theirs(two, view, number):
    for joint in pixels(STANDING + number * ASIDE, view):
        misfits = [Mark("any", None, tuple(joint.tolist())).misfit(one, view) for one in two]
        assert misfits[number] < 0.02
        assert misfits[number] < misfits[1 - number]


@pytest.mark.parametrize("number", [0, 1])
def test_a_box_around_somebody_is_theirs(two, number):
    points = pixels(STANDING + number * ASIDE)
    corner, size = points.amin(0) - 10, points.amax(0) - points.amin(0) + 20
    misfits = [Mark("any", None, tuple(corner.tolist()), tuple(size.tolist())).misfit(one, 0) for one in two]
    assert misfits[number] < 0.4
    assert misfits[number] < misfits[1 - number]


def test_nobody_is_far_away(two):
    assert Mark("any", None, (-500.0, -500.0)).misfit(two[0], 0) == math.inf
    assert Mark("any", None, (-500.0, -500.0), (10.0, 20.0)).misfit(two[0], 0) == math.inf


def test_the_nearest_is_found_again(two):
    assert [nearest_to(place_of(one), two) for one in two] == [0, 1]
    assert nearest_to(place_of(two[0]), []) is None
