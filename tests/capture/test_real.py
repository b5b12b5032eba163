"""The balance capture: four real cameras, two of which cut their pictures by 8 pixels."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from poseharvest.capture import Capture, audit_capture
from poseharvest.errors import CalibrationError

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def balance(shared_dir):
    folder = shared_dir / "captures" / "balance"
    return Capture.open(folder, calibration=folder / "calibration" / "calib_scene.toml")


def test_the_capture_is_as_described(balance):
    assert balance.name == "balance"
    assert (balance.num_frames, balance.frame_rate) == (100, 60)
    assert balance.rig.names == ("cam01", "cam02", "cam03", "cam04")
    assert [camera.image_size for camera in balance.rig] == [(1920, 1080), (1920, 1080), (1920, 1088), (1920, 1088)]
    assert balance.timeline.present.all()


def test_the_cut_pictures_are_warned_of(balance):
    assert len(balance.warnings) == 2
    for name, line in zip(("cam01", "cam02"), balance.warnings, strict=True):
        assert f'"{name}": calibrated at 1088 x 1920, footage is 1080 x 1920' in line
    assert audit_capture(balance).is_fit


def test_frames_stream_in_full_and_from_within(balance):
    count = 0
    for frame in balance.frames(0, 100):
        assert [image.shape[:2] for image in frame.images] == [camera.image_size for camera in balance.rig]
        if frame.index == 42:
            earlier = frame
        count += 1
    assert count == 100
    again = next(balance.frames(42))
    assert again.index == 42
    for image, other in zip(again.images, earlier.images, strict=True):
        np.testing.assert_array_equal(image, other)


def test_neighbouring_frames_differ_and_are_pictures(balance):
    for first, second in itertools.pairwise(balance.frames(0, 3)):
        for image, other in zip(first.images, second.images, strict=True):
            assert image.std() > 20
            assert (image != other).any()


def test_two_calibrations_need_a_choice(shared_dir):
    with pytest.raises(
        CalibrationError, match=r"expected one calibration, found 2: .*calib_qualisys.toml, .*calib_sce"
    ):
        Capture.open(shared_dir / "captures" / "balance")
