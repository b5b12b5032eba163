"""`poseharvest train2d`: train a 2D network on pictures with labelled joints."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from poseharvest.cli.progress import progress_bar
from poseharvest.datasets.registry import open_pictures
from poseharvest.detectors.network import NetworkDetector
from poseharvest.detectors.registry import load_detector
from poseharvest.harvesting.harvest import Progress
from poseharvest.networks.hourglass import HourglassShape
from poseharvest.personalization.finetune import trainable
from poseharvest.training.augment import Augmentation
from poseharvest.training.options import TrainingOptions
from poseharvest.training.picture_source import PictureSource
from poseharvest.training.train2d import Training2d, new_network
from poseharvest.training.train2d import train2d as run

_DEFAULTS, _SHAPE = TrainingOptions(), HourglassShape()


class Network(StrEnum):
    """Networks that can be trained from scratch."""

    HOURGLASS = "hourglass"
    EFFICIENTPOSE = "efficientpose"


class Pictures(StrEnum):
    """Data sets of `poseharvest.datasets.registry.PICTURES`."""

    MPII = "mpii"
    COCO = "coco"


def train2d(  # noqa: PLR0913, PLR0917 - every option of the command is a parameter
    annotations: Annotated[Path, typer.Argument(help="The data set's file of labels.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The folder to make.", show_default=False)],
    dataset: Annotated[Pictures, typer.Option(help="What the file is.")] = Pictures.MPII,
    images: Annotated[
        Path | None, typer.Option(help="Folder of the pictures; found beside the file if not given.")
    ] = None,
    validation: Annotated[Path | None, typer.Option(help="Another file, for PCKh after every epoch.")] = None,
    network: Annotated[Network, typer.Option(help="What to train.")] = Network.HOURGLASS,
    stacks: Annotated[int, typer.Option(help="Hourglasses, one after another.")] = _SHAPE.stacks,
    features: Annotated[int, typer.Option(help="Channels inside a residual block.")] = _SHAPE.features,
    weights: Annotated[Path | None, typer.Option(help="Weights to begin with; random if not given.")] = None,
    epochs: Annotated[int, typer.Option(help="Passes through the pictures.")] = 100,
    batch_size: Annotated[int, typer.Option(help="Pictures a step, over all processes.")] = _DEFAULTS.batch_size,
    learning_rate: Annotated[float, typer.Option(help="Of RMSprop.")] = _DEFAULTS.learning_rate,
    sigma_px: Annotated[float, typer.Option(help="Of the targets, pixels of the heatmap.")] = _DEFAULTS.sigma_px,
    rotation_deg: Annotated[float, typer.Option(help="Largest turn.")] = _DEFAULTS.augmentation.rotation_deg,
    scale: Annotated[float, typer.Option(help="Largest change of scale.")] = _DEFAULTS.augmentation.scale,
    frozen_norms: Annotated[bool, typer.Option("--frozen-norms", help="Keep the statistics of batch norm.")] = False,
    seed: Annotated[int, typer.Option(help="Of the weights, the order and the variation of the pictures.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda; by torchrun, a GPU a process.")] = "cpu",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier run.")] = False,
) -> None:
    """Train a 2D network on MPII or COCO by the paper's recipe; several GPUs through torchrun."""
    shape = HourglassShape(stacks=stacks, features=features)
    detector = _network(network, shape, weights, seed)
    options = TrainingOptions(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        sigma_px=sigma_px,
        augmentation=Augmentation(rotation_deg=rotation_deg, scale=scale),
        frozen_norms=frozen_norms,
        seed=seed,
        device=device,
    )
    with progress_bar(Console(stderr=True)) as on_progress:
        result = run(
            detector,
            _open(dataset, annotations, images, detector),
            out,
            options=options,
            validation=None if validation is None else _open(dataset, validation, images, detector),
            described_as={"dataset": dataset.value, "annotations": str(annotations)},
            overwrite=overwrite,
            resume=resume,
            on_progress=lambda done: on_progress(Progress(done.done, done.total, f"learning, loss {done.loss:.2e}")),
        )
    if os.environ.get("RANK", "0") == "0":
        _print(result)


def _network(network: Network, shape: HourglassShape, weights: Path | None, seed: int) -> NetworkDetector:
    if weights is None:
        return new_network(network.value, shape=shape, seed=seed)
    return trainable(load_detector(network.value, weights=weights))


def _open(dataset: Pictures, path: Path, images: Path | None, detector: NetworkDetector) -> PictureSource:
    return PictureSource.of(open_pictures(dataset.value, path, images=images), detector.skeleton)


def _print(result: Training2d) -> None:
    console = Console(soft_wrap=True, highlight=False, markup=False)
    last = result.curve[-1]
    pckh = f", PCKh {last['pckh']:.1f} %" if "pckh" in last else ""
    console.print(f"{last['epoch']:.0f} epochs, {last['step']:.0f} steps, loss {last['loss']:.3e}{pckh}")
    for finding in result.findings:
        console.print(f"warning: {finding}")
    console.print(f"weights: {result.weights}")
