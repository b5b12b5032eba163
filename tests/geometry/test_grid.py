from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from poseharvest.errors import ShapeError
from poseharvest.geometry.grid import VoxelVolume, cube

CENTER = torch.tensor([100.0, -50.0, 900.0], dtype=torch.float64)


def test_voxel_centres_by_hand():
    volume = VoxelVolume(CENTER, 10.0, (2, 3, 1))
    assert volume.num_voxels == 6
    assert_close(volume.origin, torch.tensor([95.0, -60.0, 900.0], dtype=torch.float64))
    expected = [[95, -60, 900], [95, -50, 900], [95, -40, 900], [105, -60, 900], [105, -50, 900], [105, -40, 900]]
    assert_close(volume.voxel_centers(), torch.tensor(expected, dtype=torch.float64))


def test_the_centres_average_to_the_centre():
    volume = VoxelVolume(CENTER, 7.5, (4, 5, 6))
    assert_close(volume.voxel_centers().mean(0), CENTER)
    assert volume.contains(volume.voxel_centers()).all()


def test_axes_index_the_centres_with_x_slowest():
    volume = VoxelVolume(CENTER, 7.5, (4, 5, 6))
    x, y, z = volume.axes()
    grid = volume.voxel_centers().reshape(4, 5, 6, 3)
    assert_close(grid[2, 3, 5], torch.stack((x[2], y[3], z[5])))


def test_contains_reaches_to_the_faces():
    volume = cube(CENTER, 200.0, 64)
    steps = torch.tensor([[100.0, 0, 0], [100.1, 0, 0], [0, -100, 0], [0, 0, 101]], dtype=torch.float64)
    assert volume.contains(CENTER + steps).tolist() == [True, False, True, False]


def test_the_cube_of_the_paper():
    volume = cube(CENTER, 2000.0, 64)
    assert volume.shape == (64, 64, 64)
    assert volume.voxel_mm == 31.25


def test_moving_the_box_moves_every_voxel():
    shift = torch.tensor([31.25, -62.5, 0.0], dtype=torch.float64)
    moved = VoxelVolume(CENTER + shift, 31.25, (3, 4, 5)).voxel_centers()
    assert_close(moved, VoxelVolume(CENTER, 31.25, (3, 4, 5)).voxel_centers() + shift)


def test_impossible_volumes_are_errors():
    with pytest.raises(ShapeError, match=r"volume: expected positive voxels, got \(3, 0, 3\) of 5.0 mm"):
        VoxelVolume(CENTER, 5.0, (3, 0, 3))
    with pytest.raises(ShapeError, match="volume: expected positive voxels"):
        VoxelVolume(CENTER, float("nan"), (3, 3, 3))
    with pytest.raises(ShapeError, match=r"volume center: expected shape \(3\), got \(2,\)"):
        VoxelVolume(CENTER[:2], 5.0, (3, 3, 3))
