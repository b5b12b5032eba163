"""Which frames are looked at, and that their truth is that of these very frames."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from poseharvest.datasets.protocol import PersonTruth
from poseharvest.datasets.recording_footage import blanks
from poseharvest.errors import DatasetError
from poseharvest.geometry.camera import AffineCamera, MovingCamera
from poseharvest.geometry.rig import Rig
from poseharvest.skeleton.definitions import LSP14
from poseharvest.tables.sequence_frames import pixels_at, positions_at, thinned

SIZE = (48, 64)


def camera(shift: float) -> AffineCamera:
    return AffineCamera("a", SIZE, torch.tensor([[1.0, 0, 0, shift], [0, 0, 1.0, 0]], dtype=torch.float64))


def footage(numbers):
    moving = MovingCamera("a", tuple(camera(float(number)) for number in numbers))
    return blanks("take", Rig((moving,)), numbers=numbers, number_rate=50)


def truth(numbers, *, pixels=False):
    positions = torch.tensor(numbers, dtype=torch.float64)[:, None, None].expand(-1, 14, 3).clone()
    order = torch.arange(len(numbers))
    views = {"a": positions[..., :2] + 0.5} if pixels else {}
    return PersonTruth("S9", LSP14, order, torch.tensor(numbers), positions, pixels=views)


def test_every_fifth_number_is_kept_with_its_camera_and_its_time():
    thin = thinned(footage(range(1, 13)), 5)
    assert thin.numbers.tolist() == [1, 6, 11]
    assert thin.frame_rate == 10
    assert [frame.time_s for frame in thin.frames()] == pytest.approx([0, 0.1, 0.2])
    shifts = [float(thin.rig.at(frame)[0].px_from_world[0, 3]) for frame in range(3)]
    assert shifts == [1, 6, 11]


def test_layouts_with_every_fifth_frame_already_are_left_alone():
    whole = footage([1, 6, 11])
    assert thinned(whole, 5) is whole
    assert thinned(whole, 1) is whole


def test_truth_is_found_by_the_data_set_s_own_numbers():
    numbers = np.array([1, 6, 11])
    found = positions_at(truth([6, 7, 11, 12]), numbers, sequence="take")
    assert found.isnan()[0].all()
    assert found[1:, 0, 0].tolist() == [6, 11]
    seen = pixels_at(truth([1, 6], pixels=True), "a", numbers, sequence="take")
    assert seen[:2, 0, 0].tolist() == [1.5, 6.5]
    assert seen[2].isnan().all()


def test_annotations_of_other_frames_and_missing_views_are_named():
    with pytest.raises(DatasetError, match="take: out of step: expected annotations of frames 1 to 6, got those of 2"):
        positions_at(truth([20, 21]), np.array([1, 6]), sequence="take")
    with pytest.raises(DatasetError, match='take: expected 2D annotations of view "a", got none'):
        pixels_at(truth([1]), "a", np.array([1]), sequence="take")
