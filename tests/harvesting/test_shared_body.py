"""One body for several captures: medians of what each shows, and who does not fit."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
import torch

from localization_kit import STANDING, plain_rig
from people_kit import ListedPeople
from poseharvest.errors import CaptureError, ConfigError
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.shared_body import MAX_TEACHERS, learn_subject, share_body, teachers_among
from poseharvest.harvesting.subject import Subject, by_name
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.simulation.crowd import CrowdCapture
from poseharvest.skeleton.limb_lengths import LimbLengths

RIG = plain_rig()
QUICK = HarvestOptions(inference=InferenceOptions(resolution=32), warm_up_frames=4, num_previews=0)
THIGH, SHIN, NECK = ("hip", "knee"), ("knee", "ankle"), ("thorax", "neck")


def subject(thigh: float, shin: float, neck: float, **doubts) -> Subject:
    lengths = LimbLengths({THIGH: thigh, SHIN: shin, NECK: neck})
    return Subject(lengths, lengths, **doubts)


def test_each_limb_is_the_median():
    body = share_body({"a": subject(400, 390, 90), "b": subject(410, 400, 80), "c": subject(405, 380, 100)})
    assert body.lengths.mm == {THIGH: 405, SHIN: 390, NECK: 90}
    assert body.others == ()


def test_the_order_of_captures_does_not_matter():
    subjects = {"a": subject(400, 390, 90), "b": subject(410, 400, 80), "c": subject(405, 380, 100)}
    assert share_body(dict(reversed(subjects.items()))).lengths == share_body(subjects).lengths


def test_what_is_a_guess_counts_only_where_nothing_is_better():
    body = share_body({
        "a": subject(400, 390, 90, guessed=("knee-ankle",), few=("thorax-neck",)),
        "b": subject(410, 500, 80, few=("knee-ankle",), guessed=("thorax-neck",)),
    })
    assert body.lengths.mm == {THIGH: 405, SHIN: 500, NECK: 90}


def test_another_person_is_named():
    body = share_body({"a": subject(400, 390, 90), "b": subject(401, 391, 91), "c": subject(460, 450, 104)})
    assert body.others == ("c",)
    assert body.differences["c"] == pytest.approx(0.15, abs=0.01)


@pytest.mark.parametrize("count", range(1, 12))
def test_teachers_are_spread(count):
    names = [str(number) for number in range(count)]
    teachers = teachers_among(names)
    assert len(set(teachers)) == len(teachers) == min(MAX_TEACHERS, count)
    assert teachers[-1] == names[-1] or count == 1
    steps = [int(b) - int(a) for a, b in itertools.pairwise(teachers)]
    assert max(steps, default=1) - min(steps, default=1) <= 1
    assert max(steps, default=1) == math.ceil((count - 1) / max(len(teachers) - 1, 1)) or count == 1


def test_it_is_learned_as_in_a_harvest(tmp_path):
    source = ListedPeople(RIG, lambda frame, view: [STANDING + frame * torch.tensor([5.0, 0.0, 0.0])])
    learned = learn_subject(CrowdCapture(RIG, 12), source, QUICK)
    made = harvest(CrowdCapture(RIG, 12), source, tmp_path / "h", options=QUICK)
    assert by_name(learned.lengths) == made.info.limb_lengths_mm


def test_an_empty_capture_teaches_nothing():
    with pytest.raises(CaptureError, match="nobody was found"):
        learn_subject(CrowdCapture(RIG, 4), ListedPeople(RIG, lambda frame, view: []), QUICK)


def test_moments_teach_nothing():
    source = ListedPeople(RIG, lambda frame, view: [STANDING])
    with pytest.raises(ConfigError, match="expected frames that follow one another, got moments"):
        learn_subject(CrowdCapture(RIG, 4), source, replace(QUICK, moments=True))
