"""One person followed among several whose keypoints are listed: never exchanged for a bystander."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from localization_kit import STANDING, PaintedDetector, empty_frame, plain_rig
from people_kit import ListedPeople, People, with_scores
from poseharvest.localization.boxes import Boxes
from poseharvest.localization.follow.one_of_many import OneOfMany, one_person_tracker
from poseharvest.localization.follow.one_person import OnePersonTracker, Tracker
from poseharvest.localization.follow.people_tracker import PeopleTracker
from poseharvest.localization.sighting import Sighting

RIG = plain_rig()
BESIDE = torch.tensor([330.0, 250.0, 0.0], dtype=torch.float64)
STEP = torch.tensor([4.0, 0.0, 0.0], dtype=torch.float64)


def person(frame: int) -> Tensor:
    return STANDING + frame * STEP


def follow(tracker: OnePersonTracker, num_frames: int) -> list[Sighting]:
    return [one for frame in range(num_frames) for one in tracker.observe([empty_frame(frame, RIG)])]


def distance(sighting: Sighting, pose: Tensor) -> float:
    """Return the mean distance of the joints that the sighting knows."""
    rough = sighting.pose
    return float((rough.points - pose).norm(dim=-1)[rough.known].mean())


def hidden_beside_a_bystander(frame: int, view: str) -> Sequence[Tensor]:
    """From frame 10 to 19 one view alone sees the person, and all see who stands beside them."""
    seen = view == "back" or not 10 <= frame < 20
    return [0.95 * STANDING + BESIDE, person(frame)] if seen else [0.95 * STANDING + BESIDE]


@pytest.fixture
def seen_better() -> type[ListedPeople]:
    """A source in which the last of the people listed has the highest scores."""

    class Better(ListedPeople):
        def people(self, view: str, frame: int) -> list[Tensor]:
            poses = self.poses(frame, view)
            camera = self.rig.camera(view).at(frame)
            last = len(poses) - 1
            return [with_scores(camera.project(p).pixels, 0.95 if i == last else 0.6) for i, p in enumerate(poses)]

    return Better


def test_a_hidden_person_does_not_become_the_one_beside(seen_better: type[ListedPeople]) -> None:
    source = seen_better(RIG, hidden_beside_a_bystander)
    seen = follow(OneOfMany(source, RIG), 28)
    assert [one.frame for one in seen] == [*range(10), *range(20, 28)]
    assert max(distance(one, person(one.frame)) for one in seen) < 2.0
    drawn_together = follow(Tracker(source, RIG), 28)
    assert max(distance(one, person(one.frame)) for one in drawn_together) > 100.0


def test_the_heatmaps_hold_the_person_alone(seen_better: type[ListedPeople]) -> None:
    for one in follow(OneOfMany(seen_better(RIG, hidden_beside_a_bystander), RIG), 5):
        for view, camera in enumerate(one.cameras):
            seen = camera.project(person(one.frame)).pixels
            assert float((one.peaks.pixels[view] - seen).norm(dim=-1).max()) < 3.0
        assert int((one.heatmaps.values > 0.5).sum(dim=(-1, -2)).max()) < 10  # one bump, not two


def test_who_was_seen_beside_the_person_never_takes_their_place(seen_better: type[ListedPeople]) -> None:
    """The person leaves for good; another one, who was there all along, stays."""

    def poses(frame: int, view: str) -> list[Tensor]:
        return [STANDING + 4 * BESIDE, person(frame)] if frame < 12 else [STANDING + 4 * BESIDE]

    seen = follow(OneOfMany(seen_better(RIG, poses), RIG), 60)
    assert [one.frame for one in seen] == list(range(12))


def test_the_person_comes_back(seen_better: type[ListedPeople]) -> None:
    def poses(frame: int, view: str) -> list[Tensor]:
        away = 12 <= frame < 50
        return [STANDING + 4 * BESIDE] if away else [STANDING + 4 * BESIDE, person(frame)]

    seen = follow(OneOfMany(seen_better(RIG, poses), RIG), 60)
    assert [one.frame for one in seen] == [*range(12), *range(50, 60)]
    assert max(distance(one, person(one.frame)) for one in seen) < 2.0


@pytest.mark.parametrize("length", [7, 12, 40])
def test_a_cut_costs_no_frame(length: int) -> None:
    """Every few frames the footage goes on with the person elsewhere, and somewhere else each time."""

    def pose(frame: int) -> Tensor:
        return person(frame % length) + (1 if frame // length % 2 else -1) * BESIDE * (1 + frame // length % 3)

    num = 6 * length
    seen = follow(OneOfMany(ListedPeople(RIG, lambda frame, _: [pose(frame)]), RIG), num)
    assert [one.frame for one in seen] == list(range(num))
    assert max(distance(one, pose(one.frame)) for one in seen) < 2.0


def test_something_seen_while_the_person_is_hidden_is_no_cut(seen_better: type[ListedPeople]) -> None:
    """For a moment nobody is seen but a thing that is taken for somebody."""

    def poses(frame: int, view: str) -> list[Tensor]:
        if 12 <= frame < 15:
            return [STANDING + 4 * BESIDE]
        return [person(frame)]

    seen = follow(OneOfMany(seen_better(RIG, poses), RIG), 40)
    later = [one for one in seen if one.frame >= 15]
    assert [one.frame for one in later] == list(range(15, 40))
    assert max(distance(one, person(one.frame)) for one in later) < 2.0


def test_what_was_nobody_excludes_nobody(seen_better: type[ListedPeople]) -> None:
    """In the first two frames something is seen better than the person, and never again."""

    def poses(frame: int, view: str) -> list[Tensor]:
        return [person(frame), STANDING - 4 * BESIDE] if frame < 2 else [person(frame)]

    seen = follow(OneOfMany(seen_better(RIG, poses), RIG), 15)
    assert [one.frame for one in seen][:2] == [0, 1]
    assert [one.frame for one in seen][-9:] == list(range(6, 15))
    assert distance(seen[-1], person(14)) < 2.0


def test_alone_it_is_as_among_several() -> None:
    poses: People = lambda frame, view: [person(frame)]  # noqa: E731
    seen = follow(OneOfMany(ListedPeople(RIG, poses), RIG), 8)
    everybody = PeopleTracker(ListedPeople(RIG, poses), RIG)
    for frame, one in enumerate(seen):
        (other,) = everybody.observe([empty_frame(frame, RIG)])[0].sightings
        assert torch.equal(one.heatmaps.values, other.sighting.heatmaps.values)


def test_who_follows_one_person() -> None:
    source = ListedPeople(RIG, lambda frame, view: [STANDING])
    assert isinstance(one_person_tracker(source, RIG), OneOfMany)
    assert isinstance(one_person_tracker(source, RIG, Boxes({})), Tracker)
    assert isinstance(one_person_tracker(source, RIG, is_metric=False), Tracker)
    assert isinstance(one_person_tracker(PaintedDetector(RIG, lambda frame, view: STANDING), RIG), Tracker)
