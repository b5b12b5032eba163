"""The objects that all readers share refuse inconsistent data."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dataset_kits.scene import picture, write_picture
from poseharvest.datasets.protocol import DatasetSequence, MultiViewDataset, PersonTruth, SequenceTruth, listed
from poseharvest.datasets.recording_footage import blanks, numbered_pictures, stills
from poseharvest.errors import CalibrationError, CaptureError, DatasetError, ShapeError
from poseharvest.simulation.camera_rigs import random_rig
from poseharvest.skeleton.definitions import LSP14


def person(name: str = "a", frames: tuple[int, ...] = (0, 1), **changes) -> PersonTruth:
    values = {
        "name": name,
        "skeleton": LSP14,
        "frames": torch.tensor(frames),
        "numbers": torch.tensor(frames) + 10,
        "positions": torch.zeros(len(frames), 14, 3, dtype=torch.float64),
    }
    return PersonTruth(**(values | changes))


@pytest.fixture
def rig():
    return random_rig(2, torch.Generator().manual_seed(1), image_size=(90, 160))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"positions": torch.zeros(2, 13, 3)}, r'truth of "a": positions: expected shape \(F J 3\) with J=14'),
        ({"numbers": torch.arange(3)}, 'truth of "a": numbers: expected shape'),
        ({"confidence": torch.zeros(2, 3)}, 'truth of "a": confidence: expected shape'),
        ({"pixels": {"left": torch.zeros(2, 14, 3)}}, 'truth of "a": pixels of "left": expected shape'),
    ],
)
def test_truth_of_other_joints_or_frames_is_refused(changes, message):
    with pytest.raises(ShapeError, match=message):
        person(**changes)


def test_frames_must_rise_and_people_be_called_apart():
    with pytest.raises(DatasetError, match="expected rising frames"):
        person(frames=(1, 1))
    with pytest.raises(DatasetError, match="expected every person once, got a, a"):
        SequenceTruth(LSP14, (person(), person()))


def test_truth_cut_to_frames_keeps_everything_of_them():
    whole = person(
        frames=(2, 5, 7),
        positions=torch.arange(3.0)[:, None, None].expand(3, 14, 3).double(),
        confidence=torch.rand(3, 14),
        pixels={"left": torch.rand(3, 14, 2)},
    )
    part = whole.at_frames(torch.tensor([7, 2, 100]))
    assert part.frames.tolist() == [2, 7]
    assert part.numbers.tolist() == [12, 17]
    torch.testing.assert_close(part.positions, whole.positions[[0, 2]])
    torch.testing.assert_close(part.confidence, whole.confidence[[0, 2]])
    torch.testing.assert_close(part.pixels["left"], whole.pixels["left"][[0, 2]])


def test_a_data_set_needs_sequences_with_names_of_their_own(tmp_path):
    def nothing(*_):
        raise AssertionError

    one = DatasetSequence("a", "s", "walk", ("left",), nothing, nothing)
    with pytest.raises(DatasetError, match="expected sequences of x, got none"):
        MultiViewDataset("x", tmp_path, LSP14, ())
    with pytest.raises(DatasetError, match="expected every sequence once, got twice: a"):
        MultiViewDataset("x", tmp_path, LSP14, (one, one))
    with pytest.raises(DatasetError, match="a: expected cameras of left, got none"):
        one.footage([])


def test_long_lists_are_cut():
    assert listed([str(i) for i in range(15)]).endswith("10, 11 and 3 more")


def write_stills(folder, camera, numbers) -> None:
    for number in numbers:
        write_picture(folder / f"img_{number:03d}.png", picture(camera, LSP14, np.zeros((14, 3))))


def test_every_fifth_number_is_a_fifth_of_the_rate(rig, tmp_path):
    for name in rig.names:
        write_stills(tmp_path / name, rig.camera(name), (1, 6, 16))
    paths = [numbered_pictures(tmp_path / name) for name in rig.names]
    footage = stills("x", rig, paths, numbers=(1, 6, 16), number_rate=50.0)
    assert footage.frame_rate == 10.0
    assert [frame.time_s for frame in footage.frames()] == pytest.approx([0, 0.1, 0.3])


def test_pictures_of_another_size_than_the_cameras_are_refused(rig, tmp_path):
    other = random_rig(1, torch.Generator(), image_size=(60, 60)).cameras[0]
    for name in rig.names:
        write_stills(tmp_path / name, other, (1,))
    paths = [numbered_pictures(tmp_path / name) for name in rig.names]
    with pytest.raises(CalibrationError, match="expected footage of the calibrated 160 x 90"):
        stills("x", rig, paths, numbers=(1,), number_rate=50.0)


def test_pictures_are_decoded_when_their_frame_is_asked_for(rig, tmp_path):
    for name in rig.names:
        write_stills(tmp_path / name, rig.camera(name), range(20))
    paths = [numbered_pictures(tmp_path / name) for name in rig.names]
    paths[0][19].write_bytes(b"\x89PNG damaged")
    footage = stills("x", rig, paths, numbers=range(20), number_rate=50.0)
    assert len(list(footage.frames(0, 5))) == 5
    with pytest.raises(CaptureError, match=r"img_019\.png: the picture is truncated or damaged"):
        list(footage.frames(15))


@pytest.mark.parametrize("names", [("a.png",), ("a1.png", "b_01.png")])
def test_pictures_without_a_number_of_their_own_are_named(tmp_path, names):
    for name in names:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(DatasetError, match=r"expected a number in the picture's name|two pictures of number 1"):
        numbered_pictures(tmp_path)


def test_frames_before_the_first_are_refused(rig):
    footage = blanks("x", rig, numbers=range(3), number_rate=50.0)
    with pytest.raises(CaptureError, match="x: expected frames from 0 to 3, got -1 to 2"):
        footage.frames(-1, 2)
    assert [frame.images for frame in footage.frames(1, 9)] == [(None, None)] * 2
