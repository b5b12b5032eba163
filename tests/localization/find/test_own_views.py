"""Somebody new must have joints of their own in two views, not those of who is near."""

from __future__ import annotations

import pytest
import torch

from localization_kit import STANDING, plain_rig
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.find.tell_apart import num_own_views
from poseharvest.localization.sighting import PartialPose
from poseharvest.skeleton.definitions import MPII16

RIG = plain_rig()
EVERYTHING = torch.ones(len(MPII16), dtype=torch.bool)
MAN = PartialPose(STANDING, EVERYTHING)
BESIDE = STANDING + torch.tensor([900.0, 700.0, 0.0])


def seen(points, views=(0, 1, 2), *, order=None, score=0.6):
    """What views see at the points (J, 3), joints perhaps mixed up."""
    order = list(range(len(MPII16))) if order is None else order
    scores = torch.full((len(MPII16),), score, dtype=torch.float64)
    cameras = RIG.at(0)
    return [Candidate(view, cameras[view].project(points).pixels[order], scores, 350.0) for view in views]


def own(members, others=(MAN,)) -> int:
    return num_own_views(members, others, RIG.at(0), MPII16)


def test_who_stands_beside_another_is_somebody_in_every_view():
    assert own(seen(BESIDE)) == 3


def test_the_joints_of_another_are_nobody_s_own_whatever_they_are_called():
    mixed = torch.randperm(len(MPII16), generator=torch.Generator().manual_seed(0)).tolist()
    assert own(seen(STANDING)) == own(seen(STANDING, order=mixed)) == 0


def test_one_view_that_shows_somebody_and_others_that_show_the_man_are_one_view():
    assert own([*seen(BESIDE, (0,)), *seen(STANDING, (1, 2))]) == 1


def test_limbs_count_and_not_their_ends_alone():
    """Between knee and ankle is the man as well."""
    knees_down = STANDING.clone()
    shin = (STANDING[MPII16.index("left_knee")] + STANDING[MPII16.index("left_ankle")]) / 2
    knees_down[:] = shin
    assert own(seen(knees_down)) == 0


@pytest.mark.parametrize("others", [(), (PartialPose(STANDING, ~EVERYTHING),)])
def test_where_nobody_is_known_everything_is_one_s_own(others):
    assert own(seen(STANDING), others) == 3


def test_faint_peaks_show_nobody():
    assert own(seen(BESIDE, score=0.1)) == 0
