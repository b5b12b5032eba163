"""Pictures of more than 8 bits, and pictures that are completely black or white."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from poseharvest.capture.bit_depth import full_scale, to_8_bits
from poseharvest.capture.footage_audit import audit_footage
from poseharvest.capture.picture_folder import open_image_folders, read_image
from poseharvest.capture.video import open_video_view


def write_deep(folder, film, bits, dark=()):
    """Pictures of `bits` bits in files of 16: the first ones of `dark` hold hardly anything."""
    folder.mkdir()
    for number in range(6):
        picture = film.picture(number)[..., ::-1].astype(np.float64) / (40 if number in dark else 1)
        cv2.imwrite(str(folder / f"{number:04d}.png"), np.round(picture / 230 * (2**bits - 1) * 0.9).astype(np.uint16))
    return folder


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_deep_pictures_read_to_the_same_8_bits(tmp_path, film, bits):
    folder = write_deep(tmp_path / "a", film, bits, dark=(0,))
    (view,) = open_image_folders({"a": folder}, frame_rate=30.0)
    pictures = list(view.read(np.arange(6, dtype=np.int32)))
    for number in range(1, 6):
        expected = film.picture(number) / 230 * 255 * 0.9
        assert np.abs(pictures[number] - expected).max() <= 2
    assert pictures[0].max() < 8  # one scale for the whole folder: a dark picture stays dark
    (note,) = [finding for finding in audit_footage([view]) if "bits" in finding.message]
    assert (note.severity, f"a: values of {bits} bits" in note.message) == ("note", True)


def test_a_single_picture_tells_its_own_depth(tmp_path, film):
    folder = write_deep(tmp_path / "a", film, 12)
    image = read_image(folder / "0003.png")
    assert np.abs(image - film.picture(3) / 230 * 255 * 0.9).max() <= 2


def test_pictures_in_floating_point():
    values = np.array([[0.0, 0.5, 1.0, np.nan]], dtype=np.float32)
    assert to_8_bits(values, full_scale(values)).tolist() == [[0, 128, 255, 0]]
    assert full_scale(values * 4000) == 4095
    assert full_scale(np.array([70000.0])) == 70000


@pytest.mark.parametrize(("value", "word"), [(3, "black"), (250, "white"), (120, None)])
def test_a_view_that_is_blank_throughout_is_named(tmp_path, value, word):
    (tmp_path / "left").mkdir()
    for number in range(4):
        cv2.imwrite(str(tmp_path / f"left/{number}.png"), np.full((20, 30, 3), value, dtype=np.uint8))
    (view,) = open_image_folders({"left": tmp_path / "left"}, frame_rate=30.0)
    messages = [finding.message for finding in audit_footage([view]) if "throughout" in finding.message]
    assert [f'view "left": its pictures are almost {word} throughout' in line for line in messages] == (
        [True] if word else []
    )


def test_a_view_that_fades_in_is_fine(tmp_path, film):
    path = film.write(tmp_path / "a.mp4", [0] * 3 + [1] * 20)
    assert audit_footage([open_video_view("a", path)]) == []
