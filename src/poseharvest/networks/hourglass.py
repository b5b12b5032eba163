"""The stacked hourglass of Newell, Yang and Deng (ECCV 2016), the generic 2D ConvNet of the paper (Sec. 3.1, 4.2).

Module names and shapes are those of the public PyTorch checkpoints (bearpaw/pytorch-pose and
anibali/pytorch-stacked-hourglass), so their state dicts load without conversion. Residual blocks have pre-activation
order, and enlargement uses the nearest neighbour. `hg.S.hg.D.K` are the residuals of stack S at depth D, counted from
the lowest resolution. K is 0 in the skip branch, 1 on the way down, 2 on the way up, and 3 at the bottom.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from poseharvest.errors import ShapeError
from poseharvest.networks.hourglass_shape import HourglassShape


class Residual(nn.Module):
    """A bottleneck in pre-activation order; its output has twice as many channels as its inside."""

    def __init__(self, channels_in: int, features: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels_in)
        self.conv1 = nn.Conv2d(channels_in, features, 1)
        self.bn2 = nn.BatchNorm2d(features)
        self.conv2 = nn.Conv2d(features, features, 3, padding=1)
        self.bn3 = nn.BatchNorm2d(features)
        self.conv3 = nn.Conv2d(features, 2 * features, 1)
        changes = channels_in != 2 * features
        self.downsample = nn.Sequential(nn.Conv2d(channels_in, 2 * features, 1)) if changes else None

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, 2 features, H, W)."""
        inside = self.conv1(functional.relu(self.bn1(features)))
        inside = self.conv2(functional.relu(self.bn2(inside)))
        inside = self.conv3(functional.relu(self.bn3(inside)))
        skipped = features if self.downsample is None else self.downsample(features)
        summed: Tensor = skipped + inside
        return summed


def _residuals(channels_in: int, features: int, count: int) -> nn.Sequential:
    first = Residual(channels_in, features)
    return nn.Sequential(first, *(Residual(2 * features, features) for _ in range(count - 1)))


class Hourglass(nn.Module):
    """Down to 1 / 2^depth of the resolution and up again, with a skip branch at every level."""

    def __init__(self, shape: HourglassShape) -> None:
        super().__init__()
        places = [4, *[3] * (shape.depth - 1)]
        self.hg = nn.ModuleList(
            nn.ModuleList(_residuals(shape.channels, shape.features, shape.blocks) for _ in range(count))
            for count in places
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, channels, H, W), the shape of the input."""
        branches = []
        for level in reversed(list(self.hg)):
            skip, down = level[0], level[1]  # type: ignore[index]
            branches.append(skip(features))
            features = down(functional.max_pool2d(features, 2))
        features = self.hg[0][3](features)  # type: ignore[index]
        for level, branch in zip(self.hg, reversed(branches), strict=True):
            up = level[2]  # type: ignore[index]
            features = branch + functional.interpolate(up(features), scale_factor=2.0, mode="nearest")
        return features


class StackedHourglass(nn.Module):
    """The network: a stem that quarters the resolution, then hourglasses that each refine the result before."""

    def __init__(self, shape: HourglassShape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or HourglassShape()
        channels = shape.channels
        self.conv1 = nn.Conv2d(3, shape.stem, 7, stride=2, padding=3)
        self.bn1 = nn.BatchNorm2d(shape.stem)
        self.layer1 = _residuals(shape.stem, shape.stem, 1)
        self.layer2 = _residuals(2 * shape.stem, 2 * shape.stem, 1)
        self.layer3 = _residuals(4 * shape.stem, shape.features, 1)
        self.hg = nn.ModuleList(Hourglass(shape) for _ in range(shape.stacks))
        self.res = nn.ModuleList(_residuals(channels, shape.features, shape.blocks) for _ in range(shape.stacks))
        self.fc = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, channels, 1), nn.BatchNorm2d(channels), nn.ReLU())
            for _ in range(shape.stacks)
        )
        self.score = nn.ModuleList(nn.Conv2d(channels, shape.joints, 1) for _ in range(shape.stacks))
        self.fc_ = nn.ModuleList(nn.Conv2d(channels, channels, 1) for _ in range(shape.stacks - 1))
        self.score_ = nn.ModuleList(nn.Conv2d(shape.joints, channels, 1) for _ in range(shape.stacks - 1))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the heatmaps of every stack, the best last, each (B, joints, H / 4, W / 4).

        Args:
            images: (B, 3, H, W), normalised; H and W multiples of 4 x 2^depth, 64 for the published networks.

        Raises:
            ShapeError: H or W is not such a multiple.
        """
        multiple = self.shape.multiple
        if images.shape[-1] % multiple or images.shape[-2] % multiple:
            raise ShapeError(f"hourglass: expected (B, 3, H, W) in multiples of {multiple}, got {tuple(images.shape)}")
        features = functional.relu(self.bn1(self.conv1(images)))
        features = functional.max_pool2d(self.layer1(features), 2)
        features = self.layer3(self.layer2(features))
        heatmaps: list[Tensor] = []
        for stack in range(self.shape.stacks):
            refined = self.fc[stack](self.res[stack](self.hg[stack](features)))
            heatmaps.append(self.score[stack](refined))
            if stack < self.shape.stacks - 1:
                features = features + self.fc_[stack](refined) + self.score_[stack](heatmaps[-1])
        return tuple(heatmaps)


def shape_from_state(state: dict[str, Tensor]) -> HourglassShape:
    """Return the sizes of the network of a state dict.

    Raises:
        KeyError: it is not the state dict of a stacked hourglass; the key names the missing tensor.
        ShapeError: it is of one that is too large, or of none.
    """
    return HourglassShape(
        stacks=_count(state, "hg."),
        blocks=_count(state, "hg.0.hg.0.0."),
        features=state["hg.0.hg.0.0.0.conv1.weight"].shape[0],
        stem=state["conv1.weight"].shape[0],
        depth=_count(state, "hg.0.hg."),
        joints=state["score.0.weight"].shape[0],
    )


def _count(state: dict[str, Tensor], prefix: str) -> int:
    """Return how many numbered modules lie below `prefix`."""
    return len({name.removeprefix(prefix).split(".")[0] for name in state if name.startswith(prefix)})
