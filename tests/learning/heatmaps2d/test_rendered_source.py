from dataclasses import dataclass

import numpy as np
import torch

from poseharvest.learning.heatmaps2d.rendered_source import RenderedSource
from poseharvest.skeleton.definitions import MPII16


@dataclass
class Picture:
    image: np.ndarray
    joints: torch.Tensor


def draw(number):
    joints = torch.stack((torch.linspace(10.0, 40.0, 16), torch.linspace(5.0, 25.0, 16)), -1)
    joints[3, 0] = -4.0
    return Picture(np.full((30, 50, 3), number, np.uint8), joints)


def test_joints_outside_the_picture_are_ignored_and_the_window_holds_the_others():
    sample = RenderedSource(MPII16, 4, draw, first=100).sample(2)
    assert sample.picture.shape == (3, 30, 50)
    assert int(sample.picture[0, 0, 0]) == 102
    assert sample.weight.tolist() == [float(k != 3) for k in range(16)]
    assert sample.window.center == (25.0, 15.0)
    assert sample.window.side == 39.0


def test_a_picture_is_drawn_once_if_it_is_remembered():
    for remember, expected in ((True, [0, 1]), (False, [0, 1, 0])):
        asked = []
        source = RenderedSource(MPII16, 2, lambda n, to=asked: (to.append(n), draw(n))[1], remember=remember)
        for index in (0, 1, 0):
            source.sample(index)
        assert asked == expected


def test_nobody_in_the_picture_is_no_error():
    nobody = Picture(np.zeros((30, 50, 3), np.uint8), torch.full((16, 2), -9.0))
    sample = RenderedSource(MPII16, 1, lambda _: nobody).sample(0)
    assert float(sample.weight.sum()) == 0
    assert sample.window.side > 0


def test_a_window_of_given_size_lies_in_the_middle():
    window = RenderedSource(MPII16, 4, draw, window_px=20.0).sample(0).window
    assert window.center == (24.5, 14.5)
    assert window.side == 20.0
