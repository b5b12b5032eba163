"""Views of almost the same rate: a message gives the size of their drift."""

from __future__ import annotations

import numpy as np
import pytest

from poseharvest.capture.settings import CaptureSettings
from poseharvest.capture.timing import audit_timing, make_timeline
from poseharvest.capture.video import open_video_view
from poseharvest.capture.view import View


def timing(film, tmp_path, rates, **settings):
    """Return the messages about views with these rates, filmed for two seconds."""
    views = []
    for number, rate in enumerate(rates):
        times_s = np.arange(round(2 * rate)) / rate
        stated = round(rate) if rate.is_integer() else 30  # of which a container's own estimate is made
        path = film.write(
            tmp_path / f"v{number}.mp4", [k % 256 for k in range(len(times_s))], rate=stated, times_s=times_s.tolist()
        )
        views.append(View(None, open_video_view(f"v{number}", path), 0.0))  # type: ignore[arg-type]
    options = CaptureSettings(**settings)
    return [finding.message for finding in audit_timing(views, make_timeline(views, options), options)]


@pytest.mark.parametrize(
    ("rates", "settings", "message"),
    [
        (
            (60.0, 60000 / 1001, 60.0),
            {},
            "v0, v2: 60 pictures per second in a capture of 59.94 frames: they drift by 2.0 ms",
        ),
        (
            (30.0, 30000 / 1001),
            {},
            "v0: 30 pictures per second in a capture of 29.97 frames: they drift by 2.0 ms in 2.0 s",
        ),
        (
            (25.0, 25.0),
            {"frame_rate": 30.0},
            "v0, v1: 25 pictures per second in a capture of 30 frames: they drift by 3",
        ),
        ((30000 / 1001,) * 2, {"frame_rate": 30.0}, "v0, v1: 29.97 pictures per second in a capture of 30 frames"),
        ((60.0, 25.0), {}, "v0: 60 pictures per second in a capture of 25 frames"),
    ],
)
def test_a_drift_is_reported_with_its_size(film, tmp_path, rates, settings, message):
    messages = [line for line in timing(film, tmp_path, rates, **settings) if "they drift by" in line]
    assert len(messages) == 1
    assert messages[0].startswith(message)
    assert "ms beside it" in messages[0]


@pytest.mark.parametrize("rates", [(60.0, 60.0), (60.0, 30.0), (30000 / 1001, 60000 / 1001)])
def test_equal_rates_and_multiples_do_not_drift(film, tmp_path, rates):
    assert not [line for line in timing(film, tmp_path, rates) if "drift" in line]
