"""The world: from measured points and from a board on the floor, by true cameras."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from board_kit import CHARUCO, SYMMETRIC, seen
from poseharvest.errors import CalibrationError, FormatError
from poseharvest.rig_calibration.floor import FloorPicture, floor_world
from poseharvest.rig_calibration.lenses import lens_of_camera
from poseharvest.rig_calibration.scene_points import read_scene_points
from poseharvest.rig_calibration.world import points_world
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
    world = floor_world(board, lenses, moved, [FloorPicture("frame 0", corners)])
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
        floor_world(CHARUCO, lenses, moved, [FloorPicture("frame 3", corners)])
    with pytest.raises(CalibrationError, match="frame 3: expected a board on the floor that a camera sees"):
        floor_world(CHARUCO, lenses, moved, [FloorPicture("frame 3", {})])


def lying(cameras, places, generator, sigma_px=0.3):
    """A board on the floor at (x, y, degrees), as noisy corners of one picture a place."""
    pictures = []
    for number, (x, y, degrees) in enumerate(places):
        pose = turned(x, y, degrees)
        noise = generator.normal(0, sigma_px, (len(cameras), CHARUCO.num_corners, 2))
        seen_by = {view: seen(CHARUCO, camera, pose, noise[view]) for view, camera in enumerate(cameras)}
        pictures.append(
            FloorPicture(f"frame {number}", {view: one for view, one in seen_by.items() if one is not None})
        )
    return pictures


def turned(x, y, degrees):
    angle = np.radians(degrees)
    turn = np.eye(4)
    turn[:2, :2] = (np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))
    turn[:2, 3] = x, y
    return turn @ lying_board(CHARUCO)


PLACES = [(-300.0, 200.0, 20.0), (500.0, 300.0, 110.0), (-200.0, -600.0, -40.0), (300.0, -300.0, 200.0)]


def test_several_boards_lie_on_one_floor(cameras):
    """Without errors the first board is the world, wherever the others lie and in whatever order they come."""
    lenses, moved, true = in_first_camera(cameras)
    pictures = lying(cameras, PLACES, np.random.default_rng(1), sigma_px=0.0)
    for order in ((0,), (0, 1, 2, 3), (0, 3, 1)):
        world = floor_world(CHARUCO, lenses, moved, [pictures[number] for number in order])
        wanted = true @ np.linalg.inv(np.diag((1.0, -1.0, -1.0, 1.0)) @ np.linalg.inv(turned(*PLACES[0])))
        np.testing.assert_allclose(moved @ np.linalg.inv(world.new_from_old), wanted, atol=0.05)


@pytest.mark.parametrize("count", [1, 4])
def test_the_floor_is_as_exact_as_is_said(cameras, count):
    """Errors over stated standard deviations, of 12 repetitions: about one; more boards say less, and are right."""
    lenses, moved, true = in_first_camera(cameras)
    wanted = np.diag((1.0, -1.0, -1.0, 1.0)) @ np.linalg.inv(turned(*PLACES[0]))
    centers = np.linalg.inv(true)[:, :, 3] @ wanted.T
    generator, off, worlds = np.random.default_rng(5), [], []
    for _ in range(12):
        world = floor_world(CHARUCO, lenses, moved, lying(cameras, PLACES[:count], generator))
        found = np.linalg.inv(moved)[:, :, 3] @ world.new_from_old.T
        off.append(np.linalg.norm((found - centers)[:, :3], axis=1))
        worlds.append(world)
    spread = np.sqrt(np.mean(np.square(off), 0)).max()
    assert 0.5 < spread / np.median([world.place_sigma_mm for world in worlds]) < 1.6


def test_boards_in_more_places_make_the_floor_better(cameras):
    lenses, moved, _ = in_first_camera(cameras)
    pictures = lying(cameras, PLACES, np.random.default_rng(7))
    one, four = (floor_world(CHARUCO, lenses, moved, pictures[:count]) for count in (1, 4))
    assert four.up_sigma_deg < 0.5 * one.up_sigma_deg
    assert four.place_sigma_mm < 0.8 * one.place_sigma_mm
    assert "(one standard deviation): boards in more places of the floor make that better" in one.text
    assert "the boards on the floor (frame 0, frame 1, frame 2, frame 3, seen by" in four.text


def test_a_board_that_is_not_on_the_floor_is_refused(cameras):
    lenses, moved, _ = in_first_camera(cameras)
    pictures = lying(cameras, PLACES[:2], np.random.default_rng(7))
    held = turned(*PLACES[2])
    held[:3, 3] += (0.0, 0.0, 250.0)
    noise = np.zeros((CHARUCO.num_corners, 2))
    corners = {view: one for view, c in enumerate(cameras) if (one := seen(CHARUCO, c, held, noise)) is not None}
    with pytest.raises(CalibrationError, match=r"is it on the floor, as the others are, was it moved"):
        floor_world(CHARUCO, lenses, moved, [*pictures, FloorPicture("frame 2", corners)])


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
