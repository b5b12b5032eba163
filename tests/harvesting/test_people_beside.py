"""Where two people are seen nearly equally well, a harvest of one says so, and how to name whom."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from localization_kit import STANDING, plain_rig
from people_kit import ListedPeople, with_scores
from poseharvest.annotations.reader import Harvest
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.simulation.crowd import CrowdCapture

RIG = plain_rig()
QUICK = HarvestOptions(inference=InferenceOptions(resolution=32), warm_up_frames=4, num_previews=0)
ASIDE = torch.tensor([900.0, 300.0, 0.0], dtype=torch.float64)


class Beside(ListedPeople):
    """Of the two whom a view lists, the second has lower scores."""

    other_score = 0.8

    def people(self, view: str, frame: int) -> list[Tensor]:
        camera = self.rig.camera(view).at(frame)
        poses = enumerate(self.poses(frame, view))
        return [with_scores(camera.project(pose).pixels, self.other_score if i else 0.9) for i, pose in poses]


class FaintlyBeside(Beside):
    other_score = 0.4


def both(frame: int, view: str) -> list[Tensor]:
    return [STANDING, STANDING + ASIDE]


def rarely_both(frame: int, view: str) -> list[Tensor]:
    return [STANDING, *([STANDING + ASIDE] if frame < 5 else [])]


def harvested(out: Path, people: ListedPeople, follow: str | None = None) -> Harvest:
    return harvest(CrowdCapture(RIG, 12), people, out, options=replace(QUICK, follow=follow))


def warnings(made: Harvest) -> list[str]:
    return [one.message for one in made.info.findings if one.topic == "another person"]


@pytest.mark.slow
def test_two_people_seen_alike_are_named_with_marks_that_the_follow_option_understands(tmp_path):
    made = harvested(tmp_path / "h", Beside(RIG, both))
    (message,) = warnings(made)
    first, second = re.findall(r"\S+:\d+,\d+,\d+,\d+@\d+", message)
    for number, (mark, whose) in enumerate(((first, STANDING), (second, STANDING + ASIDE))):
        followed = harvested(tmp_path / f"follow{number}", Beside(RIG, both), mark)
        middle = torch.stack([record.mean.mean(0) for record in followed.iter_frames()]).mean(0)
        assert (middle - whose.mean(0)).norm() < 60
        assert not warnings(followed)  # the user has said whom


@pytest.mark.parametrize("people", [FaintlyBeside(RIG, both), Beside(RIG, rarely_both)], ids=["faint", "rare"])
def test_bystanders_are_no_news(tmp_path, people):
    assert not warnings(harvested(tmp_path / "h", people))
