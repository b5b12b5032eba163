"""Real footage of a board in somebody's hands: what the given cameras make of it, and what is calibrated from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from board_kit import changed
from poseharvest.boards.board import Board
from poseharvest.calibration import read_calibration
from poseharvest.capture.uncalibrated import UncalibratedFootage
from poseharvest.geometry import triangulate
from poseharvest.rig_calibration import calibrate_rig, find_boards
from poseharvest.rig_calibration.lenses import lens_of_camera

BOARD = Board("charuco", 4, 5, 54.0, None, "DICT_4X4_1000", inverted=True)
pytestmark = [pytest.mark.data, pytest.mark.slow]


@pytest.fixture(scope="module")
def capture(shared_dir):
    folder = shared_dir / "captures" / "gesture"
    if not folder.is_dir():
        pytest.skip(f"real footage is not at {folder}")
    return folder


@pytest.fixture(scope="module")
def given(capture):
    return read_calibration(capture / "camera_array.toml")


@pytest.fixture(scope="module")
def recorded(capture):
    """The board in the pictures as they were recorded, from the frame on in which it is lifted."""
    footage = UncalibratedFootage.open(capture)
    return find_boards(footage, BOARD, every=footage.num_frames, also=range(64, footage.num_frames))


@pytest.fixture(scope="module")
def in_step(recorded):
    """The same with the pictures of cam_1 one frame earlier."""
    return changed(recorded, lambda one: replace(one, frame=one.frame - 1) if one.view == 1 else one)


def in_all_views(sightings):
    """The (frame, corner) pairs that all views see, and their (V, N, 2) pixels."""
    keys, pixels = [], []
    for frame in sightings.frames:
        seen = [sightings.by_place.get((view, frame)) for view in range(len(sightings.views))]
        if None in seen:
            continue
        places = [dict(zip(one.corners.ids.tolist(), one.corners.pixels, strict=True)) for one in seen]
        for number in sorted(set.intersection(*map(set, places))):
            keys.append((frame, number))
            pixels.append([of_view[number] for of_view in places])
    return keys, torch.from_numpy(np.array(pixels)).transpose(0, 1)


def sides_of_squares(keys, points):
    """Lengths of the sides of all squares between neighbouring corners, mm."""
    place = dict(zip(keys, points, strict=True))
    return [
        float((place[frame, number] - place[frame, number + step]).norm())
        for frame, number in keys
        for step in (1, BOARD.columns - 1)
        if (frame, number + step) in place and (step > 1 or (number + 1) % (BOARD.columns - 1))
    ]


def test_squares_have_their_size_and_corners_reproject_under_the_given_cameras(recorded, given):
    keys, pixels = in_all_views(recorded)
    found = triangulate(given.at(0), pixels, torch.ones(pixels.shape[:2], dtype=torch.float64))
    sides = sides_of_squares(keys, found.points)
    assert len(sides) > 100
    assert np.median(sides) == pytest.approx(54.0, abs=0.5)
    assert float(found.residual_px.median(1).values.max()) < 1.3


def test_places_from_given_lenses_are_those_that_came_with_the_footage(recorded, given):
    """Those were found from the pictures as recorded, so these are, too."""
    result = calibrate_rig(recorded, lenses=[lens_of_camera(camera) for camera in given])
    first = given.cameras[0]
    for ours, theirs in zip(result.rig, given, strict=True):
        relative = theirs.rotation @ first.rotation.T
        assert np.degrees(float((ours.rotation - relative).norm()) / 2**0.5) < 0.7
        assert float(ours.center.norm()) == pytest.approx(float((theirs.center - first.center).norm()), abs=12)


def test_the_camera_that_lags_is_named_and_fits_once_it_is_moved(recorded, in_step, given):
    """By these pictures cam_1 shows the board as the others saw it one frame, a sixth of a second, before."""
    lenses = [lens_of_camera(camera) for camera in given]
    late = calibrate_rig(recorded, lenses=lenses)
    assert any(
        'camera "cam_1": its pictures are 1 frame late' in f.message for f in late.findings if f.severity == "error"
    )
    moved = calibrate_rig(in_step, lenses=lenses)
    assert moved.is_fit
    assert moved.precision.corner_px < 0.7 * late.precision.corner_px


def test_lenses_from_a_small_board_in_the_middle_are_near_and_said_to_be_uncertain(recorded, in_step, given):
    """The board is in a quarter of the pictures and less: focal lengths within 5 %, and more is asked for."""
    result = calibrate_rig(in_step)
    for ours, theirs in zip(result.rig, given, strict=True):
        assert float(ours.px_from_cam[0, 0]) == pytest.approx(float(theirs.px_from_cam[0, 0]), rel=0.05)
    warned = [finding for finding in result.findings if finding.severity != "note"]
    for name in recorded.views:
        assert any(f'"{name}"' in finding.message and "film" in finding.message.lower() for finding in warned)
