"""The 3D pose ConvNet of Sec. 3.5: one hourglass and a fully connected layer onto 3N numbers."""

from __future__ import annotations

import math
from dataclasses import replace

from torch import Tensor, nn
from torch.nn import functional

from poseharvest.arrays import ImageSize
from poseharvest.checks import check_shape
from poseharvest.networks.hourglass import STRIDE, HourglassShape, StackedHourglass


class PoseRegressor(nn.Module):
    """Pictures in, three numbers a joint out.

    The hourglass ends as a 2D network does, in one map a joint; every number is connected with every pixel of all
    maps. The paper does not say how thick the last volume is: with the hourglass's own 256 channels the layer would
    have 50 million weights for 16 joints, so it has 3.

    Args:
        shape: sizes of the hourglass, of which there is one; `joints` is the number of joints.
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
        """Return (B, N, 3).

        Args:
            pictures: (B, 3, h, w), normalised.

        Raises:
            ShapeError: they are not of the input's size.
        """
        height, width = self.input_size
        check_shape("pictures", pictures, f"B 3 {height} {width}")
        volume = functional.relu(self.hourglass(pictures)[-1]).flatten(1)
        # Steps of RMSprop move every weight by about the learning rate, all in one direction at first: without the
        # root of their number, tens of thousands of them would throw the sum far off.
        numbers: Tensor = self.regress(volume / math.sqrt(volume.shape[1]))
        return numbers.view(-1, self.shape.joints, 3)
