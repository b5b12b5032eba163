"""Detections shared out among people: in any order, where some are missing, and where a view is mistaken."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
import torch
from torch import Tensor

from localization_kit import STANDING, plain_rig
from people_kit import candidate
from poseharvest.localization.find.assign import _match, assign, misfits
from poseharvest.localization.find.match_views import group_candidates
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.sighting import PartialPose

RIG = plain_rig()
CAMERAS = RIG.at(0)
PLACES = torch.tensor([[-450.0, 0, 0], [0, 300, 0], [400, -250, 0]], dtype=torch.float64)
POSES = [STANDING * (1 + 0.04 * i) + place for i, place in enumerate(PLACES)]
KNOWN = torch.ones(len(STANDING), dtype=torch.bool)


def expected(pose: Tensor) -> PartialPose:
    """A person who is expected a hand's breadth beside the truth."""
    return PartialPose(pose + torch.tensor([60.0, -40, 20], dtype=torch.float64), KNOWN)


def seen() -> list[list[Candidate]]:
    """By view, everybody."""
    return [[candidate(RIG, view, pose) for pose in POSES] for view in range(3)]


def flat(by_view: list[list[Candidate]]) -> list[Candidate]:
    return [candidate for row in by_view for candidate in row]


def names(members: tuple[Candidate, ...], everybody: list[list[Candidate]]) -> list[int]:
    """Who each of the members is."""
    return [next(i for i, one in enumerate(everybody[m.view]) if one is m) for m in members]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_everybody_gets_their_own_in_any_order(order: tuple[int, ...]) -> None:
    everybody = seen()
    shuffled = [everybody[view][i] for view, i in zip((0, 1, 2) * 3, (*order, *order[::-1], *range(3)), strict=True)]
    shuffled = list(dict.fromkeys([*shuffled, *(c for view in everybody for c in view)]))
    found = assign(shuffled, CAMERAS, [expected(pose) for pose in POSES])
    assert [names(got, everybody) for got in found.members] == [[0] * 3, [1] * 3, [2] * 3]
    assert found.unassigned == ()


def test_who_is_missing_in_a_view_gets_nobody_elses() -> None:
    everybody = seen()
    there = [c for view, row in enumerate(everybody) for i, c in enumerate(row) if (view, i) != (1, 2)]
    found = assign(there, CAMERAS, [expected(pose) for pose in POSES])
    assert [member.view for member in found.members[2]] == [0, 2]
    assert [len(got) for got in found.members] == [3, 3, 2]


def test_misfits_of_many_are_those_of_each() -> None:
    """And by hand: a person 40 px aside, of whom the window's side is 1.25 times the extent."""
    everybody, generator = flat(seen()), torch.Generator().manual_seed(4)
    expected_pixels = torch.stack([one.pixels for one in everybody])
    expected_pixels = expected_pixels + 40 * torch.randn(2, 9, 16, 2, generator=generator, dtype=torch.float64)
    known = torch.rand(2, 9, 16, generator=generator) < 0.5
    known[0, 3] = False
    together = misfits(everybody, expected_pixels, known)
    for row in range(2):
        for column, one in enumerate(everybody):
            alone = misfits([one], expected_pixels[row, column], known[row, column])
            torch.testing.assert_close(together[row, column : column + 1], alone)
    assert float(together[0, 3]) == 1
    aside = everybody[0].pixels + torch.tensor([40.0, 0.0], dtype=torch.float64)
    extent = float((aside.amax(0) - aside.amin(0)).max())
    by_hand = (40 / (0.15 * 1.25 * extent)) ** 2
    assert float(misfits(everybody[:1], aside, KNOWN)) == pytest.approx(by_hand)
    assert 0.05 < by_hand < 0.95


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 1), (3, 4), (4, 3), (0, 2)])
def test_matches_have_the_least_sum(shape: tuple[int, int]) -> None:
    costs = np.random.default_rng(shape).random(shape)
    pairs = _match(costs)
    rows, columns = range(shape[0]), range(shape[1])
    count = min(shape)
    sums = [
        sum(costs[pair] for pair in zip(some, others, strict=True))
        for some in combinations(rows, count)
        for others in permutations(columns, count)
    ]
    assert len(pairs) == count
    assert sum(costs[pair] for pair in pairs) == pytest.approx(min(sums))


def test_strangers_are_left() -> None:
    stranger = candidate(RIG, 0, STANDING + torch.tensor([1500.0, 0, 0], dtype=torch.float64))
    found = assign([*flat(seen()), stranger], CAMERAS, [expected(pose) for pose in POSES])
    assert list(found.unassigned) == [stranger]


def test_a_detection_far_off_is_outvoted_by_the_other_views() -> None:
    """Half of it lies on another: no view is better than a wrong one."""
    everybody = seen()
    wrong = candidate(RIG, 0, POSES[0] + torch.tensor([330.0, 0, 0], dtype=torch.float64))
    there = [wrong, everybody[1][0], everybody[2][0]]
    assert [m.view for m in assign(there, CAMERAS, [PartialPose(POSES[0], KNOWN)]).members[0]] == [1, 2]


def test_nobody_known_and_nobody_seen() -> None:
    everybody = flat(seen())
    assert assign(everybody, CAMERAS, []).unassigned == tuple(everybody)
    assert assign([], CAMERAS, [expected(POSES[0])]).members == ((),)


def test_groups_are_people() -> None:
    everybody = seen()
    groups = group_candidates(flat(everybody), CAMERAS)
    assert sorted(names(got, everybody) for got in groups) == [[0] * 3, [1] * 3, [2] * 3]
    assert len(group_candidates(flat(everybody), CAMERAS, max_groups=2)) == 2


def test_a_person_of_one_view_is_no_group() -> None:
    everybody = seen()
    assert group_candidates(everybody[0], CAMERAS) == []
