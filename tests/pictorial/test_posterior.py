"""Moments of marginals."""

from __future__ import annotations

import pytest
import torch

from poseharvest.errors import ShapeError
from poseharvest.geometry.grid import VoxelVolume
from poseharvest.pictorial.posterior import JointPosterior, grid_moments

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
