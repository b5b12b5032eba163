"""Batch norm while fine-tuning."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def set_training_mode(network: nn.Module, *, frozen_norms: bool) -> None:
    """Put a network into training mode, batch norm into evaluation mode if its statistics are to stay.

    Its scale and shift are trained either way. With the statistics of batches of four pictures of one scene,
    fine-tuning diverged in its third epoch.
    """
    network.train()
    if frozen_norms:
        for module in network.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
