"""Footage without cameras: the clock and the offsets of a capture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from poseharvest.capture.uncalibrated import UncalibratedFootage
from poseharvest.errors import CaptureError


@pytest.fixture
def folder(tmp_path):
    for view, shade in (("cam1", 0), ("cam2", 100)):
        (tmp_path / "images" / view).mkdir(parents=True)
        for number in range(6):
            picture = np.full((24, 32, 3), shade + number, np.uint8)
            cv2.imwrite(str(tmp_path / "images" / view / f"{number:04d}.png"), picture)
    return tmp_path


def shades(footage, numbers):
    return [
        [None if image is None else int(image[0, 0, 0]) for image in moment.images]
        for moment in footage.frames(numbers)
    ]


def test_frames_are_those_of_one_moment(folder):
    footage = UncalibratedFootage.open(folder)
    assert footage.names == ("cam1", "cam2")
    assert footage.num_frames == 6
    assert shades(footage, [0, 3, 5]) == [[0, 100], [3, 103], [5, 105]]


def test_offsets_of_capture_toml_apply(folder):
    (folder / "capture.toml").write_text('image_rate = 30\n[offsets]\ncam2 = "-2 frames"\n')
    footage = UncalibratedFootage.open(folder)
    both = [row for row in shades(footage, range(footage.num_frames)) if None not in row]
    assert both == [[0, 102], [1, 103], [2, 104], [3, 105]]


def test_a_frame_that_is_not_there_is_refused(folder):
    footage = UncalibratedFootage.open(folder)
    with pytest.raises(CaptureError, match="expected frames from 0 to 5, got 9"):
        list(footage.frames([0, 9]))


def test_a_folder_without_footage_is_refused(tmp_path):
    with pytest.raises(CaptureError, match="no footage"):
        UncalibratedFootage.open(tmp_path)
