"""Half precision is used where it changes nothing, and only there."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from poseharvest.detectors.precision import AGREEMENT, MixedPrecision


class Recorded(nn.Module):
    """A convolution that notes in which precision it ran; `gain` is what its result is multiplied with."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 16, 3, padding=1)
        self.gain = gain
        self.ran: list[torch.dtype] = []

    def forward(self, pictures: Tensor) -> list[Tensor]:
        features = self.conv(pictures)
        self.ran.append(features.dtype)
        return [features, (features * self.gain - features * (self.gain - 1)).sigmoid()]


def test_a_network_that_agrees_runs_in_half_precision_from_its_second_batch_on():
    network, pictures = Recorded(gain=1.0), torch.rand(2, 3, 6, 10)
    mixed = MixedPrecision(network, "cpu", torch.bfloat16)
    first, second = mixed(pictures), mixed(pictures)
    assert network.ran == [torch.float32, torch.bfloat16, torch.bfloat16]
    with torch.inference_mode():
        assert torch.equal(first, network(pictures)[-1])
    assert second.dtype == torch.float32
    assert float((second - first).abs().max()) <= AGREEMENT * float(first.max())


@pytest.mark.parametrize("gain", [3e3, 1e39])
def test_a_network_that_loses_digits_or_overflows_stays_in_full_precision(gain):
    network, pictures = Recorded(gain), torch.rand(2, 3, 6, 10)
    mixed = MixedPrecision(network, "cpu", torch.bfloat16)
    first, second = mixed(pictures), mixed(pictures)
    assert network.ran == [torch.float32, torch.bfloat16, torch.float32]
    assert torch.equal(first.nan_to_num(), second.nan_to_num())
