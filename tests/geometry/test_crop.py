"""Sampling every point from a map of its own, against the batched sampler."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.geometry.crop import BilinearCorners, Crop, bilinear_corners, sample_bilinear, windows_from_images


@given(seed=st.integers(0, 10**6), height=st.integers(1, 7), width=st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_it_is_the_batched_sampler_point_by_point(seed, height, width):
    generator = torch.Generator().manual_seed(seed)
    maps = torch.randn(3, height, width, dtype=torch.float64, generator=generator)
    number = torch.randint(0, 3, (40,), generator=generator)
    size = torch.tensor([width, height], dtype=torch.float64)
    points = torch.rand(40, 2, dtype=torch.float64, generator=generator) * (size + 4) - 2.5
    expected = sample_bilinear(maps.unsqueeze(1), points.expand(3, 40, 2))[number, 0, torch.arange(40)]
    bordered = torch.nn.functional.pad(maps, (1, 1, 1, 1))
    corners = bilinear_corners(points[:, 0], points[:, 1], (height, width))
    rows = BilinearCorners(*(part[:, None] for part in (corners.first, corners.right, corners.below)), corners.width)
    start = number[:, None] * bordered[0].numel()
    values = rows.sample(bordered.flatten(), start, torch.arange(40))
    torch.testing.assert_close(values[:, 0], expected, rtol=0, atol=1e-12)


def test_the_windows_of_many_views_are_to_the_bit_those_of_each(generator):
    crops = [Crop((310.25, 201.5), 733.1), None, Crop((12.0, -40.7), 91.3)]
    pixels = 400 * torch.rand((3, 5, 2), generator=generator, dtype=torch.float64)
    scale, shift = windows_from_images(crops, (48, 64))
    windows = pixels * scale[:, None] + shift[:, None]
    for view in (0, 2):
        assert torch.equal(windows[view], crops[view].to_window(pixels[view], (48, 64)))
