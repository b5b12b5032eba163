"""`poseharvest train3d`: train a network for 3D poses from single pictures on harvests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from poseharvest.cli.progress_bar import progress_bar
from poseharvest.cli.reviewed_harvests import NO_REVIEWS, open_reviewed, print_reviews
from poseharvest.devices import network_device
from poseharvest.learning.loop.augmentation import Augmentation
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.learning.pose3d.regression_options import RegressionOptions

if TYPE_CHECKING:
    from poseharvest.learning.pose3d.train_poses import Training3d

_DEFAULTS = RegressionOptions()
_TRAINING = _DEFAULTS.training
_CAPTURE = "Folder of the footage, if it is not where the harvest says; once for every harvest, in their order."
_WEIGHTED = "Learn all joints, each as much as it is certain, rare postures as much as frequent ones."
_HELD_OUT = "Share of every harvest's frames, the last ones, to judge by and not to learn from."


def train3d(  # noqa: PLR0913, PLR0917 - every option of the command is a parameter
    harvest: Annotated[list[Path], typer.Argument(help="Harvest folders, one or more.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The folder to make.", show_default=False)],
    capture: Annotated[list[Path] | None, typer.Option(help=_CAPTURE, show_default=False)] = None,
    epochs: Annotated[int, typer.Option(help="Passes through the pictures.")] = _TRAINING.epochs,
    batch_size: Annotated[int, typer.Option(help="Pictures a step.")] = _TRAINING.batch_size,
    learning_rate: Annotated[float, typer.Option(help="Of RMSprop.")] = _TRAINING.learning_rate,
    features: Annotated[int, typer.Option(help="Channels inside a residual block.")] = _DEFAULTS.features,
    input_px: Annotated[int, typer.Option(help="Side of the network's pictures.")] = _DEFAULTS.input_px,
    rotation_deg: Annotated[float, typer.Option(help="Largest turn.")] = _TRAINING.augmentation.rotation_deg,
    scale: Annotated[float, typer.Option(help="Largest change of scale.")] = _TRAINING.augmentation.scale,
    all_joints: Annotated[bool, typer.Option("--all-joints", help="Learn joints that are not selected too.")] = False,
    weighted: Annotated[bool, typer.Option("--weighted", help=_WEIGHTED)] = False,
    held_out: Annotated[float, typer.Option(help=_HELD_OUT)] = _DEFAULTS.held_out,
    seed: Annotated[int, typer.Option(help="Of the weights, the order and the variation of the pictures.")] = 0,
    device: Annotated[
        str, typer.Option(help="auto (a GPU if there is one), cpu or cuda; by torchrun, a GPU a process.")
    ] = "auto",
    no_reviews: Annotated[bool, typer.Option("--no-reviews", help=NO_REVIEWS)] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier run.")] = False,
) -> None:
    """Train a 3D network from scratch on the reliable joints of harvests (Sec. 3.5)."""
    from poseharvest.learning.pose3d.train_poses import train3d as run

    training = TrainingOptions(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        warm_up_steps=_TRAINING.warm_up_steps,
        augmentation=Augmentation(rotation_deg=rotation_deg, scale=scale),
        seed=seed,
        device=network_device(device),
    )
    options = RegressionOptions(
        training=training,
        all_joints=all_joints,
        weighted=weighted,
        features=features,
        input_px=input_px,
        held_out=held_out,
    )
    opened = [open_reviewed(path, no_reviews=no_reviews) for path in harvest]
    with progress_bar(Console(stderr=True)) as on_progress:
        result = run(
            opened,
            out,
            options=options,
            captures=capture,
            overwrite=overwrite,
            resume=resume,
            on_progress=on_progress,
        )
    if os.environ.get("RANK", "0") == "0":
        _print(result)
        print_reviews(opened)


def _print(result: Training3d) -> None:
    console = Console(soft_wrap=True, highlight=False, markup=False)
    last = result.curve[-1]
    console.print(f"{last['epoch']:.0f} epochs, {last['step']:.0f} steps, loss {last['loss']:.3e}")
    if "error_px" in last:
        console.print(
            f"held-out frames: {last['error_px']:.1f} px of the window, depth {last['depth_error_mm']:.0f} mm from the "
            "harvest's joints"
        )
    for finding in result.findings:
        console.print(f"warning: {finding}")
    console.print(f"weights: {result.weights}")
