"""The world: from measured points and from a board on the floor, by true cameras."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from board_kit import CHARUCO, SYMMETRIC, seen
from poseharvest.errors import CalibrationError, FormatError
from poseharvest.rig_calibration.lenses import lens_of_camera
from poseharvest.rig_calibration.scene_points import read_scene_points
from poseharvest.rig_calibration.world import floor_world, points_world
from poseharvest.simulation.board_pictures import lying_board, room_rig

POINTS = {
    "door": (0.0, 0.0, 0.0),
    "desk": (700.0, 0.0, 400.0),
    "mat": (0.0, 600.0, 0.0),
    "lamp": (-300.0, 200.0, 900.0),
}


@pytest.fixture(scope="module")
def cameras():
    return room_rig(3, np.random.default_rng(6))


def in_first_camera(rig):
    """Lenses, and (V, 4, 4) poses in the world of the first camera."""
    poses = np.tile(np.eye(4), (len(rig), 1, 1))
    for pose, camera in zip(poses, rig, strict=True):
        pose[:3, :3], pose[:3, 3] = camera.rotation, camera.translation
    return [lens_of_camera(camera) for camera in rig], poses @ np.linalg.inv(poses[0]), poses


def rows(rig, stretch=1.0):
    lines = ["point,x,y,z,view,u,v"]
    for name, place in POINTS.items():
        for camera in rig:
            u, v = camera.project(torch.tensor(place, dtype=torch.float64)[None]).pixels[0].tolist()
            lines.append(
                ",".join([name, *(f"{stretch * value:g}" for value in place), camera.name, f"{u:.9f}", f"{v:.9f}"])
            )
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("stretch", [1.0, 1.05])
def test_measured_points_define_the_world_and_its_scale(cameras, tmp_path, stretch):
    (tmp_path / "points.csv").write_text(rows(cameras, stretch))
    lenses, moved, true = in_first_camera(cameras)
    points = read_scene_points(tmp_path / "points.csv")
    world = points_world(points, cameras.names, lenses, moved, "points.csv")
    assert world.scale == pytest.approx(stretch, rel=1e-6)
    assert world.error_mm < 1e-3
    for camera, wanted in zip(moved, true, strict=True):
        scaled = camera.copy()
        scaled[:3, 3] *= world.scale
        stretched = wanted.copy()
        stretched[:3, 3] *= stretch
        np.testing.assert_allclose(scaled @ np.linalg.inv(world.new_from_old), stretched, atol=1e-3)


@pytest.mark.parametrize("board", [CHARUCO, SYMMETRIC], ids=["charuco", "symmetric"])
def test_a_board_on_the_floor_is_the_world(cameras, board):
    lenses, moved, true = in_first_camera(cameras)
    noise = np.zeros((board.num_corners, 2))
    pose = lying_board(board, -300.0, 200.0)
    corners = {
        view: one for view, camera in enumerate(cameras) if (one := seen(board, camera, pose, noise)) is not None
    }
    assert len(corners) >= 2
    world = floor_world(board, lenses, moved, corners, "frame 0")
    board_from_true = np.linalg.inv(pose)
    flat = np.diag((1.0, -1.0, -1.0, 1.0))
    choices = [board_from_true, board.half_turn @ board_from_true] if board.is_symmetric else [board_from_true]
    distances = [
        np.abs(moved @ np.linalg.inv(world.new_from_old) - true @ np.linalg.inv(flat @ one)).max() for one in choices
    ]
    assert min(distances) < 0.05
    assert ("half a turn" in world.text) is board.is_symmetric


def test_views_that_disagree_on_the_floor_are_refused(cameras):
    lenses, moved, _ = in_first_camera(cameras)
    noise = np.zeros((CHARUCO.num_corners, 2))
    corners = {view: seen(CHARUCO, cameras.cameras[view], lying_board(CHARUCO, 150.0 * view), noise) for view in (0, 1)}
    with pytest.raises(CalibrationError, match=r"frame 3: expected one place of the board in all views, got .* px"):
        floor_world(CHARUCO, lenses, moved, corners, "frame 3")
    with pytest.raises(CalibrationError, match="frame 3: expected a board on the floor that a camera sees"):
        floor_world(CHARUCO, lenses, moved, {}, "frame 3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("point,x,y\na,1,2\n", "expected the columns point,x,y,z,view,u,v, got point,x,y"),
        ("point,x,y,z,view,u,v\na,1,2,3,cam1,x,9\n", "line 2: expected numbers for x, y, z, u, v"),
        ("point,x,y,z,view,u,v\na,1,2,nan,cam1,1,9\n", 'line 2: expected one finite position of point "a"'),
        ("point,x,y,z,view,u,v\na,1,2,3,cam1,1,9\na,1,2,4,cam2,1,9\n", "line 3: expected one finite position"),
        ("point,x,y,z,view,u,v\na,1,2,3,cam1,1,9\na,1,2,3,cam1,1,9\n", 'line 3: point "a" is twice in view "cam1"'),
    ],
)
def test_wrong_files_of_points_are_refused(tmp_path, text, message):
    (tmp_path / "points.csv").write_text(text)
    with pytest.raises(FormatError, match=message):
        read_scene_points(tmp_path / "points.csv")


def test_too_few_points_a_line_and_unknown_views_are_refused(cameras, tmp_path):
    lenses, moved, _ = in_first_camera(cameras)
    path = tmp_path / "points.csv"
    path.write_text("point,x,y,z,view,u,v\na,1,2,3,cam9,1,9\n")
    with pytest.raises(CalibrationError, match="expected views of cam1, cam2, cam3, got cam9"):
        points_world(read_scene_points(path), cameras.names, lenses, moved, "points.csv")
    path.write_text("\n".join(rows(cameras).splitlines()[:5]) + "\n")
    with pytest.raises(CalibrationError, match="expected three points or more in two views each, got 1"):
        points_world(read_scene_points(path), cameras.names, lenses, moved, "points.csv")
    line = [f"p{n},{100 * n},0,0,{camera.name},{300 + n},{200 + n}" for n in range(4) for camera in cameras]
    path.write_text("\n".join(["point,x,y,z,view,u,v", *line]) + "\n")
    with pytest.raises(CalibrationError, match="do not lie on one line"):
        points_world(read_scene_points(path), cameras.names, lenses, moved, "points.csv")
