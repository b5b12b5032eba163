"""The 3D pose ConvNet of Sec. 3.5: one hourglass and a fully connected layer onto 3N numbers."""

from __future__ import annotations

import math
from dataclasses import replace

from torch import Tensor, nn
from torch.nn import functional

from poseharvest.arrays import ImageSize
from poseharvest.checks import check_shape
from poseharvest.networks.hourglass import StackedHourglass
from poseharvest.networks.hourglass_shape import STRIDE, HourglassShape


class PoseRegressor(nn.Module):
    """A network from a picture to three numbers per joint.

    The hourglass ends like the 2D network, with one map per joint. Every number is connected with every pixel of all
    maps. The paper does not give the number of channels of the last volume. With the 256 channels of the hourglass, the
    layer would have 50 million weights for 16 joints; with one map per joint it has 3 million.

    Args:
        shape: sizes of the single hourglass (`stacks` is ignored); `joints` is the number of joints.
        input_size: (height, width) of the pictures.
    """

    def __init__(self, shape: HourglassShape, input_size: ImageSize) -> None:
        super().__init__()
        self.shape, self.input_size = replace(shape, stacks=1), input_size
        self.hourglass = StackedHourglass(self.shape)
        height, width = (length // STRIDE for length in input_size)
        self.regress = nn.Linear(shape.joints * height * width, 3 * shape.joints)
        nn.init.zeros_(self.regress.bias)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return (B, N, 3) numbers, three per joint.

        Args:
            pictures: (B, 3, h, w), normalised.

        Raises:
            ShapeError: the pictures do not have the size `input_size`.
        """
        height, width = self.input_size
        check_shape("pictures", pictures, f"B 3 {height} {width}")
        volume = functional.relu(self.hourglass(pictures)[-1]).flatten(1)
        # A step of RMSprop moves every weight by about the learning rate, at first all in one direction. Dividing by
        # the root of their number keeps the sum of tens of thousands of weights small.
        numbers: Tensor = self.regress(volume / math.sqrt(volume.shape[1]))
        return numbers.view(-1, self.shape.joints, 3)
