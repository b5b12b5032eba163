"""Fine-tuning the generic detector on the harvests of a subject or sequence (Sec. 3.4, 4.4), and harvesting with it.

The labels come from the very frames that are judged, as the paper's "online adaptation" does; no truth is among them.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from poseharvest.detectors.network import NetworkDetector
from poseharvest.detectors.weights_files import load_state, read_safetensors
from poseharvest.learning.heatmaps2d.network_files import write_weights
from poseharvest.learning.loop.fit import report_steps
from poseharvest.learning.personalize.finetune import trainable
from poseharvest.learning.personalize.label_set import LabelSet
from poseharvest.learning.personalize.labels import (
    OVER_TAKES,
    PictureLabels,
    labels_of_takes,
    require_enough,
    thinned_out,
)
from poseharvest.learning.personalize.takes import LabelledTake, learn_from_takes
from poseharvest.progress import OnProgress, Progress, with_prefix
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.storage.finished_units import UnitStore
from poseharvest.tables.dataset_harvests import HarvestedShot, Harvester, setting_of
from poseharvest.tables.request import DetectorSource, TableRequest, plain_training

WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class RefinedDetectors:
    """The generic detectors with weights that were trained further: a `DetectorSource`.

    Attributes:
        generic: what was fine-tuned.
        weights: of the fine-tuned network.
    """

    generic: DetectorSource
    weights: Path

    def load(self, sequence: str) -> NetworkDetector:
        """Return the detector for the pictures of a sequence.

        Raises:
            TrainingError: the generic detector has no network.
            DetectorError: the weights are damaged, or of another network.
        """
        generic = trainable(self.generic.load(sequence))
        network = copy.deepcopy(generic.network)
        load_state(network, read_safetensors(self.weights), source=str(self.weights))
        return generic.with_network(network.eval())

    def as_dict(self) -> dict[str, Any]:
        """Return what it was made from in plain data."""
        return self.generic.as_dict()


@dataclass(frozen=True)
class Lesson:
    """What a detector is fine-tuned on.

    Attributes:
        group: whose footage: a subject or a sequence.
        labels: which of Sec. 4.4's label sets.
        seed: of the training.
    """

    group: str
    labels: LabelSet
    seed: int

    @property
    def name(self) -> tuple[str, ...]:
        """Of its units."""
        return ("refined", self.labels.value, self.group, f"seed {self.seed}")


def refined_harvests(request: TableRequest, generic: Sequence[HarvestedShot], lesson: Lesson) -> list[HarvestedShot]:
    """Return the same shots, harvested with the detector after it was fine-tuned on their harvests.

    Raises:
        TrainingError: the detector has no network, or there are no labels.
    """
    options = replace(request.refinement, seed=lesson.seed)
    settings = {
        "labels": lesson.labels.value,
        "selected_over": OVER_TAKES,
        "refinement": plain_training(options),
        "max_pictures": request.max_pictures,
    }
    learned = {"learned_from": [one.shot.key for one in generic], "step": generic[0].shot.step}
    on_progress = with_prefix(request.on_progress, f"{lesson.group}, labels {lesson.labels.value}, seed {lesson.seed}")
    folder = UnitStore(request.out).ensure(
        (*lesson.name, "network"),
        {**setting_of(request), **settings, **learned},
        lambda folder: _learn(request, generic, lesson, folder, on_progress),
    )
    detectors = RefinedDetectors(request.detector, folder / WEIGHTS)
    return Harvester(request, lesson.name, detectors, _accept_any, detector_settings={**settings, **learned}).harvest([
        one.shot for one in generic
    ])


def _accept_any(skeleton: Skeleton) -> None:
    """Check nothing: fine-tuning changes no joints."""


def _learn(
    request: TableRequest, generic: Sequence[HarvestedShot], lesson: Lesson, folder: Path, on_progress: OnProgress
) -> None:
    detector = trainable(request.detector.load(generic[0].shot.sequence.name))
    options = replace(request.refinement, seed=lesson.seed)
    labels = _labels(generic, lesson.labels, request.max_pictures)
    personal = learn_from_takes(
        detector,
        [
            LabelledTake(one.shot.footage(), one.harvest.skeleton, of_shot)
            for one, of_shot in zip(generic, labels, strict=True)
            if of_shot
        ],
        folder,
        options=options,
        resume=True,
        on_frame=lambda frame: on_progress(Progress(frame + 1, frame + 1, "cutting out pictures")),
        on_step=report_steps(on_progress),
    )
    write_weights(personal, folder / WEIGHTS)


def _labels(generic: Sequence[HarvestedShot], labels: LabelSet, most: int) -> list[list[PictureLabels]]:
    """Return the labels of every shot, chosen over all of them and thinned out evenly to no more than `most`."""
    frames = [range(one.harvest.info.capture.num_frames) for one in generic]
    by_shot = labels_of_takes([one.harvest for one in generic], labels, frames)
    everything = [label for of_shot in by_shot for label in of_shot]
    require_enough(everything, labels, num_pictures=1)
    return thinned_out(by_shot, most)
