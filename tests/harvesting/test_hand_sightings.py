"""Whose hand is whose, in one picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.keypoints import KeypointDetector, KeypointOptions
from poseharvest.geometry.crop import Crop
from poseharvest.harvesting.hand_sightings import HandFinder, HandTally, Wrists, assign_hands
from poseharvest.simulation.hand_scene import LAYOUT, make_hand_scene

BOTH = torch.tensor([True, True])
WRISTS = torch.tensor([[400.0, 300.0], [100.0, 300.0]], dtype=torch.float64)
PX_PER_MM = torch.tensor([0.5, 0.5], dtype=torch.float64)


def hand_at(x: float, y: float, score: float = 0.8) -> torch.Tensor:
    """Twenty-one joints in a row from a place on."""
    steps = torch.arange(21.0, dtype=torch.float64)
    return torch.stack((x + 2 * steps, y - steps, torch.full_like(steps, score)), 1)


NOTHING = torch.zeros((21, 3), dtype=torch.float64)
LEFT, RIGHT = hand_at(405, 296), hand_at(98, 305)


def person(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    return torch.stack((left, right))


def rows_of(taken):
    return [None if one is None else one.rows.tolist() for one in taken]


@given(order=st.permutations(range(3)), exchanged=st.booleans())
def test_each_wrist_gets_the_hand_that_starts_at_it_whatever_it_is_called_and_wherever_it_stands(order, exchanged):
    ours = person(RIGHT, LEFT) if exchanged else person(LEFT, RIGHT)
    people = [ours, person(hand_at(800, 50), NOTHING), person(NOTHING, hand_at(250, 600))]
    taken = assign_hands([people[number] for number in order], WRISTS, PX_PER_MM, BOTH)
    assert rows_of(taken) == [LEFT.tolist(), RIGHT.tolist()]
    assert [one.is_exchanged for one in taken] == [exchanged, exchanged]


def test_between_wrists_that_are_close_together_the_name_decides():
    wrists = torch.tensor([[400.0, 300.0], [410.0, 300.0]], dtype=torch.float64)
    left, right = hand_at(410, 302), hand_at(400, 302)
    taken = assign_hands([person(left, right)], wrists, PX_PER_MM, BOTH)
    assert rows_of(taken) == [left.tolist(), right.tolist()]
    assert not any(one.is_exchanged for one in taken)


@pytest.mark.parametrize("distance_mm", [140.0, 160.0])
def test_a_hand_that_starts_far_from_the_wrist_is_somebody_elses(distance_mm):
    far = hand_at(400 + 0.5 * distance_mm, 300)
    taken = assign_hands([person(far, NOTHING)], WRISTS, PX_PER_MM, BOTH)
    assert (taken[0] is not None) == (distance_mm < 150)
    assert taken[1] is None


def test_a_hand_whose_root_was_not_found_starts_at_its_nearest_joint():
    rows = hand_at(400, 300)
    rows[0, 2] = 0
    assert assign_hands([person(rows, NOTHING)], WRISTS, PX_PER_MM, BOTH)[0] is not None


def test_no_wrist_no_hand():
    assert assign_hands([person(LEFT, RIGHT)], WRISTS, PX_PER_MM, torch.tensor([False, True]))[0] is None
    assert assign_hands([person(LEFT, RIGHT)], WRISTS, torch.zeros(2), BOTH) == (None, None)
    assert assign_hands([], WRISTS, PX_PER_MM, BOTH) == (None, None)


def test_tallies_add_up():
    one, other = HandTally(1, (1, 0), 2, 0, 3), HandTally(4, (2, 3), 0, 5, 1)
    assert one.plus(other) == other.plus(one) == HandTally(5, (3, 3), 2, 5, 4)
    assert one.plus(HandTally()) == one


def test_hands_are_read_by_the_number_of_each_views_own_picture(tmp_path):
    scene = make_hand_scene(tmp_path, 4, 0)
    detector = KeypointDetector(tmp_path, KeypointOptions(layout=LAYOUT, frame_offset=0))
    finder, nothing = HandFinder(detector, scene.capture.rig, (64, 48)), (None,) * 4
    wrists = Wrists(scene.hands[3, :, 0], BOTH)
    third, late = (
        finder.look(MultiViewFrame(*at, nothing, numbers), wrists)
        for at, numbers in (((3, 0.12), None), ((0, 0.0), (3, 3, 3, 3)))
    )
    assert [one.frame for one in late.sightings] == [0, 0]
    for a, b in zip(third.sightings, late.sightings, strict=True):
        assert a.heatmaps.values.shape == (4, 21, 64, 48)
        assert torch.equal(a.heatmaps.values, b.heatmaps.values)
    assert finder.look(MultiViewFrame(0, 0.0, nothing, (3, -1, -1, -1)), wrists).sightings == (None, None)


class OneWindow:
    """A network that finds one hand wherever it looks, and notes where it looked."""

    needs_images = True
    holds_hands = True

    def __init__(self) -> None:
        self.views: list[str] = []

    def hands_in(self, views):
        self.views += [view.view for view in views]
        return [torch.zeros((2, 21, 3), dtype=torch.float64) for _ in views]


def test_a_network_looks_where_there_is_a_picture_and_a_window(tmp_path):
    scene = make_hand_scene(tmp_path, 2, 0)
    network, picture = OneWindow(), np.zeros((48, 64, 3), dtype=np.uint8)
    finder = HandFinder(network, scene.capture.rig, (64, 48))
    window = Crop((30.0, 20.0), 40.0)
    frame = MultiViewFrame(0, 0.0, (picture, None, picture, picture))
    found = finder.look(frame, Wrists(scene.hands[0, :, 0], BOTH), (window, window, None, window))
    names = scene.capture.rig.names
    assert network.views == [names[0], names[3]]
    assert found.sightings == (None, None)
    assert found.tally.records == 1
