"""Poses that are triangulated once: the same as those of each person alone, however many are made together."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from localization_kit import STANDING, plain_rig
from people_kit import candidate
from poseharvest.localization.find import pose_memory
from poseharvest.localization.find.match_views import shared_side, triangulate_pose, triangulate_poses
from poseharvest.localization.find.pose_memory import PoseMemory
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.sighting import PartialPose, TriangulatedPose

RIG = plain_rig()
CAMERAS = RIG.at(0)
PLACES = torch.tensor([[-450.0, 0, 0], [0, 2500, 0], [400, -250, 0]], dtype=torch.float64)


def observed(number: int, seed: int = 0) -> list[Candidate]:
    """What all views see of one of the people, with errors of 3 pixels, one view's wrist far off."""
    generator = torch.Generator().manual_seed(10 * seed + number)
    members = [candidate(RIG, view, STANDING + PLACES[number]) for view in range(3)]
    members = [
        replace(one, pixels=one.pixels + 3 * torch.randn(16, 2, dtype=torch.float64, generator=generator))
        for one in members
    ]
    members[number % 3].pixels[10] += 80
    return members


def assert_same(pose: TriangulatedPose, other: TriangulatedPose) -> None:
    assert torch.equal(pose.known, other.known)
    torch.testing.assert_close(pose.points, other.points, atol=1e-9, rtol=0)
    torch.testing.assert_close(pose.doubt, other.doubt, atol=1e-12, rtol=0)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of people of every triangulation."""
    numbers: list[int] = []
    triangulate = pose_memory.triangulate_together

    def counting(people, *rest):
        numbers.append(len(people))
        return triangulate(people, *rest)

    monkeypatch.setattr(pose_memory, "triangulate_together", counting)
    return numbers


def test_people_together_are_the_people_one_by_one(calls: list[int]) -> None:
    people = [observed(number) for number in range(3)]
    people.insert(1, [])
    people.append(people[0][1:])
    together = PoseMemory(16).triangulate(people, CAMERAS)
    assert calls == [4]
    assert not bool(together[1].known.any())
    for members, pose in zip(people, together, strict=True):
        if members:
            assert_same(pose, triangulate_pose(members, CAMERAS))


def test_a_shared_side_gives_the_poses_of_people_triangulated_together() -> None:
    people = [observed(number) for number in range(3)]
    shared = PoseMemory(16).triangulate(people, CAMERAS, side=shared_side(people))
    for pose, other in zip(shared, triangulate_poses(people, [CAMERAS] * 3, 16), strict=True):
        assert_same(pose, other)


def test_nobody_is_triangulated_twice(calls: list[int]) -> None:
    frames: list[list[list[Candidate]]] = [[observed(0, seed)] for seed in range(4)]
    frames[1].append(observed(1))
    frames.append([])
    moved = tuple(replace(camera, translation=camera.translation + 50.0) for camera in CAMERAS)
    cameras = [CAMERAS, CAMERAS, moved, CAMERAS, CAMERAS]
    memory = PoseMemory(16)
    memory.prepare(frames, cameras)
    assert sorted(calls) == [1, 5]  # of the two in one frame, one shares their side with the other
    for people, static in zip(frames, cameras, strict=True):
        alone = memory.triangulate(people, static)
        for members, pose in zip(people, alone, strict=True):
            assert_same(pose, triangulate_pose(members, static))
        shared = memory.triangulate(people, static, side=shared_side(people) if people else None)
        for pose, other in zip(shared, triangulate_poses(people, [static] * len(people), 16), strict=True):
            assert_same(pose, other)
    assert sorted(calls) == [1, 5]
    memory.triangulate(frames[0], CAMERAS, side=1.0)
    assert calls[-1] == 1
    assert len(calls) == 3


@pytest.mark.parametrize("known_elsewhere", [False, True])
def test_remembered_views_of_people_are_their_projections(known_elsewhere: bool) -> None:
    memory = PoseMemory(16)
    people = [observed(number) for number in range(3)]
    people[2][0].scores[:2] = 0
    people[2][1].scores[:3] = 0
    poses: list[PartialPose] = [*memory.triangulate(people, CAMERAS)]
    assert not bool(poses[2].known.all())
    if known_elsewhere:
        poses.insert(1, PartialPose(STANDING, torch.arange(16) % 3 > 0))
    views = memory.project(poses, CAMERAS)
    for view, camera in enumerate(CAMERAS):
        for person, pose in enumerate(poses):
            alone = camera.project(pose.points)
            torch.testing.assert_close(views.pixels[view, person], alone.pixels, atol=1e-9, rtol=0)
            assert torch.equal(views.valid[view, person], alone.valid & pose.known)
