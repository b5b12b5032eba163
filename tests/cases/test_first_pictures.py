"""The footage that the inputs are paired with."""

from __future__ import annotations

import pytest

from cases_kit import NUM_FRAMES, VIEWS, make_capture
from poseharvest import Capture

pytestmark = pytest.mark.data


def test_the_first_pictures_are_a_capture(first_videos, scene_calibration, tmp_path):
    capture = Capture.open(make_capture(tmp_path / "walk", first_videos, calibration=scene_calibration))
    assert (capture.num_frames, capture.frame_rate, capture.rig.names) == (NUM_FRAMES, 60.0, VIEWS)
