"""`train2d`: train a 2D network on samples, from scratch or further, in one process or several (Sec. 3.1, 4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch

from poseharvest.detectors.efficientpose import EFFICIENTPOSE
from poseharvest.detectors.hourglass import HOURGLASS
from poseharvest.detectors.network import NetworkDetector, RunOptions
from poseharvest.errors import ConfigError
from poseharvest.learning.heatmaps2d.heatmap_task import heatmap_task
from poseharvest.learning.heatmaps2d.network_files import warn_of_missing_onnx, write_both
from poseharvest.learning.loop.fit import OnTraining, fit
from poseharvest.learning.loop.processes import process_group
from poseharvest.learning.loop.samples import SampleSource
from poseharvest.learning.loop.steps import Trainer
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.networks.efficientpose import EfficientPose
from poseharvest.networks.hourglass import StackedHourglass
from poseharvest.networks.hourglass_shape import HourglassShape
from poseharvest.storage.run_folder import RunFolder
from poseharvest.versions import current_versions

FORMAT: Final = "poseharvest training"
RESULT, WEIGHTS, ONNX, CHECKPOINT = "training.json", "weights.safetensors", "model.onnx", "checkpoint"


@dataclass(frozen=True, eq=False)
class Training2d:
    """What `train2d` gives.

    Attributes:
        folder: with `weights.safetensors`, `model.onnx`, `training.json` and the checkpoint.
        curve: a row an epoch: "epoch", "step", "loss", and "pckh" if there was something to validate on.
        findings: what the user should know, in sentences.
    """

    folder: Path
    curve: tuple[Mapping[str, float], ...]
    findings: tuple[str, ...]

    @property
    def weights(self) -> Path:
        """The network, for `load_detector`."""
        return self.folder / WEIGHTS


def new_network(
    name: str, *, shape: HourglassShape | None = None, input_px: int | None = None, seed: int = 0
) -> NetworkDetector:
    """Return a network with random weights, as a detector.

    Args:
        name: "hourglass" or "efficientpose".
        shape: sizes of the hourglass.
        input_px: height and width of the hourglass' input; None takes the published networks' 256.
        seed: of the weights.

    Raises:
        ConfigError: there is no such network, or it cannot take pictures of that size.
    """
    if name not in {"hourglass", "efficientpose"}:
        raise ConfigError(f'network: expected "hourglass" or "efficientpose", got "{name}"')
    shape = shape or HourglassShape()
    if input_px is not None and (name != "hourglass" or input_px < 1 or input_px % shape.multiple):
        raise ConfigError(f"input_px: expected a multiple of {shape.multiple} for an hourglass, got {input_px}, {name}")
    side = input_px or HOURGLASS.preprocessing.input_size[0]
    family = replace(HOURGLASS, preprocessing=replace(HOURGLASS.preprocessing, input_size=(side, side)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name == "hourglass":
            return NetworkDetector(StackedHourglass(shape).eval(), family, RunOptions())
        return NetworkDetector(EfficientPose().eval(), EFFICIENTPOSE, RunOptions())


def train2d(  # noqa: PLR0913 - the stage's inputs, each optional one of its own kind
    detector: NetworkDetector,
    source: SampleSource,
    out: Path | str,
    *,
    options: TrainingOptions | None = None,
    validation: SampleSource | None = None,
    described_as: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    resume: bool = False,
    on_progress: OnTraining | None = None,
) -> Training2d:
    """Train a network and write it; run by torchrun, the processes share every step.

    Args:
        detector: with the network to begin with; its weights change.
        source: what it is trained on.
        out: the folder to make.
        options: the defaults if None.
        validation: other samples; PCKh on them is measured after every epoch.
        described_as: what the samples are, in plain data, for `training.json`.
        overwrite: replace an earlier training at `out`.
        resume: continue an interrupted one at `out`.
        on_progress: called after every step.

    Raises:
        TrainingError: the samples are of other joints, the loss is not finite, or the run was interrupted: `resume`
            then continues from the last checkpoint.
        StoreError: `out` exists, or cannot be written.
    """
    options = options or TrainingOptions()
    with ExitStack() as stack, process_group(options.device) as (processes, device):
        options = replace(options, device=device)
        family = replace(detector.family, preprocessing=detector.preprocessing)
        trainer = Trainer(
            detector.network, heatmap_task(family, detector.network, options), source, options, processes=processes
        )
        run = RunFolder(Path(out), RESULT, FORMAT)
        settings = _settings(detector, options, described_as or {})
        if processes.is_first:
            stack.enter_context(run.running(settings, overwrite=overwrite, resume=resume))
            warn_of_missing_onnx()
        processes.wait()
        weights = fit(trainer, run.path / CHECKPOINT, validation=validation, resume=resume, on_progress=on_progress)
        detector.network.load_state_dict(weights)
        findings: list[str] = []
        if processes.is_first:
            findings = write_both(
                detector.with_network(detector.network.cpu().eval()), run.path / WEIGHTS, run.path / ONNX
            )
            curve = [dict(row) for row in trainer.curve]
            outcome = {"curve": curve, "findings": findings, "versions": current_versions()}
            run.write({"finished": True, **settings, **outcome})
        processes.wait()
        return Training2d(run.path, tuple(trainer.curve), tuple(findings))


def _settings(detector: NetworkDetector, options: TrainingOptions, samples: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that must not change when a training is resumed."""
    return {"network": detector.name, "options": options.lasting_as_dict(), "samples": dict(samples)}
