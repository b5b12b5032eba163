"""Pictures that are drawn from a number alone, in a module that other processes find too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from poseharvest.arrays import Image

SIZE = (30, 50)


@dataclass
class Picture:
    """A picture with its joints."""

    image: Image
    joints: Tensor


def draw(number: int) -> Picture:
    """Return noise with sixteen joints in it; the same number gives the same."""
    rng = np.random.default_rng(number)
    image = rng.integers(0, 255, (*SIZE, 3), dtype=np.uint8)
    return Picture(image, torch.from_numpy(rng.uniform(-10, 50, (16, 2))))
