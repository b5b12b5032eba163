"""One person followed through a capture: found, kept, lost and found again."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from localization_kit import (
    COLLAPSED,
    SIZE,
    STANDING,
    ChangedDetector,
    PaintedDetector,
    empty_frame,
    finds_legs_late,
    plain_rig,
)
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.protocol import CroppedView
from poseharvest.geometry.crop import Crop
from poseharvest.localization.boxes import Boxes
from poseharvest.localization.find.observation import crops_around
from poseharvest.localization.follow.one_person import Tracker, batch_length
from poseharvest.localization.sighting import Sighting
from poseharvest.simulation import CLEAN, REALISTIC, random_rig, simulate
from poseharvest.skeleton.definitions import MPII16

RIG = plain_rig()
WRIST = MPII16.index("left_wrist")
NOWHERE = torch.full_like(STANDING, torch.nan)
BLANK = np.zeros((*SIZE, 3), np.uint8)
STEP = torch.tensor([30.0, 20.0, 0.0], dtype=torch.float64)  # mm a frame: 0.9 m/s at 25 Hz


def observe(tracker: Tracker, frame: MultiViewFrame) -> Sighting | None:
    """What one frame by itself shows."""
    found = tracker.observe([frame])
    assert len(found) < 2
    return found[0] if found else None


def track(pose: Callable[[int], Tensor], num_frames: int, boxes: Boxes | None = None) -> list[Sighting | None]:
    """Follow a pose that all views see the same, frame by frame."""
    tracker = Tracker(PaintedDetector(RIG, lambda frame, view: pose(frame)), RIG, boxes)
    return [observe(tracker, empty_frame(frame, RIG)) for frame in range(num_frames)]


def sides(sighting: Sighting) -> list[float | None]:
    return [None if crop is None else crop.side for crop in sighting.heatmaps.crops]


def without(joint: int, pose: Tensor) -> Tensor:
    """The pose with one joint unseen."""
    hidden = pose.clone()
    hidden[joint] = torch.nan
    return hidden


def test_it_follows_motion() -> None:
    """3 m in 4 s: far out of the first frame's windows."""
    for frame, sighting in enumerate(track(lambda frame: STANDING + (frame - 20) * STEP, 40)):
        assert sighting is not None
        assert sighting.frame == frame
        assert sighting.time_s == frame / 25
        truth = STANDING + (frame - 20) * STEP
        torch.testing.assert_close(sighting.pose.points, truth, atol=6.0, rtol=0)
        torch.testing.assert_close(sighting.center, (truth.amin(0) + truth.amax(0)) / 2, atol=6.0, rtol=0)


@pytest.mark.parametrize("seed", [0, 1])
def test_it_follows_a_simulated_person(seed: int) -> None:
    rig = random_rig(4, torch.Generator().manual_seed(seed))
    simulation = simulate(20, seed, rig=rig, errors=REALISTIC, render=False)
    tracker = Tracker(simulation.detector, rig)
    for frame in simulation.capture.frames():
        sighting = observe(tracker, frame)
        assert sighting is not None
        truth = simulation.truth.positions[frame.index]
        assert float((sighting.center - (truth.amin(0) + truth.amax(0)) / 2).norm()) < 100
        for crop, camera in zip(sighting.heatmaps.crops, rig.at(0), strict=True):
            assert crop is not None
            inside = crop.to_window(camera.project(truth).pixels, (1, 1))
            assert float((inside.abs() <= 0.5).all(-1).double().mean()) > 0.9


@pytest.mark.parametrize("length", [2, 5])
def test_frames_in_batches_show_the_same(length: int) -> None:
    """Windows are a little old within a batch; what they show is the same to the resolution of the heatmaps."""

    def pose(frame: int) -> Tensor:
        return NOWHERE if 12 <= frame < 30 else STANDING + frame * STEP / 3

    tracker = Tracker(PaintedDetector(RIG, lambda frame, view: pose(frame)), RIG)
    batched: dict[int, Sighting] = {}
    for start in range(0, 40, length):
        frames = [empty_frame(frame, RIG) for frame in range(start, start + length)]
        batched |= {sighting.frame: sighting for sighting in tracker.observe(frames)}
    for frame in (*range(12), *range(39, 40)):
        torch.testing.assert_close(batched[frame].pose.points, pose(frame), atol=6.0, rtol=0)
    assert 25 not in batched


def test_a_batch_without_any_picture_shows_nobody() -> None:
    class NeedsPictures(ChangedDetector):
        needs_images = True

    tracker = Tracker(NeedsPictures(PaintedDetector(RIG, lambda frame, view: STANDING), lambda view, maps: maps), RIG)
    pictures = (BLANK,) * 3
    assert len(tracker.observe([MultiViewFrame(i, i / 25, pictures) for i in range(2)])) == 2
    assert not tracker.observe([MultiViewFrame(i, i / 25, (None,) * 3) for i in range(2, 4)])
    mixed = [MultiViewFrame(4, 4 / 25, (None,) * 3), MultiViewFrame(5, 5 / 25, pictures)]
    assert [sighting.frame for sighting in tracker.observe(mixed)] == [5]


def test_moments_without_pictures_lose_nobody() -> None:
    """They are unknown: after 20 of them the person is still followed, after more than a second looked for anew."""

    class NeedsPictures(ChangedDetector):
        needs_images = True

    far = torch.tensor([4000.0, 0.0, 0.0], dtype=torch.float64)
    painted = PaintedDetector(RIG, lambda frame, view: STANDING if frame < 100 else STANDING + far / 4)
    tracker = Tracker(NeedsPictures(painted, lambda view, maps: maps), RIG)
    visibility = {*range(3), 23, 24, 100, 200}
    seen = []
    for frame in range(201):
        images = (BLANK if frame in visibility else None,) * 3
        seen += tracker.observe([MultiViewFrame(frame, frame / 25, images)])
    assert [sighting.frame for sighting in seen] == sorted(visibility)
    for sighting in seen:
        torch.testing.assert_close(sighting.pose.points, painted_at(sighting.frame, far), atol=6.0, rtol=0)


def painted_at(frame: int, far: Tensor) -> Tensor:
    return STANDING if frame < 100 else STANDING + far / 4


@pytest.mark.parametrize(("rate", "length"), [(10.0, 1), (25.0, 2), (60.0, 4), (1000.0, 8), (1.0, 1)])
def test_a_batch_spans_a_fifteenth_of_a_second(rate: float, length: int) -> None:
    assert batch_length(rate) == length


def test_joints_that_are_not_seen_move_with_the_body() -> None:
    """The raised wrist bounds the body above; unseen, it still does, where the body has carried it."""
    raised = STANDING.clone()
    raised[WRIST] = torch.tensor([-260.0, 0.0, 2100.0])

    def pose(frame: int) -> Tensor:
        moved = raised + frame * STEP
        return moved if frame < 3 else without(WRIST, moved)

    sightings = track(pose, 10)
    last = sightings[-1]
    assert last is not None
    assert not bool(last.pose.known[WRIST])
    expected = raised + 9 * STEP
    torch.testing.assert_close(last.center, (expected.amin(0) + expected.amax(0)) / 2, atol=6.0, rtol=0)


def test_a_jump_is_rejected_once_and_taken_the_second_time() -> None:
    """The wrist appears 690 mm to the side: the volume follows it a frame late, and back a frame late."""
    far = STANDING.clone()
    far[WRIST, 0] = -950.0
    near_middle, far_middle = 0.0, (260 - 950) / 2
    middles = []
    for sighting in track(lambda frame: far if 3 <= frame < 6 else STANDING, 9):
        assert sighting is not None
        middles.append(float(sighting.center[0]))
    expected = [near_middle] * 4 + [far_middle] * 3 + [near_middle] * 2
    assert middles == [pytest.approx(middle, abs=8) for middle in expected]


def test_a_jump_seen_once_moves_nothing() -> None:
    far = STANDING.clone()
    far[WRIST, 0] = -950.0
    for sighting in track(lambda frame: far if frame == 3 else STANDING, 6):
        assert sighting is not None
        assert float(sighting.center[0]) == pytest.approx(0, abs=8)


def test_a_jump_of_the_whole_body_is_motion() -> None:
    """A gap in the footage: everything moves by 400 mm from one frame to the next."""
    shift = torch.tensor([400.0, 0.0, 0.0], dtype=torch.float64)
    sightings = track(lambda frame: STANDING + shift * (frame >= 2), 4)
    assert all(sighting is not None for sighting in sightings)
    assert float(sightings[2].center[0]) == pytest.approx(400, abs=8)


@pytest.mark.parametrize("length", [1, 4])
@pytest.mark.parametrize("cut", [21, 22, 24])
def test_a_cut_costs_no_frame(cut: int, length: int) -> None:
    """The person stands 2 m away from one frame to the next, wherever in a batch the footage was cut."""
    far = torch.tensor([2000.0, 0.0, 0.0], dtype=torch.float64)
    tracker = Tracker(PaintedDetector(RIG, lambda frame, view: STANDING + far * (frame >= cut)), RIG)
    seen: list[Sighting] = []
    for start in range(0, 32, length):
        seen += tracker.observe([empty_frame(frame, RIG) for frame in range(start, start + length)])
    assert [sighting.frame for sighting in seen] == list(range(32))
    for sighting in seen:
        torch.testing.assert_close(sighting.pose.points, STANDING + far * (sighting.frame >= cut), atol=6.0, rtol=0)


def test_the_person_is_lost_after_some_patience_and_found_again() -> None:
    def pose(frame: int) -> Tensor:
        return NOWHERE if 5 <= frame < 30 else STANDING + (1000 * STEP / 30 if frame >= 30 else 0)

    sightings = track(pose, 50)
    present = [sighting is not None for sighting in sightings]
    assert all(present[:13])
    assert not any(present[13:30])
    found = present.index(True, 13)
    assert 30 <= found < 40
    assert all(present[found:])
    torch.testing.assert_close(sightings[found].pose.points, pose(found), atol=6.0, rtol=0)


def test_a_short_absence_is_bridged() -> None:
    sightings = track(lambda frame: NOWHERE if 5 <= frame < 10 else STANDING + frame * STEP, 15)
    assert all(sighting is not None for sighting in sightings)
    gone, back = sightings[7], sightings[10]
    assert not bool(gone.pose.known.any())
    assert bool(back.pose.known.all())


def test_somebody_who_leaves_all_pictures_is_searched_for() -> None:
    """Out of every picture there is no window to look into; the tracker must not wait for ever."""
    away = torch.tensor([0.0, 0.0, 50_000.0], dtype=torch.float64)

    def pose(frame: int) -> Tensor:
        return STANDING + away if 3 <= frame < 20 else STANDING

    tracker = Tracker(PaintedDetector(RIG, lambda frame, view: pose(frame)), RIG)
    sightings = [observe(tracker, empty_frame(frame, RIG)) for frame in range(35)]
    assert sightings[2] is not None
    assert sightings[19] is None
    assert sightings[34] is not None
    torch.testing.assert_close(sightings[34].pose.points, STANDING, atol=6.0, rtol=0)


def test_somebody_who_comes_later_is_found() -> None:
    sightings = track(lambda frame: STANDING if frame >= 7 else NOWHERE, 12)
    present = [sighting is not None for sighting in sightings]
    assert not any(present[:7])
    assert all(present[10:])


def test_views_drop_out() -> None:
    """Without pictures a view has no window; without any view there is no sighting; then all goes on."""
    simulation = simulate(8, errors=CLEAN, render=False)
    absent: Mapping[int, set[int]] = {2: {0}, 3: {0, 2}, 4: {0, 1, 2}, 5: {0, 1, 2, 3}}

    class NeedsPictures(ChangedDetector):
        needs_images = True

    detector = NeedsPictures(simulation.detector, lambda view, maps: maps)
    tracker = Tracker(detector, simulation.capture.rig)
    seen = []
    for frame in simulation.capture.frames():
        images = tuple(None if v in absent.get(frame.index, ()) else BLANK for v in range(4))
        sighting = observe(tracker, MultiViewFrame(frame.index, frame.time_s, images))
        crops = (None,) * 4 if sighting is None else sighting.heatmaps.crops
        assert {v for v, crop in enumerate(crops) if crop is None} == absent.get(frame.index, set())
        seen.append(None if sighting is None else int(sighting.pose.known.sum()))
    assert seen[2] == seen[3] == 16
    assert seen[4] == 0  # one view alone
    assert seen[5] is None
    assert seen[6] == 16


def test_given_boxes_are_used() -> None:
    """In the frames and views that have one; the other windows follow the person."""
    box = Crop((500.0, 400.0), 640.0)
    boxes = Boxes({(1, "front"): box, (2, "front"): box, (2, "side"): box})
    followed = crops_around(STANDING, RIG.at(0))
    for frame, sighting in enumerate(track(lambda frame: STANDING, 4, boxes)):
        assert sighting is not None
        windows = [boxes.at(frame, name) for name in RIG.names]
        for used, box_of_view, around in zip(sides(sighting), windows, followed, strict=True):
            assert around is not None
            assert used == pytest.approx(around.side if box_of_view is None else 640.0, rel=0.02)


def test_boxes_spare_the_search() -> None:
    """With boxes in two views no window but theirs is looked at in the first frame."""
    asked: list[CroppedView] = []

    def note(view: CroppedView, maps: Tensor) -> Tensor:
        asked.append(view)
        return maps

    box = Crop((500.0, 400.0), 440.0)
    detector = ChangedDetector(PaintedDetector(RIG, lambda frame, view: STANDING), note)
    tracker = Tracker(detector, RIG, Boxes({(0, "front"): box, (0, "side"): box}))
    sighting = observe(tracker, empty_frame(0, RIG))
    assert sighting is not None
    torch.testing.assert_close(sighting.pose.points, STANDING, atol=6.0, rtol=0)
    assert [view.crop for view in asked] == [box, box]
    assert observe(tracker, empty_frame(1, RIG)) is not None


def test_the_first_of_a_batch_shows_the_others_where_to_look() -> None:
    """Boxes in frame 0 alone, and frames that come in pairs: frame 1 is followed from frame 0."""
    box = Crop((500.0, 400.0), 440.0)
    tracker = Tracker(
        PaintedDetector(RIG, lambda frame, view: STANDING), RIG, Boxes({(0, "front"): box, (0, "side"): box})
    )
    assert [s.frame for s in tracker.observe([empty_frame(0, RIG), empty_frame(1, RIG)])] == [0, 1]


def test_boxes_of_nobody_do_not_delay_the_search() -> None:
    """The boxes of frame 0 show nothing; frame 1 has none and is searched at once."""
    box = Crop((100.0, 100.0), 60.0)
    boxes = Boxes({(0, "front"): box, (0, "side"): box})
    sightings = track(lambda frame: STANDING, 2, boxes)
    assert sightings[0] is None
    assert sightings[1] is not None


def test_something_that_hardly_shows_is_not_followed_for_ever() -> None:
    """Views agree on every joint from frame 5 on, but the peaks do not rise: as on a wall that looks like somebody."""
    faint = 0.05

    def fade(view: CroppedView, maps: Tensor) -> Tensor:
        return maps * faint if view.frame >= 5 else maps

    tracker = Tracker(ChangedDetector(PaintedDetector(RIG, lambda frame, view: STANDING), fade), RIG)
    sightings = [observe(tracker, empty_frame(frame, RIG)) for frame in range(25)]
    assert all(sighting is not None for sighting in sightings[:13])
    assert all(bool(sighting.pose.known.all()) for sighting in sightings[5:13] if sighting is not None)
    assert not any(sightings[14:])


def test_who_is_followed_by_mistake_is_left_for_the_person() -> None:
    """Boxes of frame 0 point at what hardly shows; the person, whom no box holds, is found in the next frame."""
    ghost = 0.5 * STANDING + torch.tensor([1500.0, 1500.0, 0.0], dtype=torch.float64)
    painted = PaintedDetector(RIG, lambda frame, view: ghost)

    def both(view: CroppedView, maps: Tensor) -> Tensor:
        return torch.maximum(maps, 0.05 * painted.detect([view])[0])

    crops = crops_around(ghost, RIG.at(0))
    boxes = Boxes({(0, name): crop for name, crop in zip(RIG.names, crops, strict=True) if crop is not None})
    tracker = Tracker(ChangedDetector(PaintedDetector(RIG, lambda frame, view: STANDING), both), RIG, boxes)
    sightings = [observe(tracker, empty_frame(frame, RIG)) for frame in range(3)]
    assert sightings[0] is not None
    assert float(sightings[0].center[0]) == pytest.approx(1500, abs=20)
    assert sightings[1] is not None
    torch.testing.assert_close(sightings[1].pose.points, STANDING, atol=6.0, rtol=0)


def test_limbs_that_were_cut_off_are_found_again() -> None:
    """With windows that fit what was seen last the feet would stay outside of them for ever."""
    tracker = Tracker(finds_legs_late(RIG), RIG)
    sightings = [observe(tracker, empty_frame(frame, RIG)) for frame in range(8)]
    first, last = sightings[0], sightings[-1]
    assert first is not None
    assert last is not None
    torch.testing.assert_close(first.pose.points, COLLAPSED, atol=6.0, rtol=0)
    torch.testing.assert_close(last.pose.points, STANDING, atol=8.0, rtol=0)
