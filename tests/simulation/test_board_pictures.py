"""Drawn pictures of boards: the corners lie where the camera projects them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from poseharvest.boards.board import Board
from poseharvest.boards.detection import BoardDetector
from poseharvest.simulation.board_pictures import PictureQuality, lying_board, near_board, room_rig, stages

BOARD = Board("charuco", 7, 5, 80.0)
SIZE = (360, 640)


@pytest.fixture(scope="module")
def rig():
    return room_rig(2, np.random.default_rng(1), image_size=SIZE)


def test_corners_lie_where_the_camera_projects_them(rig):
    generator = np.random.default_rng(0)
    camera, stage = rig.cameras[0], stages(BOARD, rig)[0]
    errors = []
    for pose in near_board(BOARD, camera, 9, generator):
        found = BoardDetector(BOARD).detect(stage.draw(pose, generator))
        assert found is not None
        points = BOARD.corner_points[found.ids] @ pose[:3, :3].T + pose[:3, 3]
        errors.append(camera.project(torch.from_numpy(points)).pixels.numpy() - found.pixels)
    errors = np.concatenate(errors)
    assert np.abs(errors.mean(0)).max() < 0.03
    assert np.sqrt((errors**2).mean()) < 0.15


def test_a_board_s_back_is_not_drawn(rig):
    quality = PictureQuality(blur_px=0, noise=0)
    stage = stages(BOARD, rig, quality)[0]
    below = lying_board(BOARD) @ np.diag((1.0, -1.0, -1.0, 1.0))  # printed side down
    generator = np.random.default_rng(0)
    empty = stage.draw(np.diag((1.0, 1.0, 1.0, 1.0)) + np.array([[0, 0, 0, 1e6]] + [[0] * 4] * 3), generator)
    assert np.array_equal(stage.draw(below, generator), empty)
    assert not np.array_equal(stage.draw(lying_board(BOARD), generator), empty)


def test_cameras_of_a_room_look_at_its_middle_from_all_its_corner(rig):
    for camera in room_rig(5, np.random.default_rng(3)):
        shown = camera.project(torch.tensor([[0.0, 0.0, 700.0]], dtype=torch.float64))
        height, width = camera.image_size
        assert np.abs(shown.pixels[0].numpy() - (width / 2, height / 2)).max() < 0.15 * width
