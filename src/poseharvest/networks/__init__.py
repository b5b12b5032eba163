"""The networks themselves, as PyTorch modules: tensors in, tensors out.

It never reads a file and has no options of the command line: detectors load and run the networks. Start with
`hourglass`, the paper's.
"""

from __future__ import annotations

from poseharvest.networks.efficientpose import EfficientPose
from poseharvest.networks.hourglass import StackedHourglass
from poseharvest.networks.regressor import PoseRegressor

__all__ = ["EfficientPose", "PoseRegressor", "StackedHourglass"]
