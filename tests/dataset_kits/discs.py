"""A person drawn as 16 discs of different colours, and a small network that finds colours: it can be trained further.

With it everything runs from pictures on the disk, the search for the person included, and needs no weights.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from poseharvest.arrays import Image
from poseharvest.detectors.network import Family, NetworkDetector, Preprocessing, RunOptions
from poseharvest.geometry.camera import StaticCamera
from poseharvest.skeleton.definitions import MPII16

# The largest channel is 255, so that no mixture with the dark background is another joint's colour.
COLOURS = [colour for colour in product((0, 127, 255), repeat=3) if max(colour) == 255][: len(MPII16)]
_RADIUS_SHARE = 0.028  # of the person's extent
_SHARPNESS = 30.0


def draw_discs(camera: StaticCamera, pose: np.ndarray) -> Image:
    """The joints of a pose (16, 3) of `mpii16` as one camera sees them."""
    height, width = camera.image_size
    image = np.full((height, width, 3), 20, dtype=np.uint8)
    pixels = camera.project(torch.from_numpy(pose)).pixels.numpy()
    radius = _RADIUS_SHARE * float(np.ptp(pixels, axis=0).max())
    for colour, (x, y) in zip(COLOURS, pixels, strict=True):
        cv2.circle(image, (round(x * 16), round(y * 16)), round(radius * 16), colour, -1, cv2.LINE_AA, 4)
    return image


class ColourNetwork(nn.Module):
    """How like a joint's colour the picture is, a quarter as large; less certain where some joints are not there.

    As with networks that saw whole people, a window with half a person gives low peaks: so the search finds all of him.
    """

    def __init__(self) -> None:
        super().__init__()
        self.colours = nn.Parameter(torch.tensor(COLOURS, dtype=torch.float32) / 255)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        square = self.colours.square().sum(1)[None, :, None, None] + pictures.square().sum(1, keepdim=True)
        apart = square - 2 * nn.functional.conv2d(pictures, self.colours[:, :, None, None])
        maps = nn.functional.avg_pool2d(torch.exp(-_SHARPNESS * apart), 4)
        seen = maps.detach().amax((2, 3)).clamp_max(0.4).mean(1) / 0.4
        return [maps * seen[:, None, None, None] ** 3]


DISCS = Family(
    name="discs",
    skeleton=MPII16,
    preprocessing=Preprocessing(input_size=(128, 128), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
    stride=4,
    prepare=lambda network: copy.deepcopy(network).eval(),
)


@dataclass(eq=False)
class DiscDetectors:
    """A `DetectorSource` that counts how often it is asked, and may be forbidden to answer."""

    faded: Sequence[str] = ()
    asked: int = 0

    def load(self, sequence: str) -> NetworkDetector:
        self.asked += 1
        network = ColourNetwork()
        with torch.no_grad():
            for joint in self.faded:
                network.colours[MPII16.index(joint)] *= 0.7
        return NetworkDetector(network, DISCS, RunOptions())

    def as_dict(self) -> dict[str, Any]:
        return {"name": "discs", "faded": list(self.faded)}
