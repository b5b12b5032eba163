"""Sums of moments over runs of points, against sums of each run alone."""

from __future__ import annotations

import torch

from poseharvest.pictorial.posterior import cube, moments_of_sums


def test_every_run_gets_its_own_moments(backend, generator):
    counts = torch.tensor([5, 0, 17, 1])
    share, points = torch.rand(23, generator=generator), 1000 * torch.rand(3, 23, generator=generator)
    sums = backend.sum_moments(share, points, counts)
    assert sums.dtype == torch.float64
    second = sums[:, [4, 5, 6, 5, 7, 8, 6, 8, 9]].reshape(-1, 3, 3)
    runs = zip(share.double().split(counts.tolist()), points.double().split(counts.tolist(), 1), strict=True)
    for run, (weights, places) in enumerate(runs):
        torch.testing.assert_close(sums[run, 0], weights.sum())
        torch.testing.assert_close(sums[run, 1:4], places @ weights)
        torch.testing.assert_close(second[run], torch.einsum("n,an,bn->ab", weights, places, places))


def test_sums_give_mean_and_covariance_of_every_joint_in_every_frame(backend, generator):
    """Two joints in three frames, each cube at its own place; a joint without any mass is at its cube's corner."""
    counts = torch.tensor([7, 3, 9, 5, 0, 4])
    share, points = torch.rand(28, generator=generator), 1000 * torch.rand(3, 28, generator=generator)
    volumes = [cube(torch.tensor([100.0 * frame, 0.0, -50.0]), 640.0, 64) for frame in range(3)]
    moments = moments_of_sums(backend.sum_moments(share, points, counts), volumes)
    runs = zip(share.double().split(counts.tolist()), points.double().split(counts.tolist(), 1), strict=True)
    for run, (weights, places) in enumerate(runs):
        joint, frame = divmod(run, 3)
        low = volumes[frame].center.double() - 320
        got = moments[frame]
        assert torch.equal(got.cov[joint], got.cov[joint].T)
        if not len(weights):
            torch.testing.assert_close(got.mean[joint], low)
            continue
        cov = torch.cov(places, aweights=weights, correction=0) + 10**2 / 12 * torch.eye(3).double()
        torch.testing.assert_close(got.mean[joint], low + places @ weights / weights.sum())
        torch.testing.assert_close(got.cov[joint], cov, rtol=1e-6, atol=1e-3)
