"""The stacked hourglass rearranged for inference: the same heatmaps, less work, no training.

Batch norm is folded into a convolution directly before it, and memory is laid out channels last.
benchmarks/detector_speed.py measures the gain in speed.
"""

from __future__ import annotations

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from poseharvest.networks.channels_last import frozen_channels_last
from poseharvest.networks.hourglass import Residual, StackedHourglass


def fuse_hourglass(network: StackedHourglass) -> nn.Module:
    """Return a copy in evaluation mode, rearranged for inference; heatmaps are equal up to rounding errors."""
    fused = copy.deepcopy(network).eval()
    fused.conv1 = fuse_conv_bn_eval(fused.conv1, fused.bn1)
    fused.add_module("bn1", nn.Identity())
    for block in fused.modules():
        if isinstance(block, Residual):
            block.conv1 = fuse_conv_bn_eval(block.conv1, block.bn2)
            block.conv2 = fuse_conv_bn_eval(block.conv2, block.bn3)
            block.add_module("bn2", nn.Identity())
            block.add_module("bn3", nn.Identity())
    for stack in fused.fc:
        _fold_sequence(stack)
    return frozen_channels_last(fused)


def _fold_sequence(sequence: nn.Module) -> None:
    convolution, norm, _ = sequence.children()
    if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
        sequence.add_module("0", fuse_conv_bn_eval(convolution, norm))
        sequence.add_module("1", nn.Identity())
