"""EfficientPose-I, a small generic 2D pose network for 256 x 256 pictures (Groos, Ramampiaro, Ihlen, 2020, Sec. 3).

Two EfficientNet trunks take the picture at full and at half resolution. Their features, both at 1/8 of the picture, are
concatenated. Three densely connected passes refine them: limb fields, heatmaps, and heatmaps again. The module holds
the published Keras weights. Their conventions differ from PyTorch's in three places: padding "same" puts the odd pixel
of a stride-2 convolution at the bottom right; batch norm has eps 1e-3 and momentum 0.99 (0.01 here); the passes use
E-swish, 1.25 x sigmoid(x), where the trunks use swish.

`fuse_efficientpose` rearranges a trained network for inference: the same heatmaps, less work, no training. Batch norm
is folded into the convolution before it, the factor of E-swish into the convolution after it, activations and gates
work in place, and memory is laid out channels last. benchmarks/detector_speed.py measures the gain in speed.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from poseharvest.errors import ShapeError
from poseharvest.networks.channels_last import frozen_channels_last

NUM_JOINTS = 16
STRIDE = 8
"""Pixels of the picture per pixel of the heatmap."""

_E_SWISH = 1.25
_PASS_CHANNELS = 48
_EXPANDED_IN_PASS = 288


class ConvNorm(nn.Module):
    """Convolution with "same" padding, batch norm and an optional `gain` x silu."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        gain: float = 0.0,
    ) -> None:
        super().__init__()
        self.gain = gain
        # "same" for an even input: kernel - stride pixels in all, the odd one at the bottom right.
        total = kernel - stride
        self.padding = (total // 2, total - total // 2) * 2
        symmetric = self.padding[0] if stride == 1 else 0
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, stride, symmetric, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(channels_out, eps=1e-3, momentum=0.01)

    def forward(self, features: Tensor) -> Tensor:
        """Return the convolved, normalised and activated features (B, C, H, W)."""
        if self.conv.stride[0] > 1:
            features = functional.pad(features, self.padding)
        features = self.norm(self.conv(features))
        if self.gain == 0.0:
            return features
        activated = functional.silu(features)
        return activated if self.gain == 1.0 else self.gain * activated


class SqueezeExcite(nn.Module):
    """A gate per channel, computed from the mean over the map."""

    def __init__(self, channels: int, squeezed: int, *, gain: float) -> None:
        super().__init__()
        self.gain = gain
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return the gated features (B, C, H, W)."""
        squeezed = self.gain * functional.silu(self.reduce(features.mean((2, 3), keepdim=True)))
        return features * torch.sigmoid(self.expand(squeezed))


@dataclass(frozen=True)
class BlockShape:
    """Sizes of an inverted residual block.

    Attributes:
        channels_in: channels of the input.
        expanded: channels of its depthwise convolution; equal to `channels_in` for a block without expansion.
        channels_out: channels of the output.
        squeezed: channels inside the gate (squeeze and excitation).
        kernel: edge of the depthwise kernel, pixels.
        stride: of the depthwise convolution.
        residual: the input is added to the output.
        gain: 1 for swish, 1.25 for E-swish.
    """

    channels_in: int
    expanded: int
    channels_out: int
    squeezed: int
    kernel: int = 3
    stride: int = 1
    residual: bool = False
    gain: float = 1.0


class InvertedResidual(nn.Module):
    """Expand, convolve each channel, gate, project (MBConv of EfficientNet)."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        s = shape
        self.residual = s.residual
        self.expand = ConvNorm(s.channels_in, s.expanded, gain=s.gain) if s.expanded != s.channels_in else None
        self.depthwise = ConvNorm(
            s.expanded, s.expanded, kernel=s.kernel, stride=s.stride, groups=s.expanded, gain=s.gain
        )
        self.gate = SqueezeExcite(s.expanded, s.squeezed, gain=s.gain)
        self.project = ConvNorm(s.expanded, s.channels_out)

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, channels_out, H / stride, W / stride)."""
        expanded = features if self.expand is None else self.expand(features)
        projected: Tensor = self.project(self.gate(self.depthwise(expanded)))
        return features + projected if self.residual else projected


_HIGH_RESOLUTION = {
    "block1a": BlockShape(32, 32, 16, 8),
    "block1b": BlockShape(16, 16, 16, 4, residual=True),
    "block2a": BlockShape(16, 96, 24, 4, stride=2),
    "block2b": BlockShape(24, 144, 24, 6, residual=True),
    "block2c": BlockShape(24, 144, 24, 6, residual=True),
    "block3a": BlockShape(24, 144, 48, 6, kernel=5, stride=2),
    "block3b": BlockShape(48, 288, 48, 12, kernel=5, residual=True),
    "block3c": BlockShape(48, 288, 48, 12, kernel=5, residual=True),
}
_LOW_RESOLUTION = {
    "block1a": BlockShape(32, 32, 16, 8),
    "block2a": BlockShape(16, 96, 24, 4, stride=2),
    # The published network taps this block before its residual sum.
    "block2b": BlockShape(24, 144, 24, 6),
}


class Trunk(nn.Module):
    """The first blocks of an EfficientNet."""

    def __init__(self, blocks: dict[str, BlockShape]) -> None:
        super().__init__()
        self.stem = ConvNorm(3, 32, kernel=3, stride=2, gain=1.0)
        self.blocks = nn.ModuleDict({name: InvertedResidual(shape) for name, shape in blocks.items()})

    def forward(self, images: Tensor) -> Tensor:
        """Return features of pictures (B, 3, H, W)."""
        features: Tensor = self.stem(images)
        for block in self.blocks.values():
            features = block(features)
        return features


class DensePass(nn.Module):
    """Three blocks; their concatenated outputs, the last first, are the features of the pass."""

    def __init__(self, channels_in: int) -> None:
        super().__init__()
        channels = (channels_in, _PASS_CHANNELS, 2 * _PASS_CHANNELS)
        self.blocks = nn.ModuleList(
            InvertedResidual(BlockShape(c, _EXPANDED_IN_PASS, _PASS_CHANNELS, 12, kernel=5, gain=_E_SWISH))
            for c in channels
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, 144, H, W)."""
        dense: Tensor = self.blocks[0](features)
        for block in self.blocks[1:]:
            dense = torch.cat((block(dense), dense), 1)
        return dense


class EfficientPose(nn.Module):
    """EfficientPose-I without the head for limb fields, which this package does not use.

    Attributes:
        high: trunk at full resolution.
        low: trunk at half resolution.
        passes: limb features, first heatmap features, second heatmap features.
        heads: 1 x 1 convolutions that give the heatmaps of the second and of the third pass.
    """

    def __init__(self) -> None:
        super().__init__()
        self.high = Trunk(_HIGH_RESOLUTION)
        self.low = Trunk(_LOW_RESOLUTION)
        shared = _HIGH_RESOLUTION["block3c"].channels_out + _LOW_RESOLUTION["block2b"].channels_out
        dense = 3 * _PASS_CHANNELS
        self.passes = nn.ModuleList(DensePass(c) for c in (shared, dense + shared, dense + shared))
        self.heads = nn.ModuleList(nn.Conv2d(dense, NUM_JOINTS, 1) for _ in range(2))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the heatmaps of both heads, the better one last, each (B, 16, H / 8, W / 8).

        Args:
            images: (B, 3, H, W), normalised; H and W multiples of 16.

        Raises:
            ShapeError: H or W is not a multiple of 16.
        """
        if images.shape[-1] % 16 or images.shape[-2] % 16:
            raise ShapeError(f"EfficientPose: expected (B, 3, H, W) in multiples of 16, got {tuple(images.shape)}")
        shared = torch.cat((self.high(images), self.low(functional.avg_pool2d(images, 2))), 1)
        features: Tensor = self.passes[0](shared)
        heatmaps = []
        for dense_pass, head in zip(self.passes[1:], self.heads, strict=True):
            features = dense_pass(torch.cat((features, shared), 1))
            heatmaps.append(head(features))
        return tuple(heatmaps)


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
