"""`poseharvest demo`: the whole main job on a machine with no footage, no weights and no network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from poseharvest.cli.progress import progress_bar
from poseharvest.cli.summary import print_summary

_NUM_FRAMES = 60


def demo(
    out: Annotated[Path, typer.Option(help="The harvest folder to make.")] = Path("poseharvest-demo"),
    frames: Annotated[int, typer.Option(min=8, help="Length of the synthetic capture.")] = _NUM_FRAMES,
    seed: Annotated[int, typer.Option(help="Of the person, the motion and the detector's errors.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier demo.")] = False,
) -> None:
    """Film a synthetic person, detect with realistic errors, harvest, and compare with the truth."""
    from poseharvest.evaluation.pose_error import pose_errors
    from poseharvest.harvesting.harvest import harvest
    from poseharvest.report.html import report
    from poseharvest.synthetic.capture import simulate

    simulation = simulate(frames, seed)
    console = Console(stderr=True)
    with progress_bar(console) as on_progress:
        result = harvest(simulation.capture, simulation.detector, out, overwrite=overwrite, on_progress=on_progress)
    print_summary(result, report(result.path))
    errors = pose_errors(result, simulation.truth.positions)
    Console(soft_wrap=True, highlight=False).print(
        f"error against the known truth, no alignment, {errors.num_joints} joints: mean {errors.mean_mm:.1f} mm, "
        f"median {errors.median_mm:.1f} mm; of the selected {errors.selected_mean_mm:.1f} mm; "
        f"rank correlation of det(cov) with the error {errors.rank_correlation:.2f}"
    )
