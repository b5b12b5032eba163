"""Finding the footage in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from poseharvest.capture.discover import find_footage, natural_key
from poseharvest.errors import CaptureError


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_numbers_in_names_sort_by_value():
    names = ["cam10", "cam2", "CAM1", "cam", "2", "10"]
    assert sorted(names, key=natural_key) == ["2", "10", "cam", "CAM1", "cam2", "cam10"]


@pytest.mark.parametrize(
    "names",
    [
        ("videos/a.mp4", "videos/b.MOV", "videos/c.avi", "videos/d.mkv"),
        ("a.mp4", "b.mov", "c.avi", "d.mkv"),
        ("images/a/1.jpg", "images/b/1.png", "images/c/1.JPG", "images/d/1.jpeg"),
        ("a/1.jpg", "b/1.jpg", "c/1.jpg", "d/1.jpg"),
    ],
)
def test_the_four_layouts(tmp_path, names):
    footage = find_footage(touch(tmp_path, *names))
    assert list(footage) == ["a", "b", "c", "d"]
    assert all(path.exists() for path in footage.values())


def test_views_are_in_natural_order(tmp_path):
    assert list(find_footage(touch(tmp_path, "videos/cam10.mp4", "videos/cam9.mp4"))) == ["cam9", "cam10"]


def test_what_is_not_footage_is_left_alone(tmp_path):
    names = ("a/1.jpg", "b/1.jpg", "a/notes.txt", "calibration/board.jpg", ".cache/1.jpg", "c/._1.jpg", "d/notes.txt")
    assert list(find_footage(touch(tmp_path, *names))) == ["a", "b"]
    assert list(find_footage(touch(tmp_path, "videos/x.mp4", "videos/._x.mp4", "videos/x.json"), Path("videos"))) == [
        "x"
    ]


def test_several_places_need_a_choice(tmp_path):
    folder = touch(tmp_path, "videos/a.mp4", "images/b/1.jpg")
    with pytest.raises(
        CaptureError, match=r'got videos \(a\) and images \(b\): say footage = "videos" in capture.toml'
    ):
        find_footage(folder)
    assert list(find_footage(folder, Path("videos"))) == ["a"]
    assert list(find_footage(folder, Path("images"))) == ["b"]


def test_other_places(tmp_path):
    folder = touch(tmp_path, "day1/cut/a.mp4", "day1/cut/b.mp4")
    assert list(find_footage(folder, Path("day1/cut"))) == ["a", "b"]
    assert list(find_footage(touch(tmp_path, "synchronized_videos/c.mp4"))) == ["c"]
    with pytest.raises(CaptureError, match=r"absent: expected videos/NAME.mp4 .* got no footage"):
        find_footage(folder, Path("absent"))


def test_an_empty_outer_folder_does_not_hide_the_footage(tmp_path):
    (tmp_path / "videos").mkdir()
    assert list(find_footage(touch(tmp_path, "images/a/1.jpg"))) == ["a"]


def test_two_files_of_one_view_are_an_error(tmp_path):
    with pytest.raises(CaptureError, match=r'two files of view "a": a.avi and a.mp4'):
        find_footage(touch(tmp_path, "videos/a.mp4", "videos/a.avi"))


def test_no_footage_is_an_error(tmp_path):
    with pytest.raises(CaptureError, match=r"expected videos/NAME.mp4 .* got no footage"):
        find_footage(touch(tmp_path, "notes.txt"))
    with pytest.raises(CaptureError, match=r"expected a capture, a folder .* got nothing"):
        find_footage(tmp_path / "absent")
    with pytest.raises(CaptureError, match=r"expected a capture, a folder .* got a file"):
        find_footage(tmp_path / "notes.txt")
