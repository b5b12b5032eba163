"""KTH Multiview Football II beyond the contract: moving cameras, and copies that are damaged or out of step."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from dataset_kits import kth_football
from poseharvest.datasets.kth_football import open_kth_football
from poseharvest.errors import CalibrationError, CaptureError, DatasetError, FormatError
from poseharvest.geometry.camera import AffineCamera, MovingCamera
from poseharvest.skeleton.definitions import LSP14

NAME = "Player 1/Sequence 1"


@pytest.fixture
def root(tmp_path):
    return kth_football.kth_football(tmp_path).root


def sequence(root):
    return open_kth_football(root).sequence(NAME)


def edit(path, change) -> None:
    path.write_text("\n".join(change(path.read_text().split())) + "\n")


def test_cameras_are_affine_and_move(root):
    for view, camera in enumerate(sequence(root).footage().rig):
        assert isinstance(camera, MovingCamera)
        for frame in range(4):
            static = camera.at(frame)
            assert isinstance(static, AffineCamera)
            expected = kth_football.affine(view, frame).px_from_world
            torch.testing.assert_close(static.px_from_world, expected, atol=1e-9, rtol=1e-7)
    with pytest.raises(CalibrationError, match="ends before its footage"):
        camera.at(4)


def test_a_players_folder_and_a_sequences_folder_may_be_opened(root):
    assert [s.name for s in open_kth_football(root / "Player 2").sequences] == ["Sequence 1"]
    one = open_kth_football(root / NAME).sequences[0]
    assert (one.name, one.subject) == ("Sequence 1", "player1")


def test_two_dimensional_truth_is_read_with_its_cameras(root):
    person = sequence(root).truth().only
    assert set(person.pixels) == set(kth_football.CAMERAS)
    pixels = kth_football.affine(2, 1).project(person.positions[1]).pixels
    torch.testing.assert_close(person.pixels["Camera 3"][1], pixels, atol=1e-3, rtol=0)


def test_without_pictures_the_annotations_still_read(root):
    for camera in kth_football.CAMERAS:
        shutil.rmtree(root / NAME / camera)
    one = sequence(root)
    assert one.cameras == kth_football.CAMERAS
    footage = one.footage(pictures=False)
    pixels = one.truth().only.pixels["Camera 1"]
    height, width = footage.rig.camera("Camera 1").image_size
    assert bool((pixels <= torch.tensor([width - 1, height - 1])).all())
    with pytest.raises(DatasetError, match=r"Camera 1: expected numbered pictures .*, got none"):
        one.footage()


def test_files_out_of_step_are_named(root):
    edit(root / NAME / "positions2d.txt", lambda words: words[:-28])
    message = r"positions2d\.txt: out of step with .*: expected 336 numbers \(4 frames, 3 cameras, 14 joints\), got 308"
    with pytest.raises(DatasetError, match=message):
        sequence(root).truth()


def test_cameras_of_other_frames_are_named(root):
    edit(root / NAME / "cameras.txt", lambda words: words[:-8])
    with pytest.raises(
        FormatError, match=r"cameras\.txt: expected cameras in 4 frames, 32 numbers each, got 88 numbers"
    ):
        sequence(root).truth()


def test_another_skeleton_is_named(root):
    edit(root / NAME / "positions3d.txt", lambda words: words[: 4 * 13 * 3])
    with pytest.raises(
        FormatError, match=r"positions3d\.txt: expected frames of 14 joints, 42 numbers each, got 156 numbers"
    ):
        sequence(root).truth()


def test_words_are_named_with_their_row(root):
    edit(root / NAME / "positions3d.txt", lambda words: [*words[:6], "oops", *words[7:]])
    with pytest.raises(FormatError, match=r"positions3d\.txt: row 7: expected a number, got 'oops'"):
        sequence(root).truth()


@pytest.mark.parametrize("unit", ["mm", "cm"])
def test_a_wrong_unit_is_named(root, unit):
    with pytest.raises(FormatError, match=rf'expected thighs of 250 to 650 mm, got .* reading the file in "{unit}"'):
        open_kth_football(root, unit=unit).sequence(NAME).truth()


def test_another_unit_may_be_told(root):
    """The same sequence in millimetres gives the same truth and the same cameras."""
    path = root / NAME / "positions3d.txt"
    kth_football.write_numbers(path, np.loadtxt(path) * 1000)
    affine = np.loadtxt(root / NAME / "cameras.txt").reshape(4, 3, 4, 2)
    affine[:, :, :3] /= 1000
    kth_football.write_numbers(root / NAME / "cameras.txt", affine)
    one = open_kth_football(root, unit="mm").sequence(NAME)
    person = one.truth().only
    pixels = one.footage().rig.camera("Camera 2").at(3).project(person.positions[3]).pixels
    torch.testing.assert_close(pixels, person.pixels["Camera 2"][3], atol=1e-2, rtol=0)


def test_missing_files_are_named(root):
    (root / NAME / "cameras.txt").unlink()
    with pytest.raises(DatasetError, match=r"Sequence 1/cameras\.txt: expected a file of numbers, found nothing there"):
        sequence(root).truth()


def test_a_missing_camera_folder_and_a_damaged_picture_are_named(root):
    (root / NAME / "Camera 2" / "00001.png").write_bytes(b"\x89PNG cut")
    with pytest.raises(CaptureError, match=r"Camera 2/00001\.png: expected a picture, got a truncated"):
        sequence(root).footage()
    shutil.rmtree(root / NAME / "Camera 2")
    with pytest.raises(DatasetError, match="expected 3 folders of pictures, got Camera 1, Camera 3"):
        sequence(root).footage()


def test_the_joints_are_those_of_lsp14():
    assert LSP14.joints[:3] == ("right_ankle", "right_knee", "right_hip")
    assert LSP14.joints[-2:] == ("upper_neck", "head_top")
