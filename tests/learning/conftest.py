"""A tiny drawn data set, and a network that is small enough to be trained on it within a test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from poseharvest.detectors.hourglass import HOURGLASS
from poseharvest.detectors.network import Family, NetworkDetector, RunOptions
from poseharvest.geometry.crop import Crop
from poseharvest.learning.loop.samples import TrainingSample
from poseharvest.networks.hourglass import StackedHourglass
from poseharvest.networks.hourglass_shape import HourglassShape
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.skeleton import Skeleton

SIZE = (72, 96)


@dataclass(frozen=True)
class Drawn:
    """Pictures with a coloured disc at every joint; number i is always the same picture."""

    count: int
    skeleton: Skeleton = MPII16

    def __len__(self) -> int:
        return self.count

    def sample(self, index: int) -> TrainingSample:
        rng = np.random.default_rng((5, index))
        height, width = SIZE
        joints = rng.uniform((20, 10), (width - 20, height - 10), (len(self.skeleton), 2))
        rows, columns = np.mgrid[:height, :width]
        picture = np.full((3, height, width), 0.2, np.float32)
        for number, (x, y) in enumerate(joints):
            bump = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8.0)
            colour = np.random.default_rng(number).uniform(-1, 1, 3)
            picture += colour[:, None, None] * bump
        return TrainingSample(
            picture=torch.from_numpy(picture.clip(0, 1).astype(np.float32)),
            joints=torch.from_numpy(joints),
            weight=torch.ones(len(self.skeleton)),
            window=Crop((width / 2, height / 2), 64.0),
            head_px=10.0,
        )


@pytest.fixture
def drawn() -> type[Drawn]:
    """The drawn data set, by number of pictures."""
    return Drawn


def make_family() -> Family:
    """Hourglasses that take 64 x 64 pictures."""
    return replace(HOURGLASS, preprocessing=replace(HOURGLASS.preprocessing, input_size=(64, 64)))


def make_hourglass(seed: int = 0, **sizes: int) -> StackedHourglass:
    """A small hourglass with the weights of a seed."""
    torch.manual_seed(seed)
    return StackedHourglass(HourglassShape(**{"stacks": 1, "features": 16, "stem": 8, "depth": 2, **sizes}))


def small_detector() -> NetworkDetector:
    """A small hourglass as a detector."""
    return NetworkDetector(make_hourglass(), make_family(), RunOptions())


@pytest.fixture
def small_family() -> Family:
    """Hourglasses that take 64 x 64 pictures."""
    return make_family()


@pytest.fixture
def small_hourglass() -> Callable[..., StackedHourglass]:
    """Make a small hourglass with the weights of a seed."""
    return make_hourglass
