"""Footage as cameras write it: containers, one folder per camera, and recordings in chapters."""

from __future__ import annotations

import numpy as np
import pytest

from poseharvest.capture.chapters import join_chapters
from poseharvest.capture.discover import chapters, find_footage
from poseharvest.capture.settings import CaptureSettings
from poseharvest.capture.video import open_video_view
from poseharvest.capture.view import open_footage
from poseharvest.errors import CaptureError


def shown(film, footage):
    return [film.number(image) for image in footage.read(np.arange(len(footage.times_s), dtype=np.int32))]


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("cam.MTS", "libx264"),
        ("cam.m2ts", "libx264"),
        ("cam.ts", "mpeg2video"),
        ("cam.MPG", "mpeg2video"),
        ("cam.wmv", "wmv2"),
        ("cam.3GP", "mpeg4"),
        ("cam.flv", "flv"),
        ("cam.mxf", "mpeg2video"),
    ],
)
def test_containers(tmp_path, film, name, codec):
    film.write(tmp_path / "videos/other.mp4", range(8))
    film.write(tmp_path / "videos" / name, range(8), rate=25, codec=codec)
    path = find_footage(tmp_path)["cam"]
    view = open_video_view("cam", path)
    assert shown(film, view) == list(range(8))
    np.testing.assert_allclose(view.times_s, np.arange(8) / 25, atol=2e-3)


def test_a_folder_a_camera_with_a_video_of_any_name(tmp_path, film):
    for view, name in (("left", "DSC_0042.MOV"), ("right", "20240305_111213.mp4")):
        film.write(tmp_path / "videos" / view / name, range(3))
    film.write_images(tmp_path / "videos/left", [0], name="DSC_0042.png")  # the camera's own thumbnail
    (tmp_path / "videos/left/GL010042.LRV").touch()
    assert {view: path.name for view, path in find_footage(tmp_path).items()} == {
        "left": "DSC_0042.MOV",
        "right": "20240305_111213.mp4",
    }
    film.write(tmp_path / "videos/left/DSC_0043.MOV", range(3))
    with pytest.raises(
        CaptureError, match=r"left: expected one video in the folder of a camera, got DSC_0042.MOV, DSC"
    ):
        find_footage(tmp_path)


@pytest.mark.parametrize(
    "names",
    [
        ("GX010042.MP4", "GX020042.MP4", "GX030042.MP4"),
        ("GOPR0042.MP4", "GP010042.MP4", "GP020042.MP4"),
        ("cam1_GH010042.mp4", "cam1_GH020042.mp4", "cam1_GH030042.mp4"),
    ],
)
def test_chapters_are_one_view(tmp_path, film, names):
    for number, name in enumerate(names):
        film.write(tmp_path / "videos" / name, range(10 * number, 10 * number + 10), rate=25)
    film.write(tmp_path / "videos/GX010043.MP4", range(4), rate=25)
    footage = find_footage(tmp_path)
    first = names[0].rpartition(".")[0]
    assert set(footage) == {first, "GX010043"}
    view = next(one for one in open_footage(footage, CaptureSettings()) if one.name == first)
    np.testing.assert_allclose(view.times_s, np.arange(30) / 25, atol=1e-6)
    assert shown(film, view) == list(range(30))
    wanted = np.array([-1, 8, -1, 11, 11, -1, 29, -1], dtype=np.int32)
    assert [film.number(image) for image in view.read(wanted)] == [None, 8, None, 11, 11, None, 29, None]


def test_a_missing_chapter_and_another_size_are_errors(tmp_path, film):
    for name in ("GX010042.MP4", "GX030042.MP4"):
        film.write(tmp_path / name, range(3))
    with pytest.raises(CaptureError, match=r"without a gap, got GX010042.MP4, GX030042.MP4"):
        chapters(tmp_path / "GX010042.MP4")
    film.write(tmp_path / "b.mp4", range(3), sizes=[(64, 80)] * 3)
    parts = [open_video_view("a", tmp_path / name) for name in ("GX010042.MP4", "b.mp4")]
    with pytest.raises(CaptureError, match=r"b.mp4: expected a chapter of GX010042.MP4, of \(96, 160\)"):
        join_chapters(parts)
