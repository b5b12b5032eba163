"""What the loop needs to know of a network: how samples become a batch, and what its outputs should be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from torch import Tensor, nn

from poseharvest.errors import TrainingError
from poseharvest.learning.loop.augment import Variation
from poseharvest.learning.loop.batches import Batch
from poseharvest.learning.loop.samples import SampleSource, TrainingSample
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.skeleton.skeleton import Skeleton


class Task(Protocol):
    """What the loop needs to know of a network and its outputs."""

    def check(self, source: SampleSource) -> None:
        """Raise TrainingError if the samples are not for this network."""
        ...

    def batch(
        self, samples: Sequence[TrainingSample], variations: Sequence[Variation], options: TrainingOptions
    ) -> Batch:
        """Return the varied pictures of some samples with their targets."""
        ...

    def loss(self, outputs: Any, batch: Batch) -> Tensor:
        """Return the loss of what the network gave for a batch: a mean over its pictures."""
        ...

    def scores(self, network: nn.Module, source: SampleSource) -> dict[str, float]:
        """Return how good the network is on samples, by name, for the curve."""
        ...


def check_source(source: SampleSource, skeleton: Skeleton, network: str) -> None:
    """Raise TrainingError if there is nothing to train on, or if it has other joints than the network."""
    if len(source) == 0:
        raise TrainingError("training: expected samples, got none")
    theirs, ours = source.skeleton.joints, skeleton.joints
    if theirs != ours:
        raise TrainingError(
            f'training: the network "{network}" gives {", ".join(ours[:3])}, ... ({len(ours)} joints of '
            f'"{skeleton.name}"), the samples have {", ".join(theirs[:3])}, ... ({len(theirs)} of '
            f'"{source.skeleton.name}")'
        )
