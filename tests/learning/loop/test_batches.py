import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.detectors.hourglass import HOURGLASS
from poseharvest.detectors.network import Preprocessing, network_input
from poseharvest.detectors.protocol import CroppedView
from poseharvest.errors import ConfigError, ShapeError
from poseharvest.geometry.crop import Crop
from poseharvest.heatmaps.encode import target_heatmaps
from poseharvest.learning.loop.augment import Variation, draw_variation, picture_from_input
from poseharvest.learning.loop.augmentation import Augmentation
from poseharvest.learning.loop.batches import heatmap_points, make_batch, network_picture, picture_points
from poseharvest.learning.loop.samples import TrainingSample

NOTHING = Variation()
variations = st.builds(
    Variation,
    rotation_rad=st.floats(-0.5, 0.5),
    scale=st.floats(0.75, 1.25),
    mirrored=st.booleans(),
)


def with_input(family, size, bias_px=(0.0, 0.0)):
    preprocessing = Preprocessing(input_size=size, mean=(0.0, 0.1, 0.2), std=(1.0, 0.5, 2.0), bias_px=bias_px)
    return replace(family, preprocessing=preprocessing)


def smooth_picture(height=90, width=120):
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(columns / 9.0 + k) * np.cos(rows / (7.0 + k)) for k in range(3)]
    return ((np.stack(waves, -1) + 1) * 127).astype(np.uint8)


@pytest.mark.parametrize("size", [(64, 64), (64, 48), (32, 48)])
@pytest.mark.parametrize("bias_px", [(0.0, 0.0), (1.5, -0.5)])
def test_without_variation_the_network_sees_what_the_detector_shows_it(small_family, size, bias_px):
    family = with_input(small_family, size, bias_px)
    image, window = smooth_picture(), Crop((58.3, 44.1), 70.0)
    expected = network_input([CroppedView("a", 0, window, image)], family.preprocessing)[0]
    sample = TrainingSample(torch.from_numpy(image).permute(2, 0, 1), torch.zeros(16, 2), torch.zeros(16), window)
    found = network_picture(sample, NOTHING, family.preprocessing)
    assert (found - expected).abs().max() < 0.03  # the detector's pictures are rounded to whole numbers of 255


def test_without_variation_the_target_is_that_of_the_window(small_family, drawn):
    sample = drawn(1).sample(0)
    batch = make_batch([sample], [NOTHING], small_family, sigma_px=1.0)
    expected = target_heatmaps(sample.joints, sample.window, (16, 16))
    assert torch.allclose(batch.targets[0], expected.values)
    assert torch.equal(batch.known[0], expected.known)


@given(variation=variations)
@settings(max_examples=25, deadline=None)
def test_the_target_moves_with_the_picture(variation):
    """A bright dot on a joint comes out where the target's peak is, whatever the variation, sides swapped."""
    family = with_input(HOURGLASS, (64, 48))
    rows, columns = np.mgrid[:90, :120]
    x, y = 61.0, 40.0
    dot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18.0).astype(np.float32)
    joint = family.skeleton.index("left_wrist")
    weight = torch.zeros(16)
    weight[joint] = 1
    sample = TrainingSample(
        torch.from_numpy(dot).expand(3, -1, -1), torch.tensor([[x, y]]).expand(16, 2), weight, Crop((58.0, 44.0), 60.0)
    )
    seen = network_picture(sample, variation, replace(family.preprocessing, mean=(0.0,) * 3, std=(1.0,) * 3))
    points = heatmap_points(sample, variation, family)
    swapped = family.skeleton.index("right_wrist") if variation.mirrored else joint
    assert torch.isfinite(points).all(-1).nonzero().flatten().tolist() == [swapped]
    brightness = seen[0].double()
    grid = torch.meshgrid(torch.arange(64.0), torch.arange(48.0), indexing="ij")
    middle = torch.stack([(brightness * axis).sum() for axis in reversed(grid)]) / brightness.sum()
    assert torch.allclose((middle + 0.5) / 4 - 0.5, points[swapped], atol=0.005)


@given(variation=variations)
@settings(max_examples=20, deadline=None)
def test_the_scale_is_that_of_the_window(variation):
    preprocessing = Preprocessing((64, 48), (0.0,) * 3, (1.0,) * 3)
    transform = picture_from_input(Crop((3.0, 4.0), 96.0), preprocessing, variation)
    assert math.isclose(abs(float(torch.linalg.det(transform[:, :2]))), (2 * variation.scale) ** 2, rel_tol=1e-9)
    middle = torch.tensor([23.5, 31.5], dtype=torch.float64)
    assert torch.allclose(transform[:, :2] @ middle + transform[:, 2], torch.tensor([3.0, 4.0], dtype=torch.float64))


@pytest.mark.parametrize("bias_px", [(0.0, 0.0), (1.5, -0.5)])
def test_points_go_to_the_heatmap_and_back(small_family, drawn, bias_px):
    family = with_input(small_family, (64, 48), bias_px)
    sample = drawn(1).sample(0)
    assert torch.allclose(picture_points(heatmap_points(sample, NOTHING, family), sample, family), sample.joints)


def test_a_large_picture_does_not_alias(small_family):
    stripes = torch.zeros(3, 400, 600)
    stripes[:, :, ::2] = 1
    sample = TrainingSample(stripes, torch.zeros(16, 2), torch.zeros(16), Crop((300.0, 200.0), 300.0))
    seen = network_picture(sample, NOTHING, with_input(small_family, (64, 64)).preprocessing)
    assert (seen[0] - 0.5).abs().max() < 0.2


def test_variations_stay_within_their_limits_and_belong_to_their_numbers():
    augmentation = Augmentation(rotation_deg=30, scale=0.25, colour=0.2)
    drawn = [draw_variation(augmentation, 1, 2, index) for index in range(400)]
    turns = np.rad2deg([v.rotation_rad for v in drawn])
    scales = np.array([v.scale for v in drawn])
    assert -30 <= turns.min() < -25
    assert 25 < turns.max() <= 30
    assert 0.75 <= scales.min() < 0.8
    assert 1.2 < scales.max() <= 1.25
    assert 150 < sum(v.mirrored for v in drawn) < 250
    assert draw_variation(augmentation, 1, 2, 7) == drawn[7] != draw_variation(augmentation, 1, 3, 7)
    assert not any(draw_variation(replace(augmentation, flip=False), 0, 0, i).mirrored for i in range(50))


def test_wrong_values_are_named():
    with pytest.raises(ConfigError, match=r"augmentation: expected .* got 30.0, 1.5, 0.0"):
        Augmentation(scale=1.5)
    with pytest.raises(ShapeError, match="expected finite pixels where the weight is not 0"):
        TrainingSample(torch.zeros(3, 4, 5), torch.full((2, 2), torch.nan), torch.ones(2), Crop((1.0, 1.0), 3.0))
    with pytest.raises(ShapeError, match=r"expected a picture of uint8 or float32, got torch\.float64"):
        TrainingSample(torch.zeros(3, 4, 5).double(), torch.zeros(2, 2), torch.ones(2), Crop((1.0, 1.0), 3.0))
