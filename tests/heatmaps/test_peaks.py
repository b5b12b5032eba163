import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.errors import ShapeError
from poseharvest.geometry.crop import Crop
from poseharvest.heatmaps.encode import gaussian_maps
from poseharvest.heatmaps.peaks import heatmap_peaks, map_peaks

SIZE = (24, 32)


@settings(max_examples=40, deadline=None)
@given(x=st.floats(2, 29), y=st.floats(2, 21), sigma=st.floats(0.7, 2.5), height=st.floats(0.05, 0.9))
def test_a_gaussian_is_found_exactly_between_pixels(x, y, sigma, height):
    point = torch.tensor([x, y], dtype=torch.float64)
    peaks = map_peaks(height * gaussian_maps(point, SIZE, sigma_px=sigma))
    assert (peaks.pixels - point).abs().max() < 1e-6
    assert 0 < float(peaks.score) <= height + 1e-12


@settings(max_examples=40, deadline=None)
@given(x=st.floats(100, 500), y=st.floats(150, 450))
def test_peaks_are_pixels_of_the_picture(x, y):
    crop = Crop((320.5, 291.0), 733.0)
    point = torch.tensor([x, y], dtype=torch.float64)
    values = gaussian_maps(crop.to_window(point, SIZE), SIZE, sigma_px=1.0).expand(2, 1, *SIZE)
    peaks = heatmap_peaks(values, (crop, None))
    assert (peaks.pixels[0, 0] - point).abs().max() < 1e-4
    assert peaks.pixels[1].isnan().all()
    assert float(peaks.score[1]) == 0


@pytest.mark.parametrize("where", [(0, 0), (0, 31), (23, 0), (23, 31), (0, 7), (9, 31)])
def test_a_peak_on_the_border_stays_on_its_pixel_along_that_axis(where):
    row, column = where
    values = torch.full(SIZE, -0.01)
    values[row, column] = 0.5
    assert map_peaks(values).pixels.tolist() == [column, row]


def test_flat_and_negative_maps_give_a_pixel_and_their_value():
    peaks = map_peaks(torch.stack((torch.zeros(SIZE), torch.full(SIZE, -0.25))))
    assert torch.isfinite(peaks.pixels).all()
    assert peaks.score.tolist() == [0.0, -0.25]


def test_the_refinement_never_leaves_the_highest_pixel(generator):
    values = torch.randn((40, *SIZE), generator=generator, dtype=torch.float64)
    peaks = map_peaks(values)
    index = values.flatten(-2).argmax(-1)
    pixels = torch.stack((index % SIZE[1], index // SIZE[1]), -1)
    assert (peaks.pixels - pixels).abs().max() <= 0.5


@pytest.mark.parametrize("shape", [(), (40,), (3, 5)])
@pytest.mark.parametrize("levels", [3, 10**6])  # few levels: the maximum is reached at many pixels
def test_the_highest_pixel_is_the_first_one_of_the_largest_value(generator, shape, levels):
    values = torch.randint(-levels, levels, (*shape, *SIZE), generator=generator) / levels
    peaks = map_peaks(values)
    flat = values.double().flatten(-2)
    score = flat.amax(-1)
    first = (flat == score.unsqueeze(-1)).double().argmax(-1)
    pixels = torch.stack((first % SIZE[1], first // SIZE[1]), -1)
    assert torch.equal(peaks.score, score)
    assert (peaks.pixels - pixels).abs().max() <= 0.5


def test_as_many_crops_as_views_are_needed():
    with pytest.raises(ShapeError, match="expected 2 crops, got 1"):
        heatmap_peaks(torch.zeros(2, 1, *SIZE), (None,))
