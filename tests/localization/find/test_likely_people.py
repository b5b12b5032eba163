"""The guess whose the next detections are: people who walk, in lists of any order, some of them missing."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch

from localization_kit import STANDING, plain_rig
from people_kit import candidate
from poseharvest.localization.find.likely_people import likely_people
from poseharvest.localization.find.scan import Candidate

RIG = plain_rig()
PLACES = torch.tensor([[-900.0, 0, 0], [0, 700, 0], [900, -600, 0]], dtype=torch.float64)
STEP_MM = torch.tensor([25.0, -15.0, 0.0], dtype=torch.float64)


def walkers(num_people: int, num_frames: int) -> list[list[tuple[Candidate, ...]]]:
    """By frame, what the views see of each."""
    return [
        [
            tuple(candidate(RIG, view, STANDING + PLACES[person] + number * STEP_MM) for view in range(3))
            for person in range(num_people)
        ]
        for number in range(num_frames)
    ]


@pytest.mark.parametrize("num_people", [1, 2, 3])
def test_everybody_keeps_their_own(num_people: int) -> None:
    before, *rest = walkers(num_people, 12)
    frames = [[one for own in frame for one in own] for frame in rest]
    for number, frame in enumerate(frames):
        random.Random(number).shuffle(frame)
    assert likely_people(before, frames) == rest


def test_who_is_missing_is_found_again_and_nobody_else_is_taken() -> None:
    before, first, second, third = walkers(2, 4)
    stranger = candidate(RIG, 0, STANDING + torch.tensor([0.0, 0, 2500], dtype=torch.float64))
    gap = [*first[0], *first[1][1:], stranger]
    frames = [gap, [], [*third[1], *third[0]]]
    assert second != third
    assert likely_people(before, frames) == [[first[0], first[1][1:]], [], third]


def test_if_nobody_is_known_the_most_confident_are_one_person() -> None:
    (frame,) = walkers(1, 1)
    unsure = [replace(one, scores=one.scores / 3) for own in walkers(2, 1)[0][1:] for one in own]
    assert likely_people([], [[*frame[0], *unsure], [unsure[1]], []]) == [[frame[0]], [(unsure[1],)], []]
