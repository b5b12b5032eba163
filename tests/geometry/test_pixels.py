"""Half pixels: every map between pictures of different sizes, on input that is not square."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates
from torch.testing import assert_close

from poseharvest.errors import ShapeError
from poseharvest.geometry.crop import Crop, crop_around, extract, rescale_pixels, sample_bilinear

BLOB_XY = (171.3, 118.6)


def _blob(height: int, width: int, center: tuple[float, float], sigma: float) -> np.ndarray:
    """A white spot on black, (height, width, 3) uint8."""
    y, x = np.mgrid[:height, :width]
    value = np.exp(-((x - center[0]) ** 2 + (y - center[1]) ** 2) / (2 * sigma**2))
    return np.repeat((255 * value).round().astype(np.uint8)[..., None], 3, -1)


def _centroid(image: np.ndarray) -> torch.Tensor:
    weight = image[..., 0].astype(float)
    y, x = np.mgrid[: weight.shape[0], : weight.shape[1]]
    return torch.tensor([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


@settings(deadline=None)
@given(
    sizes=st.tuples(*[st.integers(1, 2000)] * 4), point=st.tuples(st.floats(-50, 3000), st.floats(-50, 3000))
)  # fmt: skip
def test_rescaling_there_and_back(sizes, point):
    small, large = sizes[:2], sizes[2:]
    start = torch.tensor(point, dtype=torch.float64)
    assert_close(rescale_pixels(rescale_pixels(start, small, large), large, small), start, atol=1e-8, rtol=1e-9)


def test_rescaling_keeps_the_picture_s_corners_and_middle():
    corners = torch.tensor([[-0.5, -0.5], [639.5, 359.5], [319.5, 179.5]], dtype=torch.float64)
    expected = torch.tensor([[-0.5, -0.5], [127.5, 35.5], [63.5, 17.5]], dtype=torch.float64)
    assert_close(rescale_pixels(corners, (360, 640), (36, 128)), expected)


def test_rescaling_agrees_with_opencv_s_resize():
    image = _blob(240, 330, BLOB_XY, 9)
    small = cv2.resize(image, (110, 120), interpolation=cv2.INTER_AREA)
    expected = rescale_pixels(torch.tensor(BLOB_XY), (240, 330), (120, 110))
    assert_close(_centroid(small), expected, atol=0.02, rtol=0, check_dtype=False)


def test_bilinear_sampling_equals_direct_interpolation(generator):
    maps = torch.rand(2, 3, 7, 11, dtype=torch.float64, generator=generator)
    points = torch.rand(2, 40, 2, dtype=torch.float64, generator=generator) * torch.tensor([15.0, 11.0]) - 2
    sampled = sample_bilinear(maps, points)
    for b in range(2):
        rows_columns = points[b].flip(-1).T.numpy()
        for c in range(3):
            # zeros beyond the border, so that the value fades out over one pixel
            padded = np.pad(maps[b, c].numpy(), 3)
            expected = map_coordinates(padded, rows_columns + 3, order=1)
            assert_close(sampled[b, c], torch.from_numpy(expected), atol=1e-12, rtol=0)


def test_bilinear_sampling_at_pixel_centres_returns_the_pixels(generator):
    maps = torch.rand(1, 2, 5, 9, dtype=torch.float64, generator=generator)
    y, x = torch.meshgrid(torch.arange(5), torch.arange(9), indexing="ij")
    points = torch.stack((x, y), -1).reshape(1, -1, 2).double()
    assert_close(sample_bilinear(maps, points).reshape(1, 2, 5, 9), maps)


@settings(deadline=None)
@given(
    center=st.tuples(st.floats(-100, 900), st.floats(-100, 900)),
    side=st.floats(1, 2000),
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
)
def test_window_and_picture_pixels_convert_both_ways(center, side, size):
    crop = Crop(center, side)
    points = torch.tensor([[0.0, 0.0], [12.5, 340.0], [639.0, 5.0]], dtype=torch.float64)
    assert_close(crop.to_image(crop.to_window(points, size), size), points, atol=1e-6, rtol=1e-9)
    middle = torch.tensor([size[1] / 2 - 0.5, size[0] / 2 - 0.5], dtype=torch.float64)
    assert_close(crop.to_image(middle, size), torch.tensor(center, dtype=torch.float64), atol=1e-6, rtol=0)


def test_a_window_of_the_whole_picture_is_a_rescaling():
    whole = Crop(((400 - 1) / 2, (400 - 1) / 2), 400)
    points = torch.tensor([[3.0, 17.0], [399.5, -0.5]], dtype=torch.float64)
    assert_close(whole.to_window(points, (64, 96)), rescale_pixels(points, (400, 400), (64, 96)))


@pytest.mark.parametrize("side", [60.0, 97.3, 128.0, 151.0, 205.7, 260.0, 401.5])  # 0.9 to 6.3 times the window
@pytest.mark.parametrize("size", [(64, 64), (48, 80)])
def test_a_blob_appears_where_the_window_s_map_says(side, size):
    image = _blob(240, 330, BLOB_XY, side / 18)
    crop = Crop((BLOB_XY[0] + 0.11 * side, BLOB_XY[1] - 0.06 * side), side)
    window = extract(image, crop, size)
    assert window.shape == (*size, 3)
    expected = crop.to_window(torch.tensor(BLOB_XY, dtype=torch.float64), size)
    assert_close(_centroid(window), expected, atol=0.05, rtol=0, check_dtype=False)


@pytest.mark.parametrize("side", [90.0, 300.0])
def test_cutting_a_mirrored_picture_mirrors_the_window(side, generator):
    image = torch.randint(0, 256, (150, 211, 3), dtype=torch.uint8, generator=generator).numpy()
    image = cv2.normalize(cv2.GaussianBlur(image, (0, 0), 6), None, 0, 255, cv2.NORM_MINMAX)
    crop = Crop((90.0, 80.0), side)
    mirrored = Crop((211 - 1 - 90.0, 80.0), side)
    there = extract(np.ascontiguousarray(image[:, ::-1]), mirrored, (64, 64)).astype(int)
    here = extract(image, crop, (64, 64))[:, ::-1].astype(int)
    assert np.abs(there - here)[2:-2, 2:-2].mean() < 1.0


def test_a_large_window_is_averaged_not_decimated():
    stripes = np.zeros((256, 384, 3), np.uint8)
    stripes[:, ::2] = 255  # a plain bilinear shrink by eight would keep all or none of them
    window = extract(stripes, Crop((191.5, 127.5), 240.0), (30, 30))
    assert np.abs(window[2:-2, 2:-2].astype(int) - 128).max() <= 3


@pytest.mark.parametrize("size", [(16, 16), (100, 100)])
def test_nothing_of_the_picture_s_border_is_lost(size):
    white = np.full((131, 203, 3), 255, np.uint8)  # not a multiple of any block
    window = extract(white, Crop((101.0, 65.0), 240.0), size)
    scale = (size[0] / 240.0) * (size[1] / 240.0)
    assert window[..., 0].astype(float).sum() / 255 == pytest.approx(131 * 203 * scale, rel=0.02)


def test_beyond_the_picture_is_black():
    white = np.full((100, 140, 3), 255, np.uint8)
    for crop in (Crop((-500.0, 50.0), 200.0), Crop((70.0, 900.0), 500.0), Crop((-500.0, 50.0), 40.0)):
        assert extract(white, crop, (64, 64)).max() == 0
    window = extract(white, Crop((0.0, 50.0), 64.0), (64, 64))
    assert window[:, :31].max() == 0
    assert window[:, 33:].min() == 255


def test_crop_around_points():
    crop = crop_around(torch.tensor([[10.0, 20.0], [50.0, 120.0]]), scale=1.5)
    assert crop == Crop((30.0, 70.0), 150.0)
    assert crop_around(torch.tensor([[10.0, 20.0]]), scale=1.5, min_side=32).side == 32
    with pytest.raises(ShapeError, match="crop: expected at least one point, got none"):
        crop_around(torch.zeros(0, 2), 1.2)


@pytest.mark.parametrize(
    ("center", "side"), [((0.0, 0.0), 0.0), ((float("nan"), 0.0), 5.0), ((0.0, 0.0), float("inf"))]
)
def test_impossible_crops_are_errors(center, side):
    with pytest.raises(ShapeError, match="crop: expected a finite center and a positive side"):
        Crop(center, side)


@pytest.mark.parametrize("side", [3e3, 1e6, 1e9])
def test_a_window_however_large_takes_no_more_than_the_picture(side: float) -> None:
    """The picture shrinks to a spot in the middle, and what is around it is black."""
    picture = np.full((90, 160, 3), 200, np.uint8)
    window = extract(picture, Crop((79.5, 44.5), side), (32, 48))
    assert window.shape == (32, 48, 3)
    assert int((window > 0).any(-1).sum()) <= 16
