"""The most visible person in the pictures of one view: found, followed, lost, and found again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from localization_kit import SIZE, STANDING, ChangedDetector, PaintedDetector, nobody, plain_rig
from people_kit import ListedPeople
from poseharvest.detectors.protocol import CroppedView, HeatmapDetector
from poseharvest.geometry.crop import Crop, crop_around
from poseharvest.localization.find.scan import scan_windows
from poseharvest.localization.follow.one_view import MIN_FOUND, OneViewTracker
from poseharvest.localization.limits import CLOSING_SCALES, CROP_SCALE, MIN_CONFIDENCE
from poseharvest.skeleton.definitions import MPII16

RIG = plain_rig()
BLANK = np.zeros((*SIZE, 3), np.uint8)
NOWHERE = torch.full_like(STANDING, torch.nan)
STEP = torch.tensor([30.0, 20.0, 0.0], dtype=torch.float64)  # mm a frame: 0.9 m/s at 25 Hz
ASIDE = torch.tensor([1500.0, 0.0, 0.0], dtype=torch.float64)


def track(detector: HeatmapDetector, num_frames: int, view: str = "front") -> list[Crop | None]:
    tracker = OneViewTracker(detector, view)
    return [tracker.observe(frame, BLANK) for frame in range(num_frames)]


def painted(pose: Callable[[int], Tensor]) -> PaintedDetector:
    return PaintedDetector(RIG, lambda frame, view: pose(frame))


def around(pose: Tensor, view: str = "front", scale: float = CROP_SCALE) -> Crop:
    """The window that a harvest would have."""
    return crop_around(RIG.camera(view).at(0).project(pose).pixels, scale)


def assert_same(found: Crop | None, expected: Crop) -> None:
    assert found is not None
    assert found.side == pytest.approx(expected.side, rel=0.03)
    assert found.center == pytest.approx(expected.center, abs=0.01 * expected.side)


@pytest.mark.parametrize("view", RIG.names)
def test_the_window_is_that_of_a_harvest(view: str) -> None:
    """Without a calibration: the tracker is told nothing but the picture."""
    pose = STANDING + ASIDE / 2
    for found in track(painted(lambda frame: pose), 3, view):
        assert_same(found, around(pose, view))


def test_it_follows_motion_with_one_window_a_picture() -> None:
    asked: list[int] = []

    def note(view: CroppedView, maps: Tensor) -> Tensor:
        asked.append(view.frame)
        return maps

    moving = painted(lambda frame: STANDING + (frame - 20) * STEP)
    for frame, found in enumerate(track(ChangedDetector(moving, note), 40)):
        assert_same(found, around(STANDING + (frame - 20) * STEP))
    assert len(scan_windows(SIZE)) < asked.count(0) < 2 * len(scan_windows(SIZE))
    assert all(asked.count(frame) == 1 for frame in range(1, 40))


def test_nobody_has_no_window() -> None:
    assert track(ChangedDetector(painted(lambda frame: STANDING), nobody), 12) == [None] * 12


def test_the_person_is_lost_at_once_and_found_again_before_long() -> None:
    def pose(frame: int) -> Tensor:
        return NOWHERE if 5 <= frame < 30 else STANDING + (ASIDE if frame >= 30 else 0)

    windows = track(painted(pose), 45)
    present = [window is not None for window in windows]
    assert all(present[:5])
    assert not any(present[5:30])
    found = present.index(True, 5)
    assert 30 <= found < 40
    for window in windows[found:]:
        assert_same(window, around(STANDING + ASIDE))


def test_a_short_absence_is_waited_for() -> None:
    windows = track(painted(lambda frame: NOWHERE if 5 <= frame < 8 else STANDING + frame * STEP / 3), 12)
    assert [window is None for window in windows] == [5 <= frame < 8 for frame in range(12)]


def test_finding_takes_more_than_keeping() -> None:
    faint = (MIN_FOUND + MIN_CONFIDENCE) / 2
    person = painted(lambda frame: STANDING)
    assert track(ChangedDetector(person, lambda view, maps: faint * maps), 12) == [None] * 12
    fading = ChangedDetector(person, lambda view, maps: maps if view.frame == 0 else faint * maps)
    assert all(window is not None for window in track(fading, 12))


def test_where_little_is_seen_the_window_widens() -> None:
    """By the rule of a harvest: from the window that fits to the first in which a search closes in."""
    fading = ChangedDetector(painted(lambda frame: STANDING), lambda view, maps: maps * max(1 - view.frame / 5, 0.26))
    windows = track(fading, 8)
    assert_same(windows[0], around(STANDING))
    widest = windows[-1]
    assert widest is not None
    assert 1.1 < widest.side / around(STANDING).side < CLOSING_SCALES[0] / CROP_SCALE


def test_feet_that_were_cut_off_are_found_again() -> None:
    """A network that, once, puts the ankles too high, and afterwards shows them where the window holds them.

    Windows that fit what was seen last end above the feet: they would stay outside for ever.
    """
    ankles = [MPII16.index("left_ankle"), MPII16.index("right_ankle")]
    collapsed = STANDING.clone()
    collapsed[ankles, 2] = 300.0
    short, whole = painted(lambda frame: collapsed), painted(lambda frame: STANDING)
    feet = RIG.camera("front").at(0).project(STANDING[ankles]).pixels

    def holds(window: Crop) -> bool:
        return bool(((feet - torch.tensor(window.center)).abs() < window.side / 2).all())

    def see(view: CroppedView, maps: Tensor) -> Tensor:
        return (whole if view.frame > 0 and holds(view.crop) else short).detect([view])[0]

    windows = track(ChangedDetector(short, see), 4)
    assert not holds(around(collapsed))
    assert_same(windows[0], around(collapsed))
    assert_same(windows[-1], around(STANDING))


def two(first: float, second: float) -> ChangedDetector:
    """Somebody at the origin and somebody aside, as heights of their peaks say."""
    other = painted(lambda frame: STANDING + ASIDE)
    return ChangedDetector(
        painted(lambda frame: STANDING),
        lambda view, maps: torch.maximum(first * maps, second * other.detect([view])[0]),
    )


@pytest.mark.parametrize(("heights", "place"), [((0.9, 0.6), 0 * ASIDE), ((0.6, 0.9), ASIDE)])
def test_the_more_visible_of_two_is_the_person(heights: tuple[float, float], place: Tensor) -> None:
    for window in track(two(*heights), 12):
        assert_same(window, around(STANDING + place))


def listed(people: Callable[[int], Sequence[Tensor]]) -> ListedPeople:
    return ListedPeople(RIG, lambda frame, view: people(frame))


def test_among_keypoints_the_person_is_the_nearest_in_whatever_order() -> None:
    """Two who stand side by side; in one heatmap their joints would mix."""
    beside = STANDING + ASIDE / 3

    def people(frame: int) -> list[Tensor]:
        both = [STANDING + frame * STEP / 10, beside]
        return both if frame % 2 == 0 else both[::-1]

    for frame, window in enumerate(track(listed(people), 10)):
        assert_same(window, around(STANDING + frame * STEP / 10))


def test_among_keypoints_nobody_else_is_taken_for_the_person_who_is_not_seen() -> None:
    windows = track(listed(lambda frame: [STANDING + ASIDE] if frame in (3, 4) else [STANDING]), 8)
    assert [window is None for window in windows] == [frame in (3, 4) for frame in range(8)]
    assert track(listed(lambda frame: []), 3) == [None] * 3
    gone = track(listed(lambda frame: [STANDING] if frame < 2 else []), 4)
    assert [window is None for window in gone] == [False, False, True, True]
