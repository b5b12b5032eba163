"""Half precision where it does not change what a network sees."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

_logger = logging.getLogger(__name__)

AGREEMENT: Final = 1e-2
"""Largest difference of half-precision heatmaps from the full ones, of their highest value."""


class MixedPrecision:
    """Runs a network in half precision if its heatmaps are then those of full precision.

    The first batch goes through the network both ways and decides. Overflows and values that are no numbers count as
    different.

    Args:
        network: its forward gives one (B, J, h, w) a stack, the best last.
        device_type: of the device that it lies on, "cuda" or "cpu".
        dtype: the half precision.
    """

    def __init__(self, network: nn.Module, device_type: str, dtype: torch.dtype = torch.float16) -> None:
        self._network = network
        self._device_type = device_type
        self._dtype = dtype
        self._agrees: bool | None = None

    @torch.inference_mode()
    def __call__(self, pictures: Tensor) -> Tensor:
        """Return the last stack's heatmaps (B, J, h, w) float32 of pictures (B, 3, H, W)."""
        if self._agrees is None:
            full, half = self._heatmaps(pictures, half=False), self._heatmaps(pictures, half=True)
            difference = float((half - full).abs().max() / full.abs().max())
            self._agrees = difference <= AGREEMENT
            _logger.info(
                "heatmaps in half precision differ by %.4f: %s", difference, "used" if self._agrees else "not used"
            )
            return full
        return self._heatmaps(pictures, half=self._agrees)

    def _heatmaps(self, pictures: Tensor, *, half: bool) -> Tensor:
        with torch.autocast(self._device_type, self._dtype, enabled=half):
            stacks: Sequence[Tensor] = self._network(pictures)
        return stacks[-1].float()
