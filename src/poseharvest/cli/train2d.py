"""`poseharvest train2d`: train a 2D network on pictures with labelled joints."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from poseharvest.cli.progress_bar import progress_bar
from poseharvest.cli.training_samples import LabelFiles, StudioShots
from poseharvest.devices import network_device
from poseharvest.learning.loop.augmentation import Augmentation
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.networks.hourglass_shape import HourglassShape
from poseharvest.progress import Progress

if TYPE_CHECKING:
    from poseharvest.detectors.network import NetworkDetector
    from poseharvest.learning.heatmaps2d.train_network import Training2d

_DEFAULTS, _SHAPE = TrainingOptions(), HourglassShape()


class Network(StrEnum):
    """Networks that can be trained from scratch."""

    HOURGLASS = "hourglass"
    EFFICIENTPOSE = "efficientpose"


class Pictures(StrEnum):
    """Data sets of `poseharvest.datasets.registry.PICTURES`."""

    MPII = "mpii"
    COCO = "coco"
    STUDIO = "studio"


class StudioWorld(StrEnum):
    """Worlds of `poseharvest.studio`."""

    GENERIC = "generic"
    TARGET = "target"


class Schedule(StrEnum):
    """How the learning rate goes."""

    CONSTANT = "constant"
    LINEAR = "linear"


def train2d(  # noqa: PLR0913, PLR0917 - every option of the command is a parameter
    out: Annotated[Path, typer.Option(help="The folder to make.", show_default=False)],
    annotations: Annotated[Path | None, typer.Argument(help="File of labels; none for the studio.")] = None,
    dataset: Annotated[Pictures, typer.Option(help="What the file is; the studio draws its pictures.")] = Pictures.MPII,
    images: Annotated[Path | None, typer.Option(help="Folder of pictures; beside the file if not given.")] = None,
    validation: Annotated[Path | None, typer.Option(help="Another file, for PCKh after every epoch.")] = None,
    world: Annotated[StudioWorld, typer.Option(help="Of the studio.")] = StudioWorld.GENERIC,
    pictures: Annotated[int, typer.Option(min=1, help="That the studio draws to train on.")] = 20_000,
    validation_pictures: Annotated[int, typer.Option(min=0, help="That the studio draws to validate on.")] = 500,
    drawn: Annotated[Path | None, typer.Option(help="Folder that keeps them; beside OUT if not given.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that draw them.")] = 1,
    network: Annotated[Network, typer.Option(help="What to train.")] = Network.HOURGLASS,
    stacks: Annotated[int, typer.Option(help="Hourglasses, one after another.")] = _SHAPE.stacks,
    features: Annotated[int, typer.Option(help="Channels inside a residual block.")] = _SHAPE.features,
    stem: Annotated[int, typer.Option(help="Channels of its first convolution.")] = _SHAPE.stem,
    input_px: Annotated[int | None, typer.Option(help="Side of a new hourglass' input, else 256.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Weights to begin with; random if not given.")] = None,
    epochs: Annotated[int, typer.Option(help="Passes through the pictures.")] = 100,
    batch_size: Annotated[int, typer.Option(help="Pictures a step, over all processes.")] = _DEFAULTS.batch_size,
    learning_rate: Annotated[float, typer.Option(help="Of RMSprop.")] = _DEFAULTS.learning_rate,
    schedule: Annotated[Schedule, typer.Option(help="The learning rate stays, or falls to zero.")] = Schedule.CONSTANT,
    warm_up_steps: Annotated[int, typer.Option(help="Steps over which it rises.")] = _DEFAULTS.warm_up_steps,
    sigma_px: Annotated[float, typer.Option(help="Of the targets, pixels of the heatmap.")] = _DEFAULTS.sigma_px,
    rotation_deg: Annotated[float, typer.Option(help="Largest turn.")] = _DEFAULTS.augmentation.rotation_deg,
    scale: Annotated[float, typer.Option(help="Largest change of scale.")] = _DEFAULTS.augmentation.scale,
    colour: Annotated[float, typer.Option(help="Largest change of a colour's brightness.")] = 0.0,
    frozen_norms: Annotated[bool, typer.Option("--frozen-norms", help="Keep the statistics of batch norm.")] = False,
    seed: Annotated[int, typer.Option(help="Of the weights, the order and the variation of the pictures.")] = 0,
    device: Annotated[
        str, typer.Option(help="auto (a GPU if there is one), cpu or cuda; by torchrun, a GPU a process.")
    ] = "auto",
    loaders: Annotated[int, typer.Option(help="Threads that prepare pictures ahead, for GPUs.")] = _DEFAULTS.loaders,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier run.")] = False,
) -> None:
    """Train a 2D network on MPII, COCO or the studio by the paper's recipe; several GPUs through torchrun."""
    _check(dataset, annotations, validation)
    shape = HourglassShape(stacks=stacks, features=features, stem=stem)
    detector = _network(network, shape, weights, input_px=input_px, seed=seed)
    options = TrainingOptions(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        schedule=schedule.value,
        warm_up_steps=warm_up_steps,
        sigma_px=sigma_px,
        augmentation=Augmentation(rotation_deg=rotation_deg, scale=scale, colour=colour),
        frozen_norms=frozen_norms,
        seed=seed,
        device=network_device(device),
        loaders=loaders,
    )
    wanted: LabelFiles | StudioShots
    if annotations is None:
        wanted = StudioShots(world.value, pictures, validation_pictures, drawn or _beside(out), workers)
    else:
        wanted = LabelFiles(dataset.value, annotations, validation, images)
    result = _learn(detector, wanted, out, options, overwrite=overwrite, resume=resume)
    if os.environ.get("RANK", "0") == "0":
        _print(result)


def _check(dataset: Pictures, annotations: Path | None, validation: Path | None) -> None:
    if dataset is Pictures.STUDIO and (annotations or validation):
        raise typer.BadParameter("the studio draws its pictures: expected no file", param_hint="--dataset studio")
    if dataset is not Pictures.STUDIO and annotations is None:
        raise typer.BadParameter(f"expected the file of labels of {dataset.value}", param_hint="ANNOTATIONS")


def _network(
    network: Network, shape: HourglassShape, weights: Path | None, *, input_px: int | None, seed: int
) -> NetworkDetector:
    from poseharvest.detectors.registry import load_detector
    from poseharvest.learning.heatmaps2d.train_network import new_network
    from poseharvest.learning.personalize.finetune import trainable

    if weights is None:
        return new_network(network.value, shape=shape, input_px=input_px, seed=seed)
    if input_px is not None:
        raise typer.BadParameter("the weights know the size of their input", param_hint="--input-px")
    return trainable(load_detector(network.value, weights=weights))


def _learn(
    detector: NetworkDetector,
    wanted: LabelFiles | StudioShots,
    out: Path,
    options: TrainingOptions,
    *,
    overwrite: bool,
    resume: bool,
) -> Training2d:
    from poseharvest.learning.heatmaps2d.train_network import train2d as run

    with progress_bar(Console(stderr=True)) as on_progress:
        samples = wanted.open(detector, options, on_progress)
        return run(
            detector,
            samples.training,
            out,
            options=options,
            validation=samples.validation,
            described_as=samples.described_as,
            overwrite=overwrite,
            resume=resume,
            on_progress=lambda done: on_progress(Progress(done.done, done.total, f"learning, loss {done.loss:.2e}")),
        )


def _beside(out: Path) -> Path:
    return out.with_name(f"{out.name}.drawn")


def _print(result: Training2d) -> None:
    console = Console(soft_wrap=True, highlight=False, markup=False)
    last = result.curve[-1]
    pckh = f", PCKh {last['pckh']:.1f} %" if "pckh" in last else ""
    console.print(f"{last['epoch']:.0f} epochs, {last['step']:.0f} steps, loss {last['loss']:.3e}{pckh}")
    for finding in result.findings:
        console.print(f"warning: {finding}")
    console.print(f"weights: {result.weights}")
