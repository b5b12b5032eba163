from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.errors import ShapeError
from study.blobs import measure_blobs


def gaussian(size: tuple[int, int], center: tuple[float, float], sigma: float) -> torch.Tensor:
    """(H, W) of height 1 at x, y."""
    rows, columns = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in size), indexing="ij")
    return torch.exp(-((columns - center[0]) ** 2 + (rows - center[1]) ** 2) / (2 * sigma**2))


@given(
    sigma=st.floats(1.0, 2.0),
    height=st.floats(0.01, 3.0),
    x=st.integers(12, 50),
    y=st.integers(12, 30),
)
def test_a_gaussian_s_height_and_width(sigma, height, x, y):
    found = measure_blobs(height * gaussian((44, 64), (x, y), sigma)[None, None])
    assert float(found.height) == pytest.approx(height)
    # Of a Gaussian cut off at a tenth, by integration: u = r^2 / 2 sigma^2 is exponential on 0 to ln 10.
    share = (1 - 0.1 * (1 + np.log(10))) / 0.9
    assert float(found.width_px) == pytest.approx(np.sqrt(share) * sigma, rel=0.08)
    assert float(found.second) < 1e-3


@pytest.mark.parametrize("size", [(32, 32), (48, 64), (64, 40)])
def test_another_blob_counts_if_it_lies_apart(size):
    first = gaussian(size, (10, 11), 1.2)
    near, apart = gaussian(size, (13, 11), 1.2), gaussian(size, (28, 24), 1.2)
    assert float(measure_blobs(torch.maximum(first, 0.6 * apart)[None, None]).second) == pytest.approx(0.6, rel=1e-3)
    assert float(measure_blobs(torch.maximum(first, 0.6 * near)[None, None]).second) < 0.3


def test_every_map_by_itself():
    maps = torch.stack([gaussian((32, 48), (10 + k, 12), 1 + k / 4) for k in range(6)]).reshape(2, 3, 32, 48)
    whole = measure_blobs(maps)
    for v in range(2):
        for j in range(3):
            one = measure_blobs(maps[v : v + 1, j : j + 1])
            for name in ("height", "width_px", "second"):
                assert torch.equal(getattr(whole, name)[v, j], getattr(one, name)[0, 0])


def test_a_map_without_anything_positive_has_no_blob():
    found = measure_blobs(torch.full((1, 1, 32, 40), -0.1))
    assert float(found.height) == pytest.approx(-0.1)
    assert torch.isnan(found.width_px).all()
    assert torch.isnan(found.second).all()


def test_wrong_shapes_are_refused():
    with pytest.raises(ShapeError, match="heatmaps"):
        measure_blobs(torch.zeros(3, 32, 32))
