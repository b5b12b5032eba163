"""Clocks of a capture: found in its keypoints, written into its settings, and taken from there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from poseharvest.capture.capture import Capture
from poseharvest.capture.settings import Offset, read_settings
from poseharvest.detectors.keypoint_capture import open_capture
from poseharvest.detectors.registry import load_detector
from poseharvest.synchronisation.capture_clocks import clocks_by_motion, settings_with, synchronised, write_clocks
from poseharvest.synchronisation.clock_search import ClocksFound, ViewClock

RATE = 60.0
BEFORE = '# of Tuesday\nframe_rate = 60.0\n\n[offsets]\ncam01 = "2 frames" # wrong?\n'


@pytest.fixture
def balance(shared_dir: Path) -> Path:
    return shared_dir / "captures" / "balance"


@pytest.fixture
def scene_calibration(balance: Path) -> Path:
    return balance / "calibration" / "calib_scene.toml"


def opened(balance: Path, scene_calibration: Path, **frame_offsets: int) -> tuple[Capture, object]:
    """The capture, with the keypoints of some views later than they are."""
    offsets = {view: 1 + frame_offsets.get(view, 0) for view in ("cam01", "cam02", "cam03", "cam04")}
    detector = load_detector(balance / "openpose", frame_offset=offsets)
    settings = read_settings(balance).model_copy(update={"calibration": scene_calibration})
    return open_capture(balance, detector, settings), detector


@pytest.mark.data
@pytest.mark.slow
def test_offsets_of_real_keypoints(balance: Path, scene_calibration: Path) -> None:
    capture, detector = opened(balance, scene_calibration, cam02=9, cam03=5, cam04=14)
    found = clocks_by_motion(capture, detector)
    assert found.are_sure
    assert [clock.offset_s * RATE for clock in found.clocks] == pytest.approx([0, -9, -5, -14], abs=0.5)
    better = synchronised(capture, detector)
    assert any("offsets by motion beside cam01" in finding.message for finding in better.findings)
    again = clocks_by_motion(better, detector)
    assert [clock.offset_s * RATE for clock in again.clocks] == pytest.approx([0, 0, 0, 0], abs=0.5)


@pytest.mark.data
def test_what_is_found_is_what_the_pictures_get(balance: Path, scene_calibration: Path, tmp_path: Path) -> None:
    """Law: the new time of a picture is its old one plus offset and rate as they were found, from the take's middle."""
    capture, _ = opened(balance, scene_calibration)
    found = ClocksFound(
        (
            ViewClock("cam01", 0, 0),
            ViewClock("cam02", 0.2, 0.001, 2e-4, 1e-6),
            ViewClock("cam03", 9, 1, doubt="no"),
            ViewClock("cam04", -0.1, 0.001),
        ),
        middle_s=0.8,
        period_s=1 / RATE,
    )
    first = settings_with(capture, found)
    assert "cam03" not in first.offsets
    assert "cam04" not in first.clock_rates
    before = {view.name: view.times_s for view in capture.views}
    after = {view.name: view.times_s for view in Capture.open(balance, settings=first).views}
    since_s = before["cam02"] - capture.timeline.start_s - 0.8
    np.testing.assert_allclose(after["cam02"], before["cam02"] + 0.2 + 2e-4 * since_s, atol=2e-6)
    np.testing.assert_allclose(after["cam04"], before["cam04"] - 0.1, atol=2e-6)
    np.testing.assert_array_equal(after["cam03"], before["cam03"])
    (tmp_path / "capture.toml").write_text(BEFORE)
    write_clocks(tmp_path, first)
    text = (tmp_path / "capture.toml").read_text()
    assert "# of Tuesday" in text
    assert "# wrong?" in text
    read = read_settings(tmp_path)
    assert read.frame_rate == 60
    assert read.offsets["cam01"] == Offset(2, "frames")
    assert read.offsets["cam02"].value == pytest.approx(first.offsets["cam02"].value)
    assert read.clock_rates == pytest.approx(first.clock_rates)
