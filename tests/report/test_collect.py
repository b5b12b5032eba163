"""The pass over a harvest: what it keeps, and how little."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.report import moving_poses, timeline
from poseharvest.report.collect import MAX_PICTURED_FRAMES, ReportContent, collect, frame_range, spread_out
from poseharvest.report.html import render
from poseharvest.selection.recalibration import Recalibration
from walker_kit import Recipe, write_walk


def test_every_part_of_the_harvest_is_seen(harvest: Harvest, content: ReportContent) -> None:
    assert (content.first_frame, content.last_frame) == frame_range(harvest) == (0, 39)
    assert content.joints.num == 40 * 16
    assert [overlay.frame for overlay in content.overlays] == [0, 12, 24]
    assert len(content.poses) == 40
    assert [camera.name for camera in content.cameras] == list(harvest.view_names)


def test_too_many_pictures_are_thinned_to_the_first_the_last_and_between(tmp_path: Path) -> None:
    many = write_walk(tmp_path / "h", Recipe(num_frames=12, pictured=tuple(range(12))))
    frames = [overlay.frame for overlay in collect(many).overlays]
    assert len(frames) == MAX_PICTURED_FRAMES
    assert (frames[0], frames[-1]) == (0, 11)


def test_two_people_get_a_strip_each_and_share_the_moments(tmp_path: Path) -> None:
    content = collect(write_walk(tmp_path / "h", Recipe(num_frames=6, num_persons=2, pictured=(0,))))
    assert [timeline.person for timeline in content.timelines] == [0, 1]
    assert content.joints.num == 2 * 6 * 16
    assert len(content.overlays[0].views[0].people) == 2
    assert [(pose.frame, pose.person) for pose in content.poses[:3]] == [(0, 0), (0, 1), (1, 0)]


def test_spread_out_keeps_short_lists() -> None:
    assert spread_out((3, 5), 8) == (3, 5)
    assert spread_out((), 8) == ()


def test_findings_of_a_sound_harvest_are_none(content: ReportContent) -> None:
    topics = [finding.topic for finding in content.findings]
    assert "camera cam01" not in topics
    assert "camera cam02" not in topics


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving_poses, "MAX_FRAMES", 20)
    monkeypatch.setattr(timeline, "MAX_COLUMNS", 20)
    peaks = []
    for name, num_frames in (("warm", 10), ("short", 40), ("long", 160)):
        harvest = write_walk(tmp_path / name, Recipe(num_frames=num_frames, pictured=()))
        tracemalloc.start()
        collect(harvest)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.1 * peaks[1]


def test_what_is_shown_in_millimetres_is_recalibrated(tmp_path: Path) -> None:
    """Three times the sigma in every place; determinants stay those that select."""
    three = Recalibration(
        sigma_mm=(5.0,), calibrated_mm=(15.0,), level=0.9, num_values=900, fitted_on="the <other> rig"
    )
    recipe = Recipe(num_frames=6, pictured=(0,))
    plain = collect(write_walk(tmp_path / "a", recipe))
    shown = collect(write_walk(tmp_path / "b", replace(recipe, recalibration=three)))
    assert shown.joints.sigma.high == pytest.approx(3 * plain.joints.sigma.high)
    assert shown.joints.worst_sigma.high == pytest.approx(3 * plain.joints.worst_sigma.high)
    np.testing.assert_allclose(shown.timelines[0].sigma_mm, 3 * plain.timelines[0].sigma_mm)
    np.testing.assert_allclose(shown.poses[0].root, 3 * plain.poses[0].root, rtol=1e-5)
    for name, mark in shown.overlays[0].views[0].people[0].items():
        other = plain.overlays[0].views[0].people[0][name]
        assert mark.sigma_mm == pytest.approx(3 * other.sigma_mm)
        assert (mark.ellipse.major, mark.det) == pytest.approx((3 * other.ellipse.major, other.det))
    page = render(shown)
    assert "held 90 % of 900 true joint positions of the &lt;other&gt; rig" in page
    assert "are the posterior's own" not in page
    assert "Sigma and the ellipses are the posterior's own" in render(plain)
