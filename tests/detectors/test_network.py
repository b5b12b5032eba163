"""A network that marks bright spots stands in for one that finds joints: its peaks are known exactly."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.detectors.bias import measure_side_bias
from poseharvest.detectors.network import Preprocessing, RunOptions, WindowDetector, network_input, square_part
from poseharvest.detectors.protocol import CroppedView, details_of
from poseharvest.errors import DetectorError
from poseharvest.geometry.crop import Crop
from poseharvest.heatmaps.maps import heatmap_peaks
from poseharvest.skeleton.skeleton import Skeleton, limbs

SKELETON = Skeleton(
    "three", ("root", "left_tip", "right_tip"), limbs("root-left_tip", "root-right_tip"), (("left_tip", "right_tip"),)
)
PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


def spot_picture(x, y, size=(260, 340)):
    rows, columns = np.mgrid[: size[0], : size[1]]
    bell = 250 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 6.0**2))
    return np.repeat(bell[..., None], 3, 2).round().astype(np.uint8)


def spot_detector(input_size, *, shift=0, options=None, bias_px=(0.0, 0.0)):
    """Every joint is the bright spot, `shift` input pixels to the right of it."""

    def run(pictures):
        moved = torch.roll(pictures[:, :1], shift, -1)
        return square_part(torch.nn.functional.avg_pool2d(moved, 4)).expand(-1, 3, -1, -1)

    side = min(input_size) // 4
    preprocessing = Preprocessing(input_size=input_size, bias_px=bias_px, **PLAIN)
    return WindowDetector(
        run,
        name="spot",
        skeleton=SKELETON,
        heatmap_size=(side, side),
        preprocessing=preprocessing,
        options=options or RunOptions(),
        identity={"spot_sha256": "5e"},
    )


def test_what_it_is_is_said_in_plain_data():
    detector = spot_detector((96, 128), options=RunOptions(flip_test=True), bias_px=(1.5, -2.0))
    details = details_of(detector)
    assert json.loads(json.dumps(details)) == details
    assert details["spot_sha256"] == "5e"
    assert details["flip_test"]
    assert details["preprocessing"]["input_size"] == [96, 128]
    assert details["preprocessing"]["bias_px"] == [1.5, -2.0]


def test_heatmaps_are_handed_over_where_they_are_wanted():
    detector = spot_detector((96, 96), options=RunOptions(heatmap_device="meta"))
    crop = Crop((166.0, 131.0), 150.0)
    assert detector.detect([CroppedView("a", 0, crop, spot_picture(150, 130))]).device.type == "meta"
    assert detector.detect([]).device.type == "meta"
    with pytest.raises(DetectorError, match='device: "moon" cannot be used'):
        RunOptions(heatmap_device="moon")


@settings(max_examples=12, deadline=None)
@given(x=st.floats(130, 200), y=st.floats(100, 160))
@pytest.mark.parametrize("input_size", [(96, 96), (128, 96), (96, 128)])
def test_peaks_lie_on_the_spot_whatever_the_shape_of_the_input(input_size, x, y):
    crop = Crop((166.0, 131.0), 150.0)
    maps = spot_detector(input_size).detect([CroppedView("a", 0, crop, spot_picture(x, y))])
    assert maps.shape == (1, 3, 24, 24)
    peak = heatmap_peaks(maps, [crop]).pixels[0, 0]
    assert (peak - torch.tensor([x, y])).abs().max() < 0.15


@pytest.mark.parametrize("flip_test", [False, True])
def test_a_known_bias_is_taken_back(flip_test):
    view = CroppedView("a", 0, Crop((166.0, 131.0), 150.0), spot_picture(180.3, 120.8))
    options = RunOptions(flip_test=flip_test)
    maps = spot_detector((96, 96), shift=2, options=options, bias_px=(2.0, 0.0)).detect([view])
    peak = heatmap_peaks(maps, [view.crop]).pixels[0, 0]
    assert (peak - torch.tensor([180.3, 120.8])).abs().max() < 0.15


def test_averaging_with_the_mirrored_window_takes_back_an_unknown_bias():
    view = CroppedView("a", 0, Crop((166.0, 131.0), 150.0), spot_picture(180.3, 120.8))
    for flip_test, off_px in ((False, 150 / 96), (True, 0.0)):
        maps = spot_detector((96, 96), shift=1, options=RunOptions(flip_test=flip_test)).detect([view])
        peak = heatmap_peaks(maps, [view.crop]).pixels[0, 0]
        assert float(peak[0]) - 180.3 == pytest.approx(off_px, abs=0.15)


@pytest.mark.parametrize("shift", [-1, 0, 2])
def test_the_side_bias_is_measured_in_pixels_of_the_heatmap(shift):
    views = [
        CroppedView("a", i, Crop((166.0 + 3 * i, 131.0), 140.0 + 7 * i), spot_picture(171.0 + 2.3 * i, 120.8 + i))
        for i in range(4)
    ]
    bias = measure_side_bias(spot_detector((96, 96), shift=shift), views)
    assert bias.mean_px == pytest.approx(shift / 4, abs=0.02)
    assert bias.standard_error_px < 0.02
    assert bias.num_joints == 12


def test_a_bias_needs_views_that_agree():
    dark = CroppedView("a", 0, Crop((166.0, 131.0), 140.0), np.zeros((260, 340, 3), np.uint8))
    with pytest.raises(DetectorError, match="bias: expected two views or more with joints found"):
        measure_side_bias(spot_detector((96, 96)), [dark, dark])


def test_colours_are_normalised_in_the_order_of_the_network():
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[...] = (255, 51, 0)
    view = CroppedView("a", 0, Crop((30.0, 20.0), 16.0), picture)
    rgb = Preprocessing((8, 8), mean=(0.5, 0.1, 0.0), std=(0.5, 0.1, 1.0))
    bgr = Preprocessing((8, 8), mean=(0.0, 0.1, 0.5), std=(1.0, 0.1, 0.5), bgr=True)
    assert torch.allclose(network_input([view], rgb)[0, :, 4, 4], torch.tensor([1.0, 1.0, 0.0]), atol=1e-6)
    assert torch.allclose(network_input([view], bgr)[0, :, 4, 4], torch.tensor([0.0, 1.0, 1.0]), atol=1e-6)


def test_no_views_give_no_heatmaps():
    assert spot_detector((96, 128)).detect([]).shape == (0, 3, 24, 24)


def test_a_view_without_its_picture_is_named():
    view = CroppedView("cam2", 7, Crop((0.0, 0.0), 10.0), None)
    with pytest.raises(DetectorError, match='view "cam2", frame 7: expected a picture, got None'):
        spot_detector((96, 96)).detect([view])


@pytest.mark.parametrize(
    ("options", "message"),
    [({"batch_size": 0}, "batch size of 1 or more, got 0"), ({"device": "abacus"}, 'device: "abacus" cannot be used')],
)
def test_options_that_cannot_work_are_named(options, message):
    with pytest.raises(DetectorError, match=message):
        RunOptions(**options)
