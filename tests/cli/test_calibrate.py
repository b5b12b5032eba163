"""The command `calibrate`: drawn pictures in, cameras, record and page out; sheets to print; faults by name."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from board_kit import errors_of
from poseharvest.boards.board import Board
from poseharvest.calibration import read_calibration, write_rig
from poseharvest.simulation.board_pictures import film_plan, lying_board, room_rig, stages

BOARD = Board("charuco", 6, 4, 120.0)
THE_BOARD = ("--squares", "6x4", "--square-mm", 120)


@pytest.fixture(scope="session")
def filmed(tmp_path_factory):
    """A folder with drawn pictures of two cameras, and the true cameras; frame 0 shows the board on the floor."""
    folder = tmp_path_factory.mktemp("board")
    generator = np.random.default_rng(11)
    rig = room_rig(2, generator, image_size=(400, 720))
    poses = film_plan(BOARD, rig, generator, num_near=10, num_common=18)
    for stage, name in zip(stages(BOARD, rig), rig.names, strict=True):
        (folder / "session" / "images" / name).mkdir(parents=True)
        for number, pose in enumerate(poses):
            picture = stage.draw(pose, generator)[..., 0]
            cv2.imwrite(str(folder / "session" / "images" / name / f"{number:04d}.jpg"), picture)
    write_rig(rig, folder / "true.json")
    return folder, rig


@pytest.fixture(scope="session")
def folder(filmed) -> Path:
    return filmed[0] / "session"


def test_cameras_are_written_that_the_product_reads(run, filmed, folder, tmp_path):
    out = tmp_path / "cameras"
    done = run("calibrate", folder, "--out", out, *THE_BOARD, "--floor-board", 0)
    assert done.code == 0, done.err
    assert f"wrote {out / 'calibration.toml'}" in done.out
    assert "all lengths rest on a square of 120 mm" in done.out
    record = json.loads((out / "calibration.json").read_text())
    assert record["world"]["source"] == "floor board"
    rotation, place, focal = errors_of(read_calibration(out), filmed[1])
    assert rotation < 0.4  # two cameras, 28 small pictures; benchmarks/calibrations.py has a full session
    assert place < 20
    assert focal < 0.6
    again = run("calibrate", folder, "--out", out, *THE_BOARD)
    assert again.code == 1
    assert "already exists" in again.err
    assert json.loads((out / "calibration.json").read_text()) == record


def test_the_floor_has_pictures_of_its_own(run, filmed, folder, tmp_path):
    """Three more places of the board on the floor, filmed apart: the world is that of the first one, and more exact."""
    poses = [lying_board(BOARD, *place) for place in ((0.0, 0.0), (-300.0, 600.0), (-300.0, 900.0), (0.0, 300.0))]
    generator = np.random.default_rng(4)
    for stage, name in zip(stages(BOARD, filmed[1]), filmed[1].names, strict=True):
        (tmp_path / "floor" / "images" / name).mkdir(parents=True)
        for number, pose in enumerate(poses):
            picture = stage.draw(pose, generator)[..., 0]
            cv2.imwrite(str(tmp_path / "floor" / "images" / name / f"{number:04d}.jpg"), picture)
    worlds = {}
    for out, option in (("one", ("--floor-board", 0)), ("several", ("--floor-footage", tmp_path / "floor"))):
        done = run("calibrate", folder, "--out", tmp_path / out, *THE_BOARD, *option)
        assert done.code == 0, done.err
        assert "(one standard deviation)" in done.out
        worlds[out] = json.loads((tmp_path / out / "calibration.json").read_text())["world"]
    assert worlds["several"]["source"] == "floor board"
    assert "floor frame 0, floor frame 1, floor frame 2, floor frame 3" in worlds["several"]["text"]
    assert worlds["several"]["up_sigma_deg"] < worlds["one"]["up_sigma_deg"]
    assert worlds["several"]["place_sigma_mm"] < worlds["one"]["place_sigma_mm"]


def test_floor_pictures_of_another_size_or_without_a_board_are_refused(run, filmed, folder, tmp_path):
    for size, message in (
        ((300, 540), '--floor-footage: camera "cam1": expected pictures of 720 x 400 pixels as in the footage'),
        ((400, 720), "expected a board on the floor in the pictures of cameras among cam1, cam2, found none"),
    ):
        for name in filmed[1].names:
            place = tmp_path / f"floor{size[0]}" / "images" / name
            place.mkdir(parents=True)
            cv2.imwrite(str(place / "0000.jpg"), np.full(size, 90, dtype=np.uint8))
        floor = ("--floor-footage", tmp_path / f"floor{size[0]}")
        done = run("calibrate", folder, "--out", tmp_path / f"out{size[0]}", *THE_BOARD, *floor)
        assert done.code == 1
        assert message in done.err


def test_written_cameras_are_read_back_to_the_ninth_digit(run, folder, tmp_path):
    """The second route: the cameras that the library returns against those that the reader reads from the file."""
    from poseharvest.report.calibration_folder import write_calibration

    result = write_calibration(folder, tmp_path / "cameras", BOARD, every=2)
    read = read_calibration(tmp_path / "cameras" / "calibration.toml")
    for a, b in zip(result.rig, read, strict=True):
        assert a.name == b.name
        assert a.image_size == b.image_size
        np.testing.assert_allclose(b.px_from_cam.numpy(), a.px_from_cam.numpy(), rtol=1e-9)
        np.testing.assert_allclose(b.rotation.numpy(), a.rotation.numpy(), atol=1e-9)
        np.testing.assert_allclose(b.translation.numpy(), a.translation.numpy(), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(b.distortion.coefficients, a.distortion.coefficients, rtol=1e-9)
    (tmp_path / "cameras" / "mine.txt").write_text("x")
    write_calibration(folder, tmp_path / "cameras", BOARD, every=2, overwrite=True)
    assert (tmp_path / "cameras" / "calibration.toml").is_file()


def test_given_lenses_are_kept(run, filmed, folder, tmp_path):
    out = tmp_path / "cameras"
    done = run("calibrate", folder, "--out", out, *THE_BOARD, "--intrinsics", filmed[0] / "true.json", "--every", 2)
    assert done.code == 0, done.err
    for a in read_calibration(out):
        np.testing.assert_allclose(a.px_from_cam.numpy(), filmed[1].camera(a.name).px_from_cam.numpy(), rtol=1e-9)


def test_errors_write_no_cameras_unless_asked(run, folder, tmp_path):
    """A third camera that never sees the board."""
    footage = tmp_path / "three"
    (footage / "images" / "cam3").mkdir(parents=True)
    for view in ("cam1", "cam2"):
        (footage / "images" / view).symlink_to(folder / "images" / view)
    for number in range(0, 40, 2):
        cv2.imwrite(str(footage / "images" / "cam3" / f"{number:04d}.jpg"), np.full((400, 720), 90, np.uint8))
    done = run("calibrate", footage, "--out", tmp_path / "out", *THE_BOARD)
    assert done.code == 1
    assert "no cameras are written" in done.err
    assert 'camera "cam3" is not calibrated: none of its pictures shows the board' in done.out
    assert not (tmp_path / "out" / "calibration.toml").exists()
    assert (tmp_path / "out" / "report.html").is_file()
    kept = run("calibrate", footage, "--out", tmp_path / "kept", *THE_BOARD, "--keep-faulty")
    assert kept.code == 0, kept.err
    assert read_calibration(tmp_path / "kept").names == ("cam1", "cam2")


def test_a_camera_out_of_step_is_one_line_with_its_offset(run, folder, tmp_path):
    late = tmp_path / "late"
    for view in ("cam1", "cam2"):
        (late / "images" / view).mkdir(parents=True)
        for picture in sorted((folder / "images" / view).iterdir()):
            number = int(picture.stem) + (2 if view == "cam2" else 0)
            (late / "images" / view / f"{number:04d}.jpg").symlink_to(picture)
    done = run("calibrate", late, "--out", tmp_path / "out", *THE_BOARD)
    assert done.code == 1
    assert 'camera "cam1" (or camera "cam2" the other way round): its pictures are 2 frames early' in done.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--squares", "4x6", "--square-mm", 120), "a board of 6 x 4 squares is there: exchange the two numbers"),
        ((*THE_BOARD, "--dictionary", "DICT_6X6_50"), "markers of DICT_4X4_1000 are there"),
    ],
)
def test_a_board_that_is_not_there_is_explained(run, folder, tmp_path, options, message):
    done = run("calibrate", folder, "--out", tmp_path / "out", *options, "--every", 4)
    assert done.code == 1
    assert message in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none", "--out", "out"), "--square-mm: expected the side of a square in mm"),
        (("none", "--out", "out", "--square-mm", 40), "none: expected a capture, a folder with footage"),
        (("--square-mm", 40), "expected a folder with footage and --out, or --print-board"),
        (
            ("none", "--out", "out", "--square-mm", 40, "--intrinsics", "lenses.toml", "--lens", "k1"),
            "--lens: expected none beside --intrinsics, whose lenses are kept, got k1",
        ),
        (("none", "--out", "out", "--square-mm", 40, "--squares", "7"), "--squares: expected columns and rows"),
        (
            ("none", "--out", "out", "--square-mm", 40, "--floor-board", 1, "--scene-points", "p"),
            "expected one definition",
        ),
    ],
)
def test_wrong_requests_are_one_line(run, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    done = run("calibrate", *arguments)
    assert done.code == 1
    assert message in done.err
    assert done.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_board_is_printed(run, tmp_path):
    done = run("calibrate", "--print-board", tmp_path / "board.pdf", "--square-mm", 30, "--paper", "A4")
    assert done.code == 0, done.err
    assert "ChArUco board of 7 x 5 squares of 30 mm" in done.out
    assert "297 x 210 mm" in done.out
    assert (tmp_path / "board.pdf").read_bytes().startswith(b"%PDF")
    assert run("calibrate", "--print-board", tmp_path / "board.pdf", "--square-mm", 35).code == 1


def test_wrong_points_are_refused(run, folder, tmp_path):
    (tmp_path / "points.csv").write_text("point,x,y\n")
    done = run("calibrate", folder, "--out", tmp_path / "out", *THE_BOARD, "--scene-points", tmp_path / "points.csv")
    assert done.code == 1
    assert "points.csv: expected the columns point,x,y,z,view,u,v, got point,x,y" in done.err
    assert not (tmp_path / "out").exists()


def test_lenses_of_pictures_of_another_size_are_refused(run, filmed, folder, tmp_path):
    smaller = room_rig(2, np.random.default_rng(11), image_size=(300, 500))
    write_rig(smaller, tmp_path / "small.json")
    done = run("calibrate", folder, "--out", tmp_path / "out", *THE_BOARD, "--intrinsics", tmp_path / "small.json")
    assert done.code == 1
    assert "cam1" in done.err
    assert "400" in done.err or "720" in done.err
