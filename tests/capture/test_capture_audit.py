"""The audit of a capture: numbers of every view, and findings."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.capture import Capture, audit_capture
from poseharvest.capture.capture_audit import _longest_run
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig


def camera(name, angle):
    c, s = np.cos(angle), np.sin(angle)
    rotation = torch.tensor([[c, 0, s], [0, 1, 0], [-s, 0, c]], dtype=torch.float64)
    matrix = torch.tensor([[200.0, 0, 80], [0, 200.0, 48], [0, 0, 1]], dtype=torch.float64)
    return Camera(name, (96, 160), matrix, rotation, torch.tensor([0.0, 0.0, 3000.0], dtype=torch.float64))


@pytest.fixture
def capture(tmp_path, film):
    film.write(tmp_path / "videos/a.mp4", range(40), rate=50)
    numbers = [number for number in range(4, 44) if number not in (10, 11, 12, 20)]
    film.write(tmp_path / "videos/b.mkv", numbers, times_s=[number / 50 + 0.003 for number in numbers])
    return Capture.open(tmp_path, calibration=Rig((camera("a", 0.0), camera("b", 0.8))), offsets={"b": "-1 frame"})


def test_every_view_is_summarised(capture):
    audit = audit_capture(capture)
    assert (audit.num_frames, audit.frame_rate) == (37, 50)
    a, b = audit.views
    assert (a.name, a.image_size, a.num_pictures, a.num_missing, a.damage) == ("a", (96, 160), 40, 0, None)
    assert (a.start_s, a.end_s, a.shift_s) == pytest.approx((-3 / 50, 36 / 50, 0))
    assert (b.num_pictures, b.num_missing) == (36, 4)
    assert b.frame_rate == pytest.approx(50, rel=1e-3)
    assert b.longest_gap_s == pytest.approx(3 / 50)
    assert b.shift_s == pytest.approx(-1 / 50, rel=1e-3)
    assert b.start_s == pytest.approx(0.003, abs=1e-3)
    assert b.median_error_ms == pytest.approx(3, abs=0.6)
    assert b.max_error_ms >= b.median_error_ms


def test_findings_are_those_of_the_capture(capture):
    audit = audit_capture(capture)
    assert [finding.message for finding in audit.findings] == list(capture.warnings)
    assert any('"b" has no picture in 4 of 37 frames' in line for line in capture.warnings)
    assert audit.is_fit


def test_a_wrong_unit_is_unfit(tmp_path, film):
    for name in ("a", "b"):
        film.write(tmp_path / f"videos/{name}.mp4", range(3))
    small = [Camera(c.name, c.image_size, c.px_from_cam, c.rotation, c.translation / 1000) for c in
             (camera("a", 0.0), camera("b", 0.8))]  # fmt: skip
    audit = audit_capture(Capture.open(tmp_path, calibration=Rig(tuple(small))))
    assert not audit.is_fit


@given(st.lists(st.booleans(), max_size=30))
def test_longest_run_equals_that_of_a_text(flags):
    text = "".join("x" if flag else " " for flag in flags)
    assert _longest_run(np.asarray(flags, dtype=bool)) == max(map(len, text.split()), default=0)
