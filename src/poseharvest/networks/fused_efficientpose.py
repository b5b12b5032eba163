"""EfficientPose rearranged for inference: the same heatmaps, less work, no training.

Batch norm is folded into the convolution before it, the factor of E-swish into the convolution after it, activations
and gates work in place, and memory is laid out channels last. benchmarks/detector_speed.py measures the gain in speed.
"""

from __future__ import annotations

import copy

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from poseharvest.networks.channels_last import frozen_channels_last
from poseharvest.networks.efficientpose import ConvNorm, EfficientPose, InvertedResidual, SqueezeExcite


class FusedConv(nn.Module):
    """A convolution that holds its batch norm and its padding, and an optional silu."""

    def __init__(self, layer: ConvNorm) -> None:
        super().__init__()
        self.conv = _symmetric(fuse_conv_bn_eval(layer.conv, layer.norm), layer.padding[:2])
        self.activated = layer.gain != 0.0

    def forward(self, features: Tensor) -> Tensor:
        """Return the convolved and activated features (B, C, H, W)."""
        features = self.conv(features)
        return functional.silu(features, inplace=True) if self.activated else features


class FusedGate(nn.Module):
    """A gate per channel that overwrites its input."""

    def __init__(self, gate: SqueezeExcite) -> None:
        super().__init__()
        self.reduce = gate.reduce
        self.expand = gate.expand

    def forward(self, features: Tensor) -> Tensor:
        """Return the gated features (B, C, H, W), in the memory of the input."""
        squeezed = functional.silu(self.reduce(features.mean((2, 3), keepdim=True)), inplace=True)
        return features.mul_(self.expand(squeezed).sigmoid_())


class FusedBlock(nn.Module):
    """An inverted residual block whose convolutions contain the factor of the E-swish before them."""

    def __init__(self, block: InvertedResidual) -> None:
        super().__init__()
        self.residual = block.residual
        self.expand = None if block.expand is None else FusedConv(block.expand)
        self.depthwise = FusedConv(block.depthwise)
        self.gate = FusedGate(block.gate)
        self.project = FusedConv(block.project)
        gain = block.depthwise.gain
        if gain != 1.0:
            for conv in (self.depthwise.conv, self.gate.reduce, self.gate.expand, self.project.conv):
                conv.weight.data *= gain

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, channels_out, H / stride, W / stride)."""
        expanded = features if self.expand is None else self.expand(features)
        projected: Tensor = self.project(self.gate(self.depthwise(expanded)))
        return projected.add_(features) if self.residual else projected


def _symmetric(conv: nn.Conv2d, padding: tuple[int, int]) -> nn.Conv2d:
    """Return a convolution with symmetric padding; zeros in the kernel replace the odd pixel of padding."""
    before, after = padding
    if before == after:
        return conv
    kernel = functional.pad(conv.weight.detach(), (after - before, 0, after - before, 0))
    wider = nn.Conv2d(conv.in_channels, conv.out_channels, kernel.shape[-1], 2, after, groups=conv.groups)
    wider.weight, wider.bias = nn.Parameter(kernel), conv.bias
    return wider


def fuse_efficientpose(network: EfficientPose) -> nn.Module:
    """Return a copy in evaluation mode, rearranged for inference; heatmaps are equal up to rounding errors."""
    fused: nn.Module = copy.deepcopy(network).eval()
    _replace_layers(fused)
    return frozen_channels_last(fused)


def _replace_layers(module: nn.Module) -> None:
    for name, child in list(module.named_children()):
        if isinstance(child, InvertedResidual):
            setattr(module, name, FusedBlock(child))
        elif isinstance(child, ConvNorm):
            setattr(module, name, FusedConv(child))
        else:
            _replace_layers(child)
