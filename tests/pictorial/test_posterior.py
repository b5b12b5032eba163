"""Moments of marginals."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from poseharvest.errors import ShapeError
from poseharvest.pictorial.posterior import JointPosterior, VoxelVolume, cube, grid_moments

VOLUME = VoxelVolume(torch.tensor([1e5, -2e5, 900.0], dtype=torch.float64), 30.0, (4, 6, 5))


def test_moments_equal_those_of_weighted_points(generator):
    marginals = torch.rand(3, *VOLUME.shape, dtype=torch.float64, generator=generator)
    marginals /= marginals.flatten(1).sum(1)[:, None, None, None]
    moments = grid_moments(marginals, VOLUME)
    points = VOLUME.voxel_centers() - VOLUME.center
    for joint in range(3):
        cov = torch.cov(points.T, correction=0, aweights=marginals[joint].flatten())
        torch.testing.assert_close(moments.cov[joint], cov + 75 * torch.eye(3, dtype=torch.float64))
        mean = (points * marginals[joint].flatten()[:, None]).sum(0) + VOLUME.center
        torch.testing.assert_close(moments.mean[joint], mean, rtol=0, atol=1e-9)


def test_a_marginal_in_one_voxel_is_known_to_that_voxel():
    marginals = torch.zeros(1, *VOLUME.shape)
    marginals[0, 3, 0, 2] = 1
    moments = grid_moments(marginals, VOLUME)
    x, y, z = VOLUME.axes()
    torch.testing.assert_close(moments.mean[0], torch.stack((x[3], y[0], z[2])))
    torch.testing.assert_close(moments.cov[0], 30.0**2 / 12 * torch.eye(3, dtype=torch.float64))


def test_an_impossible_marginal_is_the_whole_volume():
    moments = grid_moments(torch.zeros(1, *VOLUME.shape), VOLUME)
    torch.testing.assert_close(moments.mean[0], VOLUME.center)
    sides = 30.0 * torch.tensor(VOLUME.shape, dtype=torch.float64)
    torch.testing.assert_close(moments.cov[0], torch.diag(sides**2 / 12))


def test_wrong_posteriors_are_refused():
    good = {
        "mean": torch.zeros(2, 3),
        "cov": torch.zeros(2, 3, 3),
        "supported": torch.ones(2, dtype=torch.bool),
        "log_evidence": 0.0,
        "volume": VOLUME,
    }
    JointPosterior(**good)
    with pytest.raises(ShapeError, match=r"cov: expected shape \(J 3 3\) with J=2"):
        JointPosterior(**{**good, "cov": torch.zeros(3, 3, 3)})
    with pytest.raises(ShapeError, match=r"mean: expected finite numbers, got 6 of 6"):
        JointPosterior(**{**good, "mean": torch.full((2, 3), torch.nan)})


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
