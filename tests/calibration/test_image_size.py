"""Footage of another size than its calibration: an error with advice, or a fit with the options of the user."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from poseharvest.calibration.image_size import check_image_size, fit_camera
from poseharvest.errors import CalibrationError
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.refit import QUARTER_TURNS, scaled_size, turned_size

EYE = torch.eye(3, dtype=torch.float64)
FACTORS = (0.25, 1 / 3, 0.5, 2 / 3, 0.75, 1.5, 2.0, 3.0)


def make_camera(size=(720, 1280), **changes) -> Camera:
    height, width = size
    matrix = torch.tensor([[900, 0, (width - 1) / 2], [0, 900, (height - 1) / 2], [0, 0, 1]], dtype=torch.float64)
    parts = {"name": "a", "image_size": size, "px_from_cam": matrix, "rotation": EYE, "translation": EYE[2] * 3000}
    return Camera(**(parts | changes))


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((360, 640), r"got 640 x 360: if the footage was resized or binned, --scale 0.5 fits \(scale = 0.5"),
        ((540, 960), "--scale 0.75 fits"),
        ((240, 426), "--scale 0.3333 fits"),
        ((1280, 720), r"got 720 x 1280: is the footage turned by 90 degrees\? --rotate 90 fits .* --rotate 270 if"),
        ((640, 360), r"--rotate 90 --scale 0.5 fits .* \(rotate = 90 and scale = 0.5, "),
        ((720, 1294), "got 1294 x 720: no turn and no scale fits: the footage was cropped"),
        ((712, 1280), "got 1280 x 712: no turn and no scale fits"),
        ((720, 960), "got 960 x 720: no turn and no scale fits"),
    ],
)
def test_the_error_names_what_fits(size, message):
    with pytest.raises(
        CalibrationError, match=rf'camera "a": expected footage of the calibrated 1280 x 720 .*{message}'
    ):
        check_image_size(make_camera(), size)
    with pytest.raises(CalibrationError, match=message):
        fit_camera(make_camera(), size)


def test_a_size_that_is_stated_height_first_is_told_from_turned_footage():
    swapped = replace(make_camera(), image_size=(1280, 720))
    with pytest.raises(CalibrationError, match=r"width and height swapped .* the middle of a picture of 1280 x 720"):
        fit_camera(swapped, (720, 1280))


@settings(deadline=None)
@given(
    st.tuples(st.integers(200, 2200), st.integers(200, 4000)),
    st.sampled_from(QUARTER_TURNS),
    st.sampled_from(FACTORS),
)
def test_footage_turned_and_resized_fits_as_said(size, degrees, factor):
    footage = turned_size(scaled_size(size, factor), degrees)
    fitted = fit_camera(make_camera(size), footage, rotate=degrees, scale=factor)
    assert fitted.camera.image_size == footage
    middle = torch.tensor([[0.0, 0.0, 3000.0]], dtype=torch.float64)
    height, width = footage
    assert_close(
        fitted.camera.at(0).project(middle).pixels[0],
        torch.tensor([(width - 1) / 2, (height - 1) / 2], dtype=torch.float64),
        atol=0.51,
        rtol=0,
    )


def test_padding_lies_at_the_border_before_the_turn():
    camera = make_camera((1920, 1088))
    point = torch.tensor([[200.0, -300.0, 500.0]], dtype=torch.float64)
    x, y = camera.project(point).pixels[0].tolist()
    fitted = fit_camera(camera, (1080, 1920), rotate=270)
    assert [finding.severity for finding in fitted.findings] == ["warning"]
    assert_close(fitted.camera.at(0).project(point).pixels[0], torch.tensor([y, 1080 - 1 - x], dtype=torch.float64))


def test_a_turn_that_the_file_states_is_carried_out_where_only_it_fits():
    camera = make_camera(viewing_turn=90)
    as_filmed, turned = fit_camera(camera, (720, 1280)), fit_camera(camera, (1280, 720))
    assert (as_filmed.findings, as_filmed.camera.viewing_turn) == ((), 90)
    assert "turned by 90 degrees clockwise, as the calibration file states" in turned.findings[0].message
    assert (turned.findings[0].severity, turned.camera.viewing_turn) == ("note", 0)
    x, y = camera.project(EYE[:1] * 400).pixels[0].tolist()
    assert_close(turned.camera.project(EYE[:1] * 400).pixels[0], torch.tensor([719 - y, x], dtype=torch.float64))


def test_where_the_size_does_not_tell_it_is_asked():
    for camera, size in (
        (make_camera(viewing_turn=180), (720, 1280)),
        (make_camera((700, 700), viewing_turn=90), (700, 700)),
    ):
        fitted = fit_camera(camera, size)
        assert f"--rotate {camera.viewing_turn}" in fitted.findings[0].message
        assert fit_camera(camera, size, rotate=camera.viewing_turn).findings == ()


def test_what_was_said_is_in_the_error():
    with pytest.raises(
        CalibrationError, match=r"calibrated 1280 x 720 .*, turned and scaled to 360 x 640, got 1280 x 720"
    ):
        fit_camera(make_camera(), (720, 1280), rotate=90, scale=0.5)


def test_every_fraction_is_found():
    for factor in FACTORS:
        size = scaled_size((1080, 1920), factor)
        with pytest.raises(CalibrationError, match=rf"--scale {factor:.4g} fits"):
            fit_camera(make_camera((1080, 1920)), size)
        assert np.isclose(float(f"{factor:.4g}"), factor, atol=1e-4)
        fit_camera(make_camera((1080, 1920)), size, scale=float(f"{factor:.4g}"))
