"""Folders of numbered pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from poseharvest.capture.picture_folder import open_image_folders, read_image
from poseharvest.errors import CaptureError


def read_all(folder, film):
    return [film.number(image) for image in folder.read(np.arange(len(folder.files), dtype=np.int32))]


def test_pictures_come_by_number_with_their_times(tmp_path, film):
    folder = film.write_images(tmp_path / "a", range(8, 13), name="shot2_{}.png")  # 8 9 10 11 12: natural order
    (view,) = open_image_folders({"a": folder}, frame_rate=50.0)
    assert read_all(view, film) == [8, 9, 10, 11, 12]
    np.testing.assert_allclose(view.times_s, np.arange(5) / 50)
    assert view.image_size == film.size


def test_numbers_are_shared_by_all_views(tmp_path, film):
    folders = {
        "a": film.write_images(tmp_path / "a", range(100, 105)),
        "b": film.write_images(tmp_path / "b", [102, 104, 105]),
    }
    a, b = open_image_folders(folders, frame_rate=10.0)
    np.testing.assert_array_equal(a.ticks, [0, 1, 2, 3, 4])
    np.testing.assert_array_equal(b.ticks, [2, 4, 5])


def test_a_common_step_is_one_picture(tmp_path, film):
    folders = {
        "a": film.write_images(tmp_path / "a", [1, 6, 11, 21]),
        "b": film.write_images(tmp_path / "b", [6, 16]),
    }
    a, b = open_image_folders(folders, frame_rate=10.0)
    np.testing.assert_array_equal(a.ticks, [0, 1, 2, 4])
    np.testing.assert_array_equal(b.ticks, [1, 3])


def test_names_without_numbers_count_by_position(tmp_path, film):
    for name in ("left", "middle", "right"):
        film.write_images(tmp_path / "a", [3], name=name + ".png")
    (view,) = open_image_folders({"a": tmp_path / "a"}, frame_rate=1.0)
    np.testing.assert_array_equal(view.ticks, [0, 1, 2])


def test_one_picture_is_enough(tmp_path, film):
    (view,) = open_image_folders({"a": film.write_images(tmp_path / "a", [7])}, frame_rate=1.0)
    np.testing.assert_array_equal(view.times_s, [0.0])


def test_only_the_wanted_pictures_are_read(tmp_path, film):
    folder = film.write_images(tmp_path / "a", range(4))
    (view,) = open_image_folders({"a": folder}, frame_rate=1.0)
    (folder / "frame_0002.png").unlink()
    pictures = [film.number(image) for image in view.read(np.asarray([-1, 1, 1, -1, 3], dtype=np.int32))]
    assert pictures == [None, 1, 1, None, 3]


def test_colours_are_red_green_blue(tmp_path, film):
    image = read_image(film.write_images(tmp_path, [5]) / "frame_0005.png")
    assert image is not None
    np.testing.assert_array_equal(image, film.picture(5))


def test_pictures_are_turned_as_their_exif_says(tmp_path, film):
    path = film.write_images(tmp_path, [5], name="{}.jpg") / "5.jpg"
    stored, content = read_image(path), path.read_bytes()
    tag = b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"  # orientation 6: turn to the right
    exif = b"Exif\0\0MM\0*\x00\x00\x00\x08\x00\x01" + tag + b"\0\0\0\0"
    path.write_bytes(content[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + content[2:])
    np.testing.assert_array_equal(read_image(path), np.rot90(stored, -1))


def test_grey_and_16_bit_pictures_become_rgb(tmp_path):
    grey = np.full((6, 9), 40, dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    cv2.imwrite(str(tmp_path / "deep.png"), grey.astype(np.uint16) * 257)
    for name in ("grey.png", "deep.png"):
        image = read_image(tmp_path / name)
        assert image is not None
        np.testing.assert_array_equal(image, np.full((6, 9, 3), 40))


@pytest.mark.parametrize("name", ["frame_{:04d}.png", "frame_{:04d}.jpg"])
@pytest.mark.parametrize("share", [0.0, 0.6])
def test_a_truncated_picture_is_an_error_or_drops_out(tmp_path, film, name, share, caplog):
    folder = film.write_images(tmp_path / "a", range(4), name=name)
    film.cut(folder / name.format(2), share)
    (view,) = open_image_folders({"a": folder}, frame_rate=1.0)
    with pytest.raises(CaptureError, match=rf"{name.format(2)}: the picture is truncated or damaged; with on_damage"):
        read_all(view, film)
    (view,) = open_image_folders({"a": folder}, frame_rate=1.0, on_damage="drop")
    assert read_all(view, film) == [0, 1, None, 3]
    assert "the view drops out there" in caplog.text


def test_a_damaged_first_picture_is_an_error_at_once(tmp_path, film):
    folder = film.write_images(tmp_path / "a", range(2))
    film.cut(folder / "frame_0000.png", 0.5)
    with pytest.raises(CaptureError, match=r"frame_0000.png: expected a picture, got a truncated"):
        open_image_folders({"a": folder}, frame_rate=1.0, on_damage="drop")


def test_another_size_is_an_error(tmp_path, film):
    folder = film.write_images(tmp_path / "a", range(3))
    cv2.imwrite(str(folder / "frame_0001.png"), film.picture(1, (160, 96)))
    (view,) = open_image_folders({"a": folder}, frame_rate=1.0, on_damage="drop")
    with pytest.raises(CaptureError, match=r"frame_0001.png: expected .* got \(96, 160\) and here \(160, 96\)"):
        read_all(view, film)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "expected pictures .* got none"),
        (("a1.png", "b.png"), "expected a number in every picture's name, got none in b.png"),
        (("a_1.png", "a_01.png"), "two pictures of number 1: a_01.png and a_1.png"),
        (
            ("a3f9c1.png", "b3f9.png", "77ce2.png"),
            "expected names with a number or a time .* neither index, number nor clock",
        ),
    ],
)
def test_wrong_names_are_named(tmp_path, film, names, message):
    (tmp_path / "a").mkdir()
    for name in names:
        film.write_images(tmp_path / "a", [1], name=name)
    with pytest.raises(CaptureError, match=message):
        open_image_folders({"a": tmp_path / "a"}, frame_rate=1.0)
