"""Cameras of pictures that were turned or resized."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from poseharvest.errors import CalibrationError
from poseharvest.geometry.camera import Camera, MovingCamera
from poseharvest.geometry.distortion import Distortion
from poseharvest.geometry.refit import QUARTER_TURNS, scaled_camera, turned_camera

SIZE = (72, 128)


def turned_pixels(pixels, size, degrees):
    """Return the pixel centres after a turn by `np.rot90`, from a picture of pixel numbers."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    turned = np.rot90(np.stack((columns, rows), -1), -degrees // 90)
    positions = [np.argwhere((turned == pixel).all(-1))[0][::-1] for pixel in pixels]
    return torch.tensor(np.array(positions), dtype=torch.float64)


@pytest.mark.parametrize("degrees", QUARTER_TURNS)
def test_a_turned_camera_shows_points_where_the_turned_picture_does(make_camera, lens, degrees):
    camera = make_camera("a", (3000.0, -1500.0, 1300.0), (0.0, 0.0, 900.0), lens)
    pixels = torch.tensor([[0, 0], [1279, 0], [400, 620], [650, 340], [900, 111]], dtype=torch.float64)
    points = camera.pixel_rays(pixels)
    world = points.origin + 2500 * points.direction
    turned = turned_camera(camera, degrees)
    assert_close(turned.project(world).pixels, turned_pixels(pixels.numpy(), camera.image_size, degrees))
    assert turned.image_size == np.rot90(np.empty(camera.image_size), -degrees // 90).shape
    assert_close(turned.center, camera.center)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(QUARTER_TURNS), max_size=4),
    st.floats(0.1, 4),
    st.tuples(st.floats(-0.2, 0.2), st.floats(-0.1, 0.1), st.floats(-0.01, 0.01), st.floats(-0.01, 0.01)),
)
def test_turns_add_up_and_commute_with_scale(turns, factor, coefficients):
    matrix = torch.tensor([[110.0, 0.7, 66.0], [0.0, 112.0, 33.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    at = torch.tensor([10.0, -20.0, 300.0], dtype=torch.float64)
    lens = Distortion("brown_conrady", coefficients)
    camera = Camera("a", SIZE, matrix, torch.eye(3, dtype=torch.float64), at, lens)
    points = torch.tensor([[30.0, 50.0, 40.0], [-60.0, 10.0, 200.0]], dtype=torch.float64)
    step_by_step = camera
    for degrees in turns:
        step_by_step = turned_camera(step_by_step, degrees)
    at_once = turned_camera(camera, sum(turns) % 360)
    assert_close(step_by_step.project(points).pixels, at_once.project(points).pixels)
    one, other = scaled_camera(at_once, factor), turned_camera(scaled_camera(camera, factor), sum(turns) % 360)
    assert np.abs(np.subtract(one.image_size, other.image_size)).max() == 0
    # A size that is rounded moves the corner from which a turned picture counts, by less than half a pixel.
    assert float((one.project(points).pixels - other.project(points).pixels).abs().max()) <= 0.5 + 1e-9


@pytest.mark.parametrize("factor", [0.5, 0.25, 2.0])
def test_a_scaled_camera_shows_points_where_the_resized_picture_does(make_camera, lens, factor):
    camera = make_camera("a", (3000.0, -1500.0, 1300.0), (0.0, 0.0, 900.0), lens)
    rows, columns = np.mgrid[: camera.image_size[0], : camera.image_size[1]]
    picture = np.exp(-((columns - 421.5) ** 2 + (rows - 311.3) ** 2) / (2 * 8.0**2))
    resized = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)
    rows, columns = np.mgrid[: resized.shape[0], : resized.shape[1]]
    center = torch.tensor([(columns * resized).sum(), (rows * resized).sum()]) / resized.sum()
    ray = camera.pixel_rays(torch.tensor([[421.5, 311.3]], dtype=torch.float64))
    pixels = scaled_camera(camera, factor).project(ray.origin + 2000 * ray.direction).pixels[0]
    assert_close(pixels, center.double(), atol=1e-3, rtol=0)


def test_every_kind_of_camera(affine_camera, make_camera, person):
    moving = MovingCamera("m", (make_camera("m", (3000.0, 0.0, 900.0), (0.0, 0.0, 900.0), Distortion()),) * 2)
    for camera in (affine_camera, moving):
        height, _ = camera.image_size
        before = camera.at(0).project(person).pixels
        turned = turned_camera(camera, 90).at(0).project(person).pixels
        assert_close(turned, torch.stack((height - 1 - before[:, 1], before[:, 0]), -1))
        assert_close(scaled_camera(camera, 0.5).at(0).project(person).pixels, (before + 0.5) / 2 - 0.5)
        assert scaled_camera(camera, 0.5).image_size == (camera.image_size[0] // 2, camera.image_size[1] // 2)


def test_other_turns_and_scales_are_errors(affine_camera):
    with pytest.raises(CalibrationError, match=r'camera "far": expected a turn of 0, 90, 180 or 270 degrees, got 45'):
        turned_camera(affine_camera, 45)
    with pytest.raises(CalibrationError, match=r'camera "far": expected a positive scale, got -1'):
        scaled_camera(affine_camera, -1)
