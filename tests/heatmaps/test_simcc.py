import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.errors import ShapeError
from poseharvest.heatmaps.maps import map_peaks
from poseharvest.heatmaps.simcc import simcc_heatmaps

HEIGHT, WIDTH = 48, 64


def log_bells(x, y, ratio, sigma, beta):
    """Network values whose softmax is a Gaussian about input pixel (x, y), and whose maximum is 1."""
    return tuple(
        (1 - 0.5 * ((torch.arange(n * ratio, dtype=torch.float64) / ratio - c) / sigma) ** 2 / beta).view(1, 1, -1)
        for n, c in ((WIDTH, x), (HEIGHT, y))
    )


@settings(max_examples=40, deadline=None)
@given(x=st.floats(12, 51), y=st.floats(12, 35), ratio=st.sampled_from([1, 2, 3]))
def test_peaks_lie_at_the_input_pixel_that_the_bins_mean(x, y, ratio):
    maps = simcc_heatmaps(*log_bells(x, y, ratio, 4.0, 10.0), split_ratio=ratio, stride=4)
    assert maps.shape == (1, 1, HEIGHT // 4, WIDTH // 4)
    peak = map_peaks(maps).pixels[0, 0]
    expected = (torch.tensor([x, y], dtype=torch.float64) + 0.5) / 4 - 0.5
    assert (peak - expected).abs().max() < 0.02


@settings(max_examples=40, deadline=None)
@given(x=st.floats(16, 47), ratio=st.sampled_from([1, 2]), stride=st.sampled_from([2, 4, 8]))
def test_pooling_keeps_the_centre_of_mass(x, ratio, stride):
    maps = simcc_heatmaps(*log_bells(x, 24.0, ratio, 2.5, 10.0), split_ratio=ratio, stride=stride)
    along_x = maps[0, 0].sum(0)
    center = (along_x * torch.arange(len(along_x))).sum() / along_x.sum()
    assert float((center + 0.5) * stride - 0.5) == pytest.approx(x, abs=0.02)


def test_the_height_is_the_confidence():
    x, y = log_bells(30.0, 20.0, 2, 4.0, 10.0)
    sure = simcc_heatmaps(x, y, split_ratio=2, stride=4)
    unsure = simcc_heatmaps(x - 0.7, y - 0.5, split_ratio=2, stride=4)
    assert float(sure.max()) == pytest.approx(1.0, abs=1e-3)
    assert float(unsure.max()) == pytest.approx(0.4, abs=1e-3)


def test_values_may_be_probabilities_already():
    x, y = (torch.softmax(10 * v, -1) for v in log_bells(30.0, 20.0, 2, 4.0, 10.0))
    maps = simcc_heatmaps(x, y, split_ratio=2, stride=4, softmax_beta=0)
    same = simcc_heatmaps(*log_bells(30.0, 20.0, 2, 4.0, 10.0), split_ratio=2, stride=4)
    assert torch.allclose(maps / maps.max(), same / same.max(), atol=1e-9)


def test_bins_that_do_not_fill_pixels_are_refused():
    with pytest.raises(ShapeError, match=r"whole heatmap pixels of 4 x 2 bins, got 30"):
        simcc_heatmaps(torch.zeros(1, 1, 30), torch.zeros(1, 1, 32), split_ratio=2, stride=4)
