"""Who is one person: a scene of which everything is known, composed by hand."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from localization_kit import PX_PER_MM, STANDING, plain_rig
from poseharvest.localization.find.match_views import group_candidates, triangulate_pose, triangulate_poses
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.sighting import TriangulatedPose

RIG = plain_rig()
CAMERAS = RIG.at(0)
FRONT, SIDE, BACK = range(3)
TALL = 1660 * PX_PER_MM * 1.25  # the side of a person's window, about


def associate(candidates, cameras):
    """The person that most views agree on."""
    groups = group_candidates(candidates, cameras, max_groups=1)
    return triangulate_pose(groups[0], cameras) if groups else None


def candidate(
    view: int, *, shift: tuple[float, float] = (0, 0), score: float = 0.8, pose: Tensor = STANDING
) -> Candidate:
    """What a view sees of a pose, moved by some pixels."""
    pixels = CAMERAS[view].project(pose).pixels + torch.tensor(shift, dtype=torch.float64)
    return Candidate(view, pixels, torch.full((16,), score, dtype=torch.float64), TALL)


def taken(pose: TriangulatedPose | None) -> Tensor:
    assert pose is not None
    assert bool(pose.known.all())
    return pose.points


def test_the_scene_is_as_said() -> None:
    """A joint 170 mm to the right of the middle and 1400 mm high, 4.98 m and 5 m away."""
    shoulder = STANDING[[12]]
    assert CAMERAS[FRONT].project(shoulder).pixels.tolist() == [pytest.approx([499.5 + 170 / 5.02, 399.5 - 400 / 5.02])]
    assert CAMERAS[SIDE].project(shoulder).pixels.tolist() == [pytest.approx([499.5 + 20 / 4.83, 399.5 - 400 / 4.83])]


@pytest.mark.parametrize("views", [(FRONT, SIDE), (SIDE, BACK), (FRONT, SIDE, BACK)])
def test_the_person_of_all_views_is_found(views: tuple[int, ...]) -> None:
    torch.testing.assert_close(taken(associate([candidate(v) for v in views], CAMERAS)), STANDING, atol=1e-3, rtol=0)


def test_a_bystander_of_one_view_is_not_taken() -> None:
    """However sure that view is of them."""
    bystander = candidate(FRONT, shift=(300, 40), score=1.0)
    people = [candidate(FRONT), candidate(SIDE), candidate(BACK), bystander]
    torch.testing.assert_close(taken(associate(people, CAMERAS)), STANDING, atol=1e-3, rtol=0)


def test_bystanders_at_impossible_places_are_not_taken() -> None:
    """Front sees them 100 px too high, side 100 px too low: no place in the world looks so."""
    odd = [candidate(FRONT, shift=(-200, -100), score=1.0), candidate(SIDE, shift=(-200, 100), score=1.0)]
    assert associate(odd, CAMERAS) is None
    people = [candidate(FRONT, score=0.5), candidate(SIDE, score=0.5), *odd]
    torch.testing.assert_close(taken(associate(people, CAMERAS)), STANDING, atol=1e-3, rtol=0)


def test_of_two_real_people_the_one_in_more_views_is_taken() -> None:
    other = STANDING + torch.tensor([900.0, 700.0, 0.0], dtype=torch.float64)
    people = [candidate(v, pose=other, score=0.9) for v in (FRONT, SIDE)] + [candidate(v) for v in (FRONT, SIDE, BACK)]
    torch.testing.assert_close(taken(associate(people, CAMERAS)), STANDING, atol=1e-3, rtol=0)


@pytest.mark.parametrize("people", [[], [candidate(FRONT)], [candidate(FRONT), candidate(FRONT, shift=(200, 0))]])
def test_one_view_alone_is_nobody(people: list[Candidate]) -> None:
    assert associate(people, CAMERAS) is None


def test_order_does_not_matter() -> None:
    """Neither that of the candidates nor that of the views."""
    bystander = candidate(FRONT, shift=(300, 40), score=0.9)
    people = [candidate(FRONT, score=0.7), candidate(SIDE), candidate(BACK, score=0.75), bystander]
    expected = taken(associate(people, CAMERAS))
    for order in itertools.permutations(people):
        torch.testing.assert_close(taken(associate(order, CAMERAS)), expected, atol=1e-9, rtol=0)
    for views in itertools.permutations(range(3)):
        renamed = [Candidate(views.index(c.view), c.pixels, c.scores, c.side) for c in people]
        torch.testing.assert_close(taken(associate(renamed, [CAMERAS[v] for v in views])), expected, atol=1e-9, rtol=0)


def test_a_joint_that_one_view_mistakes_is_placed_by_the_others() -> None:
    front = candidate(FRONT)
    front.pixels[10] += torch.tensor([120.0, 0.0])
    pose = triangulate_pose([front, candidate(SIDE), candidate(BACK, shift=(0.5, 0))], CAMERAS)
    torch.testing.assert_close(pose.points[10], STANDING[10], atol=4.0, rtol=0)
    two_views, three_views = pose.doubt[10], pose.doubt[9]
    assert float(two_views) < 0.01
    assert 0 < float(three_views) < 0.01


def test_doubt_by_hand() -> None:
    """Two cameras at a right angle, one peak 6 px too high, the other 6 px too low: 6 px off in each, over the side."""
    pose = triangulate_pose([candidate(FRONT, shift=(0, -6)), candidate(SIDE, shift=(0, 6))], CAMERAS)
    level = 14  # the left elbow is about as far from both cameras
    assert float(pose.doubt[level]) == pytest.approx(6 / TALL, rel=0.05)


def test_joints_on_which_no_two_views_agree_are_not_supported() -> None:
    front = candidate(FRONT)
    front.scores[3] = 0.0
    pose = triangulate_pose([front, candidate(SIDE)], CAMERAS)
    assert pose.known.tolist() == [joint != 3 for joint in range(16)]
    assert torch.isinf(pose.doubt[3])
    alone = triangulate_pose([candidate(FRONT)], CAMERAS)
    assert not bool(alone.known.any())


def test_frames_together_are_the_frames_one_by_one() -> None:
    """Moving cameras, frames without anybody, and absent views included."""
    moved = [replace(camera, translation=camera.translation + 50.0) for camera in CAMERAS]
    members = [[candidate(FRONT), candidate(SIDE)], [], [candidate(SIDE), candidate(BACK)], [candidate(FRONT)]]
    cameras = [CAMERAS, CAMERAS, moved, CAMERAS]
    together = triangulate_poses(members, cameras, 16)
    assert not bool(together[1].known.any())
    for frame, static, pose in zip(members, cameras, together, strict=True):
        if frame:
            alone = triangulate_pose(frame, static)
            torch.testing.assert_close(pose.points, alone.points)
            assert torch.equal(pose.known, alone.known)
    assert not torch.allclose(together[2].points, triangulate_pose(members[2], CAMERAS).points, atol=10)
