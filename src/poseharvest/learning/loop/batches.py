"""From samples to the inputs and targets of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from poseharvest.arrays import ImageSize
from poseharvest.detectors.network import Family, Preprocessing
from poseharvest.geometry.crop import rescale_pixels, sample_bilinear
from poseharvest.heatmaps.encode import targets_at
from poseharvest.learning.loop.augment import Variation, apply_map, inverted, picture_from_input
from poseharvest.learning.loop.samples import TrainingSample
from poseharvest.skeleton.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures with their targets.

    Attributes:
        inputs: (B, 3, h, w) float32, normalised as the network wants them.
        targets: float32; of heatmaps (B, J, H, W), Gaussians of height 1.
        known: bool, what the loss looks at; of heatmaps (B, J), joints.
        weights: float32 in the shape of `known`, how much each counts; None if all count alike.
        held: float32 in the shape of `known`, how much each is held to an earlier network's answer; None for 1 where
            not `known`.
    """

    inputs: Tensor
    targets: Tensor
    known: Tensor
    weights: Tensor | None = None
    held: Tensor | None = None

    def to(self, device: str) -> Batch:
        """Return the batch on a device."""
        inputs = self.inputs.to(device, memory_format=torch.channels_last)
        weights, held = (None if values is None else values.to(device) for values in (self.weights, self.held))
        return Batch(inputs, self.targets.to(device), self.known.to(device), weights, held)


def heatmap_size(family: Family) -> ImageSize:
    """Return the (height, width) of the heatmaps of a network; they cover its whole input."""
    height, width = family.preprocessing.input_size
    return (height // family.stride, width // family.stride)


def make_batch(
    samples: Sequence[TrainingSample], variations: Sequence[Variation], family: Family, *, sigma_px: float
) -> Batch:
    """Return the varied pictures of some samples and their targets.

    Args:
        samples: B of them.
        variations: how each is varied.
        family: how the network wants its pictures, and its joints.
        sigma_px: standard deviation of the target's Gaussians, pixels of the heatmaps.
    """
    size = heatmap_size(family)
    pairs = list(zip(samples, variations, strict=True))
    inputs = torch.stack([network_picture(sample, variation, family.preprocessing) for sample, variation in pairs])
    points = torch.stack([heatmap_points(sample, variation, family) for sample, variation in pairs])
    targets = targets_at(points, size, sigma_px=sigma_px)
    weights = torch.stack([joint_weights(sample, variation, family.skeleton) for sample, variation in pairs])
    is_alike = bool((weights[targets.known] == 1).all())
    held = None
    if any(sample.held is not None for sample in samples):
        held = torch.stack([_varied(sample.hold, variation, family.skeleton) for sample, variation in pairs])
    return Batch(inputs, targets.values, targets.known, None if is_alike else weights, held)


def network_picture(sample: TrainingSample, variation: Variation, preprocessing: Preprocessing) -> Tensor:
    """Return what the network sees of a sample, (3, h, w) float32, normalised."""
    height, width = preprocessing.input_size
    transform = picture_from_input(sample.window, preprocessing, variation)
    rows, columns = torch.meshgrid(torch.arange(height).double(), torch.arange(width).double(), indexing="ij")
    points = apply_map(transform, torch.stack((columns, rows), -1).reshape(-1, 2))
    picture, points = _shrunk(sample.colours, points, float(transform[:, 0].norm()))
    window = sample_bilinear(picture.unsqueeze(0), points.unsqueeze(0).float()).reshape(3, height, width)
    gains, mean, std = (
        torch.tensor(values).view(3, 1, 1) for values in (variation.gains, preprocessing.mean, preprocessing.std)
    )
    window = (window * gains).clamp(0, 1)
    return ((window.flip(0) if preprocessing.bgr else window) - mean) / std


def heatmap_points(sample: TrainingSample, variation: Variation, family: Family) -> Tensor:
    """Return where the joints of a varied sample should appear, (J, 2) pixels of the heatmaps; NaN where ignored."""
    points = input_points(sample, variation, family.preprocessing, family.skeleton)
    return rescale_pixels(points, family.preprocessing.input_size, heatmap_size(family))


def input_points(
    sample: TrainingSample, variation: Variation, preprocessing: Preprocessing, skeleton: Skeleton
) -> Tensor:
    """Return where the joints of a varied sample should appear, (J, 2) pixels of the input; NaN where ignored."""
    input_from_picture = inverted(picture_from_input(sample.window, preprocessing, variation))
    points = apply_map(input_from_picture, sample.known)
    if variation.mirrored:
        points = points[list(skeleton.flip_permutation)]
    # A network with a bias gives its peak that far off the joint; the window was moved by as much.
    return points + torch.tensor(preprocessing.bias_px, dtype=points.dtype)


def joint_weights(sample: TrainingSample, variation: Variation, skeleton: Skeleton) -> Tensor:
    """Return how much each joint of a varied sample counts, (J,) float32."""
    return _varied(sample.weight.float(), variation, skeleton)


def _varied(values: Tensor, variation: Variation, skeleton: Skeleton) -> Tensor:
    """Return the values of joints, (J,), as they belong to the varied sample."""
    return values[list(skeleton.flip_permutation)] if variation.mirrored else values


def picture_points(points: Tensor, sample: TrainingSample, family: Family) -> Tensor:
    """Return (J, 2) pixels of the heatmaps as pixels of the picture of a sample that was not varied."""
    preprocessing = family.preprocessing
    inputs = rescale_pixels(points, heatmap_size(family), preprocessing.input_size)
    inputs = inputs - torch.tensor(preprocessing.bias_px, dtype=points.dtype)
    return apply_map(picture_from_input(sample.window, preprocessing, Variation()), inputs)


def _shrunk(picture: Tensor, points: Tensor, step: float) -> tuple[Tensor, Tensor]:
    """Average whole pixels where the input skips over some, so that nothing aliases; give the points in the result."""
    factor = min(int(step), *picture.shape[-2:])
    if factor < 2:
        return picture, points
    height, width = (length // factor for length in picture.shape[-2:])
    whole = picture[:, : height * factor, : width * factor]
    small = functional.avg_pool2d(whole.unsqueeze(0), factor).squeeze(0)
    return small, rescale_pixels(points, (height * factor, width * factor), (height, width))
