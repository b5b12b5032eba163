"""Varying pictures: rotation, scale and mirroring with the joints of both sides swapped (Sec. 4.2, choice D10)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from poseharvest.detectors.network import Preprocessing
from poseharvest.geometry.crop import Crop
from poseharvest.learning.loop.augmentation import Augmentation


@dataclass(frozen=True)
class Variation:
    """How one picture is varied.

    Attributes:
        rotation_rad: turn of the window in the picture, from x towards y.
        scale: of the window's side; above 1 the person looks smaller.
        mirrored: left and right are swapped.
        gains: of red, green and blue.
    """

    rotation_rad: float = 0.0
    scale: float = 1.0
    mirrored: bool = False
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)


def draw_variation(augmentation: Augmentation, *numbers: int) -> Variation:
    """Return the variation that belongs to some numbers (seed, epoch, sample): the same ones give the same variation.

    No generator is carried from picture to picture, so a resumed run and a run in several processes vary every picture
    in the same way.
    """
    rng = np.random.default_rng(numbers)
    turn, zoom, coin, *colours = rng.uniform(-1, 1, 6).tolist()
    red, green, blue = (1 + augmentation.colour * value for value in colours)
    return Variation(
        rotation_rad=math.radians(augmentation.rotation_deg) * turn,
        scale=1 + augmentation.scale * zoom,
        mirrored=augmentation.flip and coin < 0,
        gains=(red, green, blue),
    )


def picture_from_input(window: Crop, preprocessing: Preprocessing, variation: Variation) -> Tensor:
    """Return the (2, 3) float64 map from pixels of the network's input to pixels of the picture.

    Without variation the input is what `detectors.network.network_input` gives.
    """
    height, width = preprocessing.input_size
    step = window.side / min(height, width)
    size = step * variation.scale
    cos, sin = size * math.cos(variation.rotation_rad), size * math.sin(variation.rotation_rad)
    mirror = -1.0 if variation.mirrored else 1.0
    linear = torch.tensor([[mirror * cos, -sin], [mirror * sin, cos]], dtype=torch.float64)
    bias_x, bias_y = preprocessing.bias_px
    middle = torch.tensor(((width - 1) / 2 - bias_x, (height - 1) / 2 - bias_y), dtype=torch.float64)
    offset = torch.tensor(window.center, dtype=torch.float64) - linear @ middle
    return torch.cat((linear, offset.unsqueeze(-1)), -1)


def apply_map(transform: Tensor, points: Tensor) -> Tensor:
    """Return points (..., 2) under a (2, 3) map."""
    return points @ transform[:, :2].T + transform[:, 2]


def inverted(transform: Tensor) -> Tensor:
    """Return the inverse of a (2, 3) map."""
    linear = torch.linalg.inv(transform[:, :2])
    return torch.cat((linear, -(linear @ transform[:, 2:])), -1)
