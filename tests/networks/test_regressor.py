import pytest
import torch

from poseharvest.errors import ShapeError
from poseharvest.networks.hourglass_shape import HourglassShape
from poseharvest.networks.regressor import PoseRegressor


def test_every_number_is_connected_with_every_pixel_of_the_volume():
    network = PoseRegressor(HourglassShape(stacks=3, features=2, stem=2, depth=2, joints=5), (64, 96)).eval()
    assert network(torch.zeros((2, 3, 64, 96))).shape == (2, 5, 3)
    assert network.regress.weight.shape == (15, 5 * 16 * 24)
    assert len(network.hourglass.hg) == 1


def test_the_published_size_has_three_million_weights_in_the_last_layer():
    network = PoseRegressor(HourglassShape(), (256, 256))
    assert network.regress.weight.numel() == 48 * 16 * 64 * 64


def test_pictures_of_another_size_are_named():
    network = PoseRegressor(HourglassShape(features=2, stem=2, depth=2), (64, 96))
    with pytest.raises(ShapeError, match=r"pictures: expected shape \(B 3 64 96\)"):
        network(torch.zeros((2, 3, 96, 64)))
