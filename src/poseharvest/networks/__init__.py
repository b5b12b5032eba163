"""The networks, as PyTorch modules from tensors to tensors.

The package reads no file and has no options of the command line: the detectors load and run the networks. Start with
`hourglass`, the network of the paper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.networks.efficientpose import EfficientPose
    from poseharvest.networks.hourglass import StackedHourglass
    from poseharvest.networks.regressor import PoseRegressor
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["EfficientPose", "PoseRegressor", "StackedHourglass"]
