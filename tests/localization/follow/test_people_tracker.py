"""Several people followed: kept apart where they cross, begun where two views agree, ended when gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from localization_kit import (
    COLLAPSED,
    STANDING,
    ChangedDetector,
    PaintedDetector,
    empty_frame,
    finds_legs_late,
    plain_rig,
    shared_by_chance,
)
from people_kit import ListedPeople, People
from poseharvest.arrays import Image
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.protocol import CroppedView, HeatmapDetector
from poseharvest.localization.follow.people_tracker import PeopleTracker
from poseharvest.localization.limits import CONFIRMED_FRAMES
from poseharvest.localization.sighting import FrameSightings
from poseharvest.simulation import SimulatedDetector
from poseharvest.simulation.crowd import CrowdDetector, simulate_crowd

RIG = plain_rig()
BLANK: Image = np.zeros((8, 8, 3), np.uint8)
ASIDE = torch.tensor([0.0, 220.0, 0.0], dtype=torch.float64)
STEP = torch.tensor([45.0, 0.0, 0.0], dtype=torch.float64)

LAST = 45  # frame in which somebody is seen who leaves


def crossing(frame: int) -> list[Tensor]:
    """Two of different size who pass each other at 0.44 m, in frame 20."""
    moved = (frame - 20) * STEP
    return [STANDING + moved + ASIDE, 0.93 * STANDING - moved - ASIDE]


def follow(poses: People, num_frames: int, most: int | None = None) -> list[FrameSightings]:
    return follow_by(ListedPeople(RIG, poses), num_frames, most)


def follow_by(detector: HeatmapDetector, num_frames: int, most: int | None = None) -> list[FrameSightings]:
    tracker = PeopleTracker(detector, RIG, most)
    return [tracker.observe([empty_frame(frame, RIG)])[0] for frame in range(num_frames)]


def rough(moment: FrameSightings, track: int) -> Tensor:
    return next(one.sighting.pose.points for one in moment.sightings if one.track == track)


def tracks(moment: FrameSightings) -> list[int]:
    return [one.track for one in moment.sightings]


def turning(frame: int, view: str) -> Sequence[Tensor]:
    """The order of the list changes from frame to frame and view to view, and so says nothing."""
    people = crossing(frame)
    return people[::-1] if (frame + RIG.names.index(view)) % 2 else people


def test_two_who_cross_keep_their_numbers() -> None:
    moments = follow(turning, 40)
    first = 0 if torch.allclose(rough(moments[0], 0), crossing(0)[0], atol=1) else 1
    for moment in moments:
        for number, pose in zip((first, 1 - first), crossing(moment.frame), strict=True):
            torch.testing.assert_close(rough(moment, number), pose, atol=1.0, rtol=0)
    assert not any(one.confused_with for moment in moments for one in moment.sightings)


def test_keypoints_of_many_frames_together_are_followed_as_one_by_one() -> None:
    """With people who meet, whom some views miss or take for one, and strays."""
    simulation = simulate_crowd(2, 24, 3, num_views=3)
    frames = [empty_frame(number, simulation.capture.rig) for number in range(24)]
    single, many = (PeopleTracker(simulation.keypoints, simulation.capture.rig) for _ in range(2))
    one_by_one = [single.observe([frame])[0] for frame in frames]
    together = [*many.observe(frames[:7]), *many.observe(frames[7:])]
    assert max(len(moment.sightings) for moment in together) >= 2
    for moment, expected in zip(together, one_by_one, strict=True):
        assert tracks(moment) == tracks(expected)
        assert (moment.alive, moment.confirmed) == (expected.alive, expected.confirmed)
        for one, other in zip(moment.sightings, expected.sightings, strict=True):
            torch.testing.assert_close(one.sighting.pose.points, other.sighting.pose.points, atol=1e-6, rtol=0)
            assert torch.equal(one.sighting.pose.known, other.sighting.pose.known)
            torch.testing.assert_close(one.sighting.heatmaps.values, other.sighting.heatmaps.values)


def test_each_has_heatmaps_of_their_own() -> None:
    """In the side view they stand in a row where they meet; the window holds both, the heatmaps one."""
    moment = follow(turning, 21)[-1]
    for one in moment.sightings:
        peaks, cameras = one.sighting.peaks, one.sighting.cameras
        for view, camera in enumerate(cameras):
            seen = camera.project(rough(moment, one.track)).pixels
            assert float((peaks.pixels[view] - seen).norm(dim=-1).max()) < 3.0
        values = one.sighting.heatmaps.values
        assert values.shape == (3, 16, 64, 48)
        assert int((values > 0.5).sum(dim=(-1, -2)).max()) < 10  # one bump, not two


def test_who_comes_and_goes() -> None:
    def poses(frame: int, view: str) -> list[Tensor]:
        people = [STANDING, STANDING + 4 * ASIDE]
        return people if 10 <= frame < 25 else people[:1]

    moments = follow(poses, 60)
    assert [len(moment.sightings) for moment in moments] == [1] * 10 + [2] * 15 + [1] * 35
    confirmed = [moment.frame for moment in moments if 1 in moment.confirmed]
    assert confirmed[0] == 10 + CONFIRMED_FRAMES - 1
    assert 1 in moments[40].alive
    assert 1 not in moments[55].alive


def test_who_comes_back_late_is_somebody_new() -> None:
    moments = follow(lambda frame, view: [STANDING] if not 10 <= frame < 45 else [], 60)
    assert tracks(moments[9]) == [0]
    assert tracks(moments[59]) == [1]


def test_a_short_gap_keeps_the_number_and_says_so_only_beside_somebody() -> None:
    def poses(frame: int, view: str) -> list[Tensor]:
        beside = STANDING + torch.tensor([450.0, 0, 0], dtype=torch.float64)
        return [beside, *([] if 10 <= frame < 16 else [STANDING])]

    moments = follow(poses, 30)
    hidden = next(one.track for one in moments[20].sightings if rough(moments[20], one.track)[6, 0].abs() < 50)
    confused = {(m.frame, one.track) for m in moments for one in m.sightings if one.confused_with}
    assert (16, hidden) in confused
    assert (16, hidden) in {(m.frame, one.track) for m in moments for one in m.sightings}
    assert all(10 <= frame <= 17 for frame, _ in confused)


def test_a_stray_that_does_not_last_is_nobody() -> None:
    def poses(frame: int, view: str) -> list[Tensor]:
        return [STANDING, STANDING + 5 * ASIDE] if frame in (7, 8) else [STANDING]

    moments = follow(poses, 20)
    assert {number for moment in moments for number in moment.confirmed} == {0}
    assert moments[-1].alive == {0}


def test_no_more_than_wanted() -> None:
    moments = follow(turning, 20, most=1)
    assert {number for moment in moments for number in moment.confirmed} == {0}
    assert moments[-1].alive == {0}


def test_an_impossible_size_is_nobody() -> None:
    assert not follow(lambda frame, view: [STANDING / 10], 8)[-1].sightings


def test_a_networks_windows_hold_both_and_it_tells_them_apart() -> None:
    simulation = simulate_crowd(2, 44, 2)
    tracker = PeopleTracker(simulation.detector, simulation.capture.rig)
    frames = list(simulation.capture.frames())[30:]
    moments = [m for i in range(0, len(frames), 2) for m in tracker.observe(frames[i : i + 2])]
    owner: dict[int, set[int]] = {}
    for moment in moments:
        assert len(moment.sightings) == 2
        for one in moment.sightings:
            truth = torch.stack([t.positions[moment.frame] for t in simulation.truth])
            error = (truth - rough(moment, one.track)).norm(dim=-1).median(-1).values
            assert float(error.min()) < 40
            owner.setdefault(one.track, set()).add(int(error.argmin()))
    assert sorted(owner.values(), key=sorted) == [{0}, {1}]


class Leaving(SimulatedDetector):
    """Somebody who leaves after some frames, and something where they stood then that looks like them, but hardly."""

    def detect(self, views: Sequence[CroppedView]) -> Tensor:
        """Return the heatmaps."""
        stood = super().detect([replace(view, frame=min(view.frame, LAST)) for view in views])
        return stood * torch.tensor([0.05 if view.frame > LAST else 1.0 for view in views])[:, None, None, None]


def test_something_that_hardly_shows_is_given_up() -> None:
    """All views agree on it in every frame."""
    simulation = simulate_crowd(2, 76, 2)
    stays, other = simulation.detector.each
    leaves = Leaving(other.scene, other.errors, other.seed, others=other.others)
    tracker = PeopleTracker(CrowdDetector((stays, leaves)), simulation.capture.rig)
    moments = [tracker.observe([frame])[0] for frame in simulation.capture.frames(30)]
    assert [len(moment.sightings) for moment in moments] == [2 if moment.frame <= LAST else 1 for moment in moments]
    (number,) = tracks(moments[-1])
    assert moments[LAST + 20 - 30].alive == {0, 1}  # for a second they may come back
    assert moments[-1].alive == {number}
    for moment in moments:
        error = (rough(moment, number) - simulation.truth[0].positions[moment.frame]).norm(dim=-1)
        assert float(error.median()) < 40


def test_of_two_matches_the_one_of_which_the_views_show_most_comes_first() -> None:
    """What two views share by chance is clearer there than the person, but the third view does not see it."""
    moments = follow_by(shared_by_chance(RIG), 8, most=1)
    assert moments[-1].confirmed == {0}
    torch.testing.assert_close(rough(moments[-1], 0), STANDING, atol=6.0, rtol=0)


def test_limbs_that_were_cut_off_are_found_again() -> None:
    moments = follow_by(finds_legs_late(RIG), 8)
    assert [tracks(moment) for moment in moments] == [[0]] * 8
    torch.testing.assert_close(rough(moments[0], 0), COLLAPSED, atol=6.0, rtol=0)
    torch.testing.assert_close(rough(moments[-1], 0), STANDING, atol=8.0, rtol=0)


def test_moments_without_pictures_lose_nobody() -> None:
    """They are unknown: also somebody who was only just begun is still followed after 20 of them."""

    class NeedsPictures(ChangedDetector):
        needs_images = True

    painted = PaintedDetector(RIG, lambda frame, view: STANDING)
    tracker = PeopleTracker(NeedsPictures(painted, lambda view, maps: maps), RIG)
    visibility = {0, 1, 22, 23, 24, 25}
    for frame in range(26):
        images = (BLANK if frame in visibility else None,) * 3
        (moment,) = tracker.observe([MultiViewFrame(frame, frame / 25, images)])
        assert moment.alive == {0}
        assert tracks(moment) == ([0] if frame in visibility else [])
    assert moment.confirmed == {0}


def test_what_a_view_saw_last_is_remembered_while_it_sees_nobody() -> None:
    """So that the guess whose the next keypoints are knows the person there, however many frames go together."""

    def often_missed(frame: int, view: str) -> list[Tensor]:
        return [] if view == "side" and frame >= 2 else [STANDING + frame * STEP]

    tracker = PeopleTracker(ListedPeople(RIG, often_missed), RIG)
    tracker.observe([empty_frame(frame, RIG) for frame in range(4)])
    (members,) = tracker.state.last_members
    seen = {RIG.names[member.view]: member.pixels for member in members}
    assert set(seen) == set(RIG.names)
    for view, pixels in seen.items():
        truth = STANDING + (1 if view == "side" else 3) * STEP
        assert torch.equal(pixels, RIG.camera(view).at(0).project(truth).pixels)
