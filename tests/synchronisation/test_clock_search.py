"""Clocks of views are found from motion: known offsets and rates come back, and what cannot be known is not sure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from poseharvest.geometry.camera import Camera
from poseharvest.synchronisation.clock_search import ClocksFound, find_clocks
from poseharvest.synchronisation.view_joints import ViewRays
from synchronisation_kit import USUAL_SHARE, positions, rig_of, seen, views_of

RATE = 30.0
TIMES = np.arange(150) / RATE
WHOLE = [(0.0, float(TIMES[-1]))]


def in_frames(found: ClocksFound) -> list[float]:
    return [clock.offset_s * RATE for clock in found.clocks]


@pytest.mark.parametrize(
    "frames", [(0, 7), (0, 9, -5, 14), (0, -3.4, 2.25), (0, 0.5, -0.5, 0.0)], ids=["two", "four", "parts", "halves"]
)
@pytest.mark.parametrize("seed", [1, 2])
def test_known_offsets_come_back(frames: tuple[float, ...], seed: int) -> None:
    """Offsets of whole frames and of parts of them, with two to four views."""
    views = views_of(rig_of(len(frames), seed), [one / RATE for one in frames], TIMES, people=(seed,))
    found = find_clocks(views, WHOLE, max_offset_s=1.0)
    assert found.are_sure, [clock.doubt for clock in found.clocks]
    for clock, expected, got in zip(found.clocks, frames, in_frames(found), strict=True):
        assert got == pytest.approx(expected, abs=0.3)
        assert abs(got - expected) <= 4 * clock.sigma_s * RATE + 1e-9


def test_a_view_that_starts_later_changes_its_own_offset_alone() -> None:
    """Law: ten pictures fewer at the start of one view, numbered anew, are an offset of ten pictures."""
    views = views_of(rig_of(3, 5), [0.0, 0.1, -0.05], TIMES)
    late = replace(views[1], times_s=views[1].times_s[:-10], directions=views[1].directions[10:])
    before = find_clocks(views, WHOLE, max_offset_s=1.0)
    after = find_clocks([views[0], late, views[2]], WHOLE, max_offset_s=1.0)
    assert in_frames(after) == pytest.approx(
        [a + b for a, b in zip(in_frames(before), (0, 10, 0), strict=True)], abs=0.1
    )


def test_the_order_of_the_views_does_not_matter() -> None:
    views = views_of(rig_of(3, 3), [0.0, 0.2, -0.1], TIMES)
    forward = find_clocks(views, WHOLE, max_offset_s=1.0)
    backward = find_clocks(views[::-1], WHOLE, max_offset_s=1.0)
    known = {clock.view: clock.offset_s - forward.clocks[0].offset_s for clock in forward.clocks}
    zero = next(clock.offset_s for clock in backward.clocks if clock.view == views[0].view)
    assert {clock.view: clock.offset_s - zero for clock in backward.clocks} == pytest.approx(known, abs=0.003)


def test_two_people_are_told_apart() -> None:
    views = views_of(rig_of(3, 4), [0.0, 8 / RATE, -4 / RATE], TIMES, people=(1, 2))
    swapped = replace(views[1], directions=views[1].directions[:, ::-1])
    found = find_clocks([views[0], swapped, views[2]], WHOLE, max_offset_s=1.0)
    assert found.are_sure
    assert in_frames(found) == pytest.approx([0, 8, -4], abs=0.3)


def test_a_clock_that_drifts_over_a_long_take() -> None:
    """0.1 % over 30,000 frames: 30 frames in all. Six stretches of it are looked at."""
    last_s, stretch_s = 30_000 / RATE, 10.0
    starts_s = np.linspace(0, last_s - stretch_s, 6)
    times_s = np.concatenate([start_s + np.arange(round(stretch_s * RATE) + 1) / RATE for start_s in starts_s])
    middle_s = last_s / 2
    rates = [0.0, 1e-3, -4e-4]
    offsets_s = [0.0, 0.2, -0.1]
    views = views_of(rig_of(3, 6), offsets_s, times_s, rates=rates, middle_s=middle_s)
    found = find_clocks(views, [(s, s + stretch_s) for s in starts_s], max_offset_s=2.0)
    assert found.are_sure, [clock.doubt for clock in found.clocks]
    assert found.middle_s == pytest.approx(middle_s)
    for clock, offset_s, rate in zip(found.clocks, offsets_s, rates, strict=True):
        assert clock.rate == pytest.approx(rate, abs=5e-6)
        for end_s in (0.0, last_s):
            error_s = clock.offset_s - offset_s + (clock.rate - rate) * (end_s - middle_s)
            assert abs(error_s) * RATE < 0.3


def test_nobody_moves() -> None:
    views = views_of(rig_of(3, 1), [0.0, 0.2, 0.3], TIMES, speed=0.0)
    assert not any(clock.is_sure for clock in find_clocks(views, WHOLE, max_offset_s=1.0).clocks[1:])


def test_the_same_movement_over_and_over() -> None:
    """Somebody who does the same every 20 frames: an offset of 20 frames more fits as well."""
    rig = rig_of(3, 2)
    again_s = (np.arange(len(TIMES)) % 20) / RATE
    views = []
    for number, camera in enumerate(rig):
        assert isinstance(camera, Camera)
        shown = seen(camera, [positions(again_s, 3)], TIMES, noise_px=2.0, seed=number)
        views.append(ViewRays.of(camera, shown.smoothed(), USUAL_SHARE))
    found = find_clocks(views, WHOLE, max_offset_s=1.0)
    assert not any(clock.is_sure for clock in found.clocks[1:])
    assert "repeat" in found.clocks[1].doubt


def test_a_view_that_shows_somebody_else() -> None:
    rig = rig_of(3, 7)
    views = views_of(rig, [0.0, 0.1, 0.2], TIMES, people=(1,))
    views[2] = views_of(rig, [0.0, 0.1, 0.2], TIMES, people=(9,))[2]
    found = find_clocks(views, WHOLE, max_offset_s=1.0)
    assert found.clocks[1].offset_s == pytest.approx(0.1, abs=0.01)
    assert not found.clocks[2].is_sure


@pytest.mark.parametrize("empty", [(2,), (0, 1, 2)], ids=["one", "all"])
def test_views_that_show_nobody(empty: tuple[int, ...]) -> None:
    views = views_of(rig_of(3, 7), [0.0, 0.1, 0.2], TIMES)
    for number in empty:
        views[number] = replace(views[number], directions=np.full_like(views[number].directions, np.nan))
    found = find_clocks(views, WHOLE, max_offset_s=1.0)
    assert "too little" in found.clocks[2].doubt
    if empty == (2,):
        assert found.clocks[1].offset_s == pytest.approx(0.1, abs=0.01)


def test_a_joint_that_no_view_shows_changes_nothing() -> None:
    views = views_of(rig_of(3, 8), [0.0, 0.1, 0.2], TIMES)
    more = [
        replace(view, directions=np.concatenate((view.directions, np.full_like(view.directions[:, :, :1], np.nan)), 2))
        for view in views
    ]
    few, all_ = (find_clocks(one, WHOLE, max_offset_s=1.0) for one in (views, more))
    assert [clock.offset_s for clock in few.clocks] == pytest.approx([clock.offset_s for clock in all_.clocks])
