"""Fine-tuning a detector on the annotations of a harvest (Sec. 3.4)."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

from poseharvest.detectors.network import NetworkDetector
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.errors import TrainingError
from poseharvest.learning.heatmaps2d.heatmap_task import heatmap_task
from poseharvest.learning.loop.fit import OnTraining, fit
from poseharvest.learning.loop.processes import ALONE, Processes
from poseharvest.learning.loop.samples import SampleSource
from poseharvest.learning.loop.steps import Trainer
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.learning.personalize.recipe import REFINEMENT


def finetune(  # noqa: PLR0913 - what learns from what, how, where, with whom, and who hears of it
    detector: NetworkDetector,
    source: SampleSource,
    checkpoint: Path,
    *,
    options: TrainingOptions = REFINEMENT,
    resume: bool = False,
    on_progress: OnTraining | None = None,
    processes: Processes = ALONE,
) -> NetworkDetector:
    """Return a detector around a copy of the network that was trained further; the given one stays as it is.

    Args:
        detector: generic, or of an earlier round.
        source: pictures with labels.
        checkpoint: the folder of the training's checkpoint.
        options: of the training.
        resume: continue from the checkpoint, if there is one.
        on_progress: called after every step.
        processes: who trains together.

    Raises:
        TrainingError: the samples are of other joints, the loss is not finite, or the run was interrupted.
    """
    network = copy.deepcopy(detector.network)
    family = replace(detector.family, preprocessing=detector.preprocessing)
    trainer = Trainer(network, heatmap_task(family, network, options), source, options, processes=processes)
    weights = fit(trainer, checkpoint, resume=resume, on_progress=on_progress)
    network.load_state_dict(weights)
    return detector.with_network(network.eval())


def trainable(detector: HeatmapDetector) -> NetworkDetector:
    """Return the detector, if it has a network that can be trained.

    Raises:
        TrainingError: it reads keypoint files, or runs an ONNX model.
    """
    if not isinstance(detector, NetworkDetector):
        raise TrainingError(
            f'detector "{detector.name}": has no network that can be trained: expected efficientpose, hourglass or '
            "vitpose, with their own weights; ONNX models and keypoint files cannot be fine-tuned"
        )
    return detector
