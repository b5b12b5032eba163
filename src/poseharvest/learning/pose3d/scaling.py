"""What the three numbers of a joint mean (Sec. 3.5), stated once.

x, y: offset from the middle of the window, in sides of the window: -0.5 to 0.5 inside it.
z: depth along the camera's axis beyond the root's, in units of 2 m.

A harvest's window is 1.25 times the person's size, about 2 m, so that the same error in mm weighs about the same along
all three axes in Eq. (5). The paper gives pixels and metres and no scaling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from poseharvest.arrays import ImageSize

DEPTH_UNIT_MM: Final = 2000.0


@dataclass(frozen=True, eq=False)
class WindowPose:
    """A pose as one camera sees it.

    Attributes:
        pixels: (..., J, 2) x, y, pixels of the network's input.
        depth_mm: (..., J) beyond the root, mm along the camera's axis.
    """

    pixels: Tensor
    depth_mm: Tensor


def numbers_from_pose(pose: WindowPose, input_size: ImageSize) -> Tensor:
    """Return what the network should give, (..., J, 3); NaN where the pose is."""
    height, width = input_size
    middle = torch.tensor(((width - 1) / 2, (height - 1) / 2)).to(pose.pixels)
    offset = (pose.pixels - middle) / min(input_size)
    return torch.cat((offset, pose.depth_mm.unsqueeze(-1) / DEPTH_UNIT_MM), -1)


def pose_from_numbers(numbers: Tensor, input_size: ImageSize) -> WindowPose:
    """Return the pose that the network's numbers (..., J, 3) mean; undoes `numbers_from_pose`."""
    height, width = input_size
    middle = torch.tensor(((width - 1) / 2, (height - 1) / 2)).to(numbers)
    return WindowPose(numbers[..., :2] * min(input_size) + middle, numbers[..., 2] * DEPTH_UNIT_MM)
