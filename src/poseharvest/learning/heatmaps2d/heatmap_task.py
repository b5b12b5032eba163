"""Training a network to give heatmaps: its batches, its loss and its scores."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from poseharvest.checks import check_shape
from poseharvest.detectors.network import Family
from poseharvest.learning.heatmaps2d.validate import validate
from poseharvest.learning.loop.augment import Variation
from poseharvest.learning.loop.batches import Batch, make_batch
from poseharvest.learning.loop.samples import SampleSource, TrainingSample
from poseharvest.learning.loop.task import check_source
from poseharvest.learning.loop.training_options import TrainingOptions


@dataclass(frozen=True)
class HeatmapTask:
    """Heatmaps of every stack (Sec. 3.1, 3.4): a `Task`.

    Attributes:
        family: how the network wants its pictures, and its joints.
    """

    family: Family

    def check(self, source: SampleSource) -> None:
        """Raise TrainingError if there are no samples, or they are of other joints than the network's."""
        check_source(source, self.family.skeleton, self.family.name)

    def batch(
        self, samples: Sequence[TrainingSample], variations: Sequence[Variation], options: TrainingOptions
    ) -> Batch:
        """Return the varied pictures of some samples with Gaussians at their joints."""
        return make_batch(samples, variations, self.family, sigma_px=options.sigma_px)

    def loss(self, outputs: Any, batch: Batch) -> Tensor:
        """Return the squared error summed over stacks, joints that are not known left out."""
        return masked_heatmap_loss(outputs, batch.targets, batch.known, batch.weights)

    def scores(self, network: nn.Module, source: SampleSource) -> dict[str, float]:
        """Return PCKh@0.5, percent."""
        return {"pckh": validate(network, self.family, source).value}


@dataclass(frozen=True)
class DistilledHeatmapTask(HeatmapTask):
    """Heatmaps as above; where a joint is not known, they are held to an earlier network's: a `Task`.

    Learning without forgetting (Li and Hoiem, ECCV 2016), joint by joint: joints that are not taught should not change.
    Labels may say otherwise (`TrainingSample.held`): which joints, and how much.

    Attributes:
        earlier: the network whose last heatmaps are kept; it is not trained.
        weight: of that squared error; the error of known joints has the weight 1.
    """

    earlier: nn.Module
    weight: float

    def loss(self, outputs: Any, batch: Batch) -> Tensor:
        """Return the squared error summed over stacks, against the target where the joint is known."""
        with torch.no_grad():
            before = self.earlier(batch.inputs)[-1]
        taught = super().loss(outputs, batch)
        held = (~batch.known).float() if batch.held is None else batch.held
        return taught + self.weight * masked_heatmap_loss(outputs, before, held > 0, held)


def heatmap_task(family: Family, network: nn.Module, options: TrainingOptions) -> HeatmapTask:
    """Return the task of a network; with distillation it keeps a copy of the network before the training."""
    if not options.distillation:
        return HeatmapTask(family)
    earlier = copy.deepcopy(network).eval().to(options.device)
    return DistilledHeatmapTask(family, earlier, options.distillation)


def masked_heatmap_loss(
    heatmaps: Sequence[Tensor], targets: Tensor, known: Tensor, weights: Tensor | None = None
) -> Tensor:
    """Return the sum over stacks of the mean squared error, the error of unknown joints left out.

    The mean is over all pixels of all joints, known or not: whether one joint is known changes no other's gradient,
    and the mean over processes is the mean over their pictures.

    Args:
        heatmaps: of every stack, (B, J, H, W) each: intermediate supervision.
        targets: (B, J, H, W).
        known: (B, J) bool.
        weights: (B, J) of the squared errors; None for 1.
    """
    sizes = check_shape("targets", targets, "B J H W")
    check_shape("known", known, "B J", B=sizes["B"], J=sizes["J"])
    counts = known[..., None, None]
    total = torch.zeros((), dtype=targets.dtype, device=targets.device)
    for stack in heatmaps:
        check_shape("heatmaps", stack, "B J H W", **sizes)
        # Selected before it is squared: NaN times zero would be NaN.
        error = torch.where(counts, stack - targets, torch.zeros_like(targets))
        squares = error.square()
        total = total + (squares if weights is None else weights[..., None, None] * squares).mean()
    return total
