"""`poseharvest demo`: a first result, or the whole story, on a machine with no footage, no download and no network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from poseharvest.cli.progress_bar import progress_bar
from poseharvest.cli.summary import print_summary

if TYPE_CHECKING:
    from torch import Tensor

    from poseharvest.annotations.reader import Harvest

_NUM_FRAMES = 60
_FULL = "The whole story: harvest fifteen actions, personalise the network on them, harvest again; some minutes."
_QUICK = "The whole story made small: fewer and smaller pictures, a coarser grid, fewer epochs."
_SIMULATED = "In seconds: harvest alone, by a simulated detector that knows the truth and errs on purpose."
_FRAMES = "Length of the capture, with --simulated-detector."
_WEIGHTS = "Of the generic hourglass; those that come with the package if not given."
_OVERWRITE = "Replace an earlier demo; without it an interrupted one goes on."


def demo(  # noqa: PLR0913, PLR0917 - every option of the command is a parameter
    out: Annotated[Path, typer.Option(help="The folder to make.")] = Path("poseharvest-demo"),
    full: Annotated[bool, typer.Option("--full", help=_FULL)] = False,
    quick: Annotated[bool, typer.Option("--quick", help=_QUICK)] = False,
    simulated_detector: Annotated[bool, typer.Option("--simulated-detector", help=_SIMULATED)] = False,
    frames: Annotated[int, typer.Option(min=8, help=_FRAMES)] = _NUM_FRAMES,
    seed: Annotated[int, typer.Option(help="Of the person's motion, the room and all noise.")] = 0,
    weights: Annotated[Path | None, typer.Option(help=_WEIGHTS, show_default=False)] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help=_OVERWRITE)] = False,
) -> None:
    """Film a drawn person, harvest, and compare with the truth; with --full personalise the network as well."""
    if simulated_detector:
        _simulated(out, frames, seed, overwrite=overwrite)
    elif not (full or quick):
        _first_result(out, seed, weights, overwrite=overwrite)
    else:
        _whole_story(out, seed, weights, quick=quick, overwrite=overwrite)


def _first_result(out: Path, seed: int, weights: Path | None, *, overwrite: bool) -> None:
    from poseharvest.detectors.registry import load_detector
    from poseharvest.report.html import report
    from poseharvest.tables.studio.first_result import harvest_first_action

    detector = load_detector("hourglass", weights=weights)
    with progress_bar(Console(stderr=True)) as on_progress:
        made = harvest_first_action(detector, out, seed=seed, overwrite=overwrite, on_progress=on_progress)
    print_summary(made.harvest, report(made.harvest.path))
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(_comparison(made.harvest, made.truth))
    console.print(
        f"footage: {made.footage}: a capture as yours would be: poseharvest harvest {made.footage} --out HARVEST"
    )
    console.print("the whole story, with a network that learns from its harvest: poseharvest demo --full")


def _whole_story(out: Path, seed: int, weights: Path | None, *, quick: bool, overwrite: bool) -> None:
    from poseharvest.cli.table_lines import console_for_tables, print_panel
    from poseharvest.learning.personalize.finetune import trainable
    from poseharvest.tables.request import DetectorChoice
    from poseharvest.tables.studio.studio_demo import FULL, QUICK, run_demo

    choice = DetectorChoice("hourglass", weights)
    with progress_bar(Console(stderr=True)) as on_progress:
        result = run_demo(
            trainable(choice.load("studio")),
            choice.as_dict(),
            out,
            plan=QUICK if quick else FULL,
            seed=seed,
            overwrite=overwrite,
            on_progress=on_progress,
        )
    console = console_for_tables()
    print_panel(console, result.table.panels[0])
    for note in result.table.notes:
        console.print(note)
    console.print(f"done in {result.seconds:.0f} s")
    console.print(f"report: {result.page}")


def _simulated(out: Path, frames: int, seed: int, *, overwrite: bool) -> None:
    from poseharvest.harvesting.harvest_capture import harvest
    from poseharvest.report.html import report
    from poseharvest.simulation.synthetic_capture import simulate

    simulation = simulate(frames, seed)
    with progress_bar(Console(stderr=True)) as on_progress:
        result = harvest(simulation.capture, simulation.detector, out, overwrite=overwrite, on_progress=on_progress)
    print_summary(result, report(result.path))
    Console(soft_wrap=True, highlight=False).print(_comparison(result, simulation.truth.positions))


def _comparison(harvest: Harvest, truth: Tensor) -> str:
    from poseharvest.evaluation.pose_error import pose_errors

    errors = pose_errors(harvest, truth)
    return (
        f"error against the known truth, no alignment, {errors.num_joints} joints: mean {errors.mean_mm:.1f} mm, "
        f"median {errors.median_mm:.1f} mm; of the selected {errors.selected_mean_mm:.1f} mm; "
        f"rank correlation of det(cov) with the error {errors.rank_correlation:.2f}"
    )
