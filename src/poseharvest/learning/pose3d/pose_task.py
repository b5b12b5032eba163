"""Training the 3D network: targets that follow the picture's variation, Eq. (5), and scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from poseharvest.checks import check_shape
from poseharvest.detectors.network import Preprocessing
from poseharvest.errors import TrainingError
from poseharvest.learning.loop.augment import Variation
from poseharvest.learning.loop.augmentation import NO_AUGMENTATION
from poseharvest.learning.loop.batches import Batch, input_points, joint_weights, network_picture
from poseharvest.learning.loop.samples import SampleSource, TrainingSample
from poseharvest.learning.loop.task import check_source
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.learning.pose3d.scaling import WindowPose, numbers_from_pose, pose_from_numbers
from poseharvest.skeleton.skeleton import Skeleton

NAME = "pose regressor"


@dataclass(frozen=True)
class RegressionTask:
    """Three numbers a joint: a `Task`.

    Attributes:
        skeleton: the network's joints.
        preprocessing: how it wants its pictures.
    """

    skeleton: Skeleton
    preprocessing: Preprocessing

    def check(self, source: SampleSource) -> None:
        """Raise TrainingError if there are no samples, or they are of other joints than the network's."""
        check_source(source, self.skeleton, NAME)

    def batch(
        self, samples: Sequence[TrainingSample], variations: Sequence[Variation], options: TrainingOptions
    ) -> Batch:
        """Return the varied pictures of some samples with their numbers, (B, J, 3), and which of them are known."""
        pairs = list(zip(samples, variations, strict=True))
        inputs = torch.stack([network_picture(sample, variation, self.preprocessing) for sample, variation in pairs])
        numbers = torch.stack([self.numbers(sample, variation) for sample, variation in pairs])
        known = torch.isfinite(numbers)
        weights = torch.stack([joint_weights(sample, variation, self.skeleton) for sample, variation in pairs])
        weights = weights[..., None].expand_as(known)
        is_alike = bool((weights[known] == 1).all())
        return Batch(inputs, torch.where(known, numbers, 0).float(), known, None if is_alike else weights)

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return Eq. (5), numbers that are not known left out, each as much as its joint counts."""
        return squared_distance(outputs, batch.targets, batch.known, batch.weights)

    def scores(self, network: nn.Module, source: SampleSource) -> dict[str, float]:
        """Return the mean errors on samples: "error_px" in pixels of the input, "depth_error_mm" beyond the root."""
        was_training = network.training
        network.eval()
        errors = [self._errors(network, source.sample(index)) for index in range(len(source))]
        network.train(was_training)
        pixels, depth = (torch.cat(parts) for parts in zip(*errors, strict=True))
        return {"error_px": float(pixels.nanmean()), "depth_error_mm": float(depth.nanmean())}

    def numbers(self, sample: TrainingSample, variation: Variation) -> Tensor:
        """Return the numbers of a varied sample, (J, 3) float64; NaN where the loss ignores them.

        Turning the picture turns x and y, mirroring it swaps the joints of both sides and mirrors x, and scaling it
        scales x and y: as if the camera were rolled, the world mirrored, or the focal length changed. None of these
        changes how far a joint is behind the root.

        Raises:
            TrainingError: the sample has no depths.
        """
        if sample.depth_mm is None:
            raise TrainingError("training: expected samples with depths, got one without")
        pixels = input_points(sample, variation, self.preprocessing, self.skeleton)
        depth = torch.where(sample.weight > 0, sample.depth_mm.double(), torch.nan)
        if variation.mirrored:
            depth = depth[list(self.skeleton.flip_permutation)]
        return numbers_from_pose(WindowPose(pixels, depth), self.preprocessing.input_size)

    @torch.no_grad()
    def _errors(self, network: nn.Module, sample: TrainingSample) -> tuple[Tensor, Tensor]:
        plain = TrainingOptions(augmentation=NO_AUGMENTATION)
        batch = self.batch([sample], [Variation()], plain).to(str(next(network.parameters()).device))
        size = self.preprocessing.input_size
        estimate = pose_from_numbers(network(batch.inputs)[0], size)
        true = pose_from_numbers(torch.where(batch.known, batch.targets, torch.nan)[0], size)
        return (estimate.pixels - true.pixels).norm(dim=-1).cpu(), (estimate.depth_mm - true.depth_mm).abs().cpu()


def squared_distance(numbers: Tensor, targets: Tensor, known: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return Eq. (5): squared distances summed over the joints, unknown numbers left out; the mean over pictures.

    The sum is not divided by how many are known: whether one joint is known changes no other's gradient.

    Args:
        numbers: (B, J, 3) of the network.
        targets: (B, J, 3).
        known: (B, J, 3) bool.
        weights: (B, J, 3) of the squares; None for 1.
    """
    sizes = check_shape("targets", targets, "B J 3")
    check_shape("numbers", numbers, "B J 3", **sizes)
    check_shape("known", known, "B J 3", **sizes)
    # Selected before it is squared: NaN times zero would be NaN.
    error = torch.where(known, numbers - targets, torch.zeros_like(targets))
    squares = error.square()
    return (squares if weights is None else weights * squares).sum((1, 2)).mean()
