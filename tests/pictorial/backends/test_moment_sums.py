"""Sums of moments over runs of points, against sums of each run alone."""

from __future__ import annotations

import torch

from poseharvest.pictorial.posterior import Masses


def test_every_run_gets_its_own_moments(backend, generator):
    counts = torch.tensor([5, 0, 17, 1])
    share, points = torch.rand(23, generator=generator), 1000 * torch.rand(3, 23, generator=generator)
    sums = backend.sum_moments(share, points, counts)
    assert sums.dtype == torch.float64
    masses = Masses.of(sums)
    torch.testing.assert_close(masses.second[:, [0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2]], sums[:, 4:], rtol=0, atol=0)
    torch.testing.assert_close(masses.second, masses.second.mT, rtol=0, atol=0)
    runs = zip(share.double().split(counts.tolist()), points.double().split(counts.tolist(), 1), strict=True)
    for run, (weights, places) in enumerate(runs):
        torch.testing.assert_close(masses.mass[run], weights.sum())
        torch.testing.assert_close(masses.first[run], places @ weights)
        torch.testing.assert_close(masses.second[run], torch.einsum("n,an,bn->ab", weights, places, places))
