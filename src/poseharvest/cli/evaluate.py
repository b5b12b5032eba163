"""`poseharvest evaluate`: how good is this harvest, with or without ground truth?"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from poseharvest.evaluation.check import Check, Evaluation
    from poseharvest.evaluation.scores import Score

_TRUTH = "True positions: a .parquet or .csv table with frame, joint, x, y, z (mm) and, with several people, person."
_AGAINST = "Another harvest of the same capture, made with another detector say."
_ALL = "Print every number with its interval and protocol, and what each check can show."
_FIRST_ROWS = 4
_RECALIBRATE = "With --truth: write the map that makes the covariances honest to this file, for other footage."


def evaluate(  # noqa: PLR0913, PLR0917 - every option of the command is a parameter
    harvest: Annotated[Path, typer.Argument(help="The harvest folder.", show_default=False)],
    truth: Annotated[Path | None, typer.Option(help=_TRUTH, show_default=False)] = None,
    against: Annotated[Path | None, typer.Option(help=_AGAINST, show_default=False)] = None,
    approximate: Annotated[
        bool, typer.Option("--approximate", help="Also judge joints derived approximately.")
    ] = False,
    recalibrate: Annotated[Path | None, typer.Option(help=_RECALIBRATE, show_default=False)] = None,
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Also write all as JSON.", show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help=_ALL)] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that stand there.")] = False,
) -> None:
    """Judge a harvest by what cameras and bodies cannot do, and by the truth where it is known."""
    from poseharvest.annotations.reader import Harvest
    from poseharvest.diagnosis.verdict import verdict_of
    from poseharvest.evaluation.evaluate_harvest import evaluate as evaluate_harvest
    from poseharvest.evaluation.tracks import read_tracks
    from poseharvest.evaluation.with_truth import judge, recalibration_of
    from poseharvest.storage.staging import staged_file

    if recalibrate is not None and truth is None:
        raise typer.BadParameter("needs --truth", param_hint="--recalibrate")
    opened = Harvest.open(harvest)
    known = None if truth is None else read_tracks(truth)
    other = None if against is None else Harvest.open(against)
    checks = evaluate_harvest(opened, truth=known, against=other, approximate=approximate)
    console = Console(highlight=False, markup=False)
    console.print(f"verdict: {verdict_of(opened).sentence}", soft_wrap=True)
    if everything:
        _show_all(console, checks)
    else:
        _show_first(console, checks)
    if json_path is not None:
        with staged_file(json_path, overwrite=overwrite) as temporary:
            temporary.write_text(json.dumps(checks.as_dict(), indent=2) + "\n", encoding="utf-8")
    if recalibrate is not None and known is not None:
        fitted = recalibration_of(judge(opened, known, approximate=approximate), str(opened.path))
        with staged_file(recalibrate, overwrite=overwrite) as temporary:
            fitted.write(temporary)


def _show_first(console: Console, evaluation: Evaluation) -> None:
    """Print the first numbers of every check: one screen."""
    table = Table("check", "what", "value", box=None, pad_edge=False)
    for check in evaluation.checks:
        rows = list(check.scores.items())
        for number, (name, score) in enumerate(rows[:_FIRST_ROWS]):
            table.add_row(check.name if number == 0 else "", name, _value(score))
        if len(rows) > _FIRST_ROWS:
            table.add_row("", f"and {len(rows) - _FIRST_ROWS} more", "")
    console.print(table)
    console.print("--all prints every number with its interval and protocol, and what each check can show")


def _value(score: Score) -> str:
    return f"{score.value:.2f} {score.protocol.unit}" if math.isfinite(score.value) else "not judged"


def _show_all(console: Console, evaluation: Evaluation) -> None:
    for check in evaluation.checks:
        console.print(f"\n{check.name.upper()}\n{check.sentence}")
        console.print(_table(check))


def _table(check: Check) -> Table:
    table = Table("what", "value", "95 % interval", "protocol")
    for name, score in check.scores.items():
        interval = "" if score.interval is None else f"{score.interval.low:.2f} to {score.interval.high:.2f}"
        table.add_row(name, _value(score), interval, str(score.protocol))
    return table
