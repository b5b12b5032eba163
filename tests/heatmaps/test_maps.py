import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.errors import ShapeError
from poseharvest.geometry.crop import Crop
from poseharvest.heatmaps.encode import gaussian_maps
from poseharvest.heatmaps.maps import heatmap_peaks, map_peaks, peaks_near, peaks_near_each

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


@pytest.mark.parametrize("shape", [(), (5,), (2, 0, 3)])
def test_peaks_by_loops_are_those_by_tensor_operations(generator, shape):
    """Maps in half precision do not go through the loops; the same values in single precision do."""
    values = torch.randint(-3, 40, (*shape, *SIZE), generator=generator).half() / 16
    slow, fast = map_peaks(values), map_peaks(values.float())
    torch.testing.assert_close(fast.pixels, slow.pixels, rtol=0, atol=1e-12)
    assert torch.equal(fast.score, slow.score)


def test_as_many_crops_as_views_are_needed():
    with pytest.raises(ShapeError, match="expected 2 crops, got 1"):
        heatmap_peaks(torch.zeros(2, 1, *SIZE), (None,))


@settings(max_examples=40, deadline=None)
@given(x=st.floats(4, 27), y=st.floats(4, 19), dx=st.floats(-4, 4), dy=st.floats(-4, 4))
def test_the_peak_near_a_point_is_the_only_peak(x, y, dx, dy):
    point = torch.tensor([x, y], dtype=torch.float64)
    maps = 0.7 * gaussian_maps(point, SIZE, sigma_px=1.2)
    near = peaks_near(maps, point + torch.tensor([dx, dy]), reach=5.0)
    assert (near.pixels - map_peaks(maps).pixels).abs().max() < 1e-9
    assert float(near.score) == pytest.approx(float(maps.max()))


def test_of_two_peaks_the_near_one_counts_even_if_it_is_lower():
    low, high = torch.tensor([[8.2, 9.0], [19.6, 12.0]], dtype=torch.float64)
    maps = torch.maximum(0.4 * gaussian_maps(low, SIZE, sigma_px=1.0), 0.9 * gaussian_maps(high, SIZE, sigma_px=1.0))
    near = peaks_near(maps.expand(2, *SIZE), torch.stack((low + 1, high - 1)), reach=5.0)
    assert (near.pixels - torch.stack((low, high))).abs().max() < 1e-3


@pytest.mark.parametrize("point", [(3.0, 3.0), (28.0, 20.0), (-500.0, 4.0), (float("nan"), 2.0)])
def test_a_slope_or_a_far_peak_is_no_peak_near(point):
    maps = gaussian_maps(torch.tensor([15.0, 11.0], dtype=torch.float64), SIZE, sigma_px=4.0)
    near = peaks_near(maps, torch.tensor(point, dtype=torch.float64), reach=5.0)
    assert near.pixels.isnan().all()
    assert float(near.score) == 0


def climb(values, point, reach):
    """The peak near a point by sums over the whole map: the slow way."""
    y, x = torch.meshgrid(*(torch.arange(size, dtype=torch.float64) for size in values.shape), indexing="ij")
    near = torch.exp(-2 * ((x - point[0]) / reach) ** 2) * torch.exp(-2 * ((y - point[1]) / reach) ** 2)
    is_near = ((x - point[0].round()).abs() <= math.ceil(reach)) & ((y - point[1].round()).abs() <= math.ceil(reach))
    row, column = divmod(int(torch.where(is_near, values * near, -torch.inf).argmax()), values.shape[1])
    for _ in range(3):
        around = [(row + j, column + i) for j in (0, -1, 1) for i in (0, -1, 1)]
        inside = [(j, i) for j, i in around if 0 <= j < values.shape[0] and 0 <= i < values.shape[1]]
        row, column = max(inside, key=lambda place: float(values[place]))
    return row, column


def test_peaks_of_many_frames_are_those_of_each_and_those_of_the_slow_way(generator):
    values = [torch.rand((4, *SIZE), generator=generator) for _ in range(6)]
    points = torch.rand((6, 4, 2), generator=generator, dtype=torch.float64) * torch.tensor([32.0, 24.0])
    together = peaks_near_each(values, points, reach=5.0)
    found = 0
    for frame, maps in enumerate(values):
        alone = peaks_near(maps, points[frame], reach=5.0)
        assert torch.equal(alone.pixels.nan_to_num(-1), together.pixels[frame].nan_to_num(-1))
        assert torch.equal(alone.score, together.score[frame])
        for joint in range(4):
            if alone.score[joint] > 0:
                row, column = climb(maps[joint], points[frame, joint], 5.0)
                assert float(alone.score[joint]) == float(maps[joint, row, column])
                assert (alone.pixels[joint] - torch.tensor([column, row])).abs().max() <= 0.5
                found += 1
    assert found > 12
