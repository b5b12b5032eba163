"""`poseharvest kinematics`: joint angles of a harvest, and of an OpenSim model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from poseharvest.cli.derived_options import options_of, with_options
from poseharvest.cli.finding_lines import print_findings
from poseharvest.cli.progress_bar import progress_bar
from poseharvest.cli.reviewed_harvests import NO_REVIEWS, open_reviewed
from poseharvest.kinematics.kinematics_options import KinematicsOptions

if TYPE_CHECKING:
    from poseharvest.kinematics.person_kinematics import PersonKinematics


def _options(values: Mapping[str, Any]) -> KinematicsOptions:
    return KinematicsOptions(**values)


@with_options("options", options_of(KinematicsOptions), _options)
def kinematics(
    harvest: Annotated[Path, typer.Argument(help="The harvest folder.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The folder to make.", show_default=False)],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier output of this name.")] = False,
    no_reviews: Annotated[bool, typer.Option("--no-reviews", help=NO_REVIEWS)] = False,
    options: KinematicsOptions | None = None,
) -> None:
    """Write joint angles with their uncertainties, and with --setups or --model those of an OpenSim model."""
    from poseharvest.kinematics.kinematics_record import RECORD_FILE
    from poseharvest.report.kinematics_folder import PAGE_FILE, write_kinematics

    opened = open_reviewed(harvest, no_reviews=no_reviews)
    with progress_bar(Console(stderr=True)) as on_progress:
        written = write_kinematics(opened, out, options, overwrite=overwrite, on_progress=on_progress)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for person in written.people:
        console.print(f"person {person.person}: {len(person.angles.names)} angles, {len(person.angles.frames)} frames")
        if person.model is not None:
            console.print(_markers(person), crop=False)
    console.print(f"wrote {out}; the page is {out / PAGE_FILE}")
    print_findings(console, written.findings, str(out / RECORD_FILE))


def _markers(person: PersonKinematics) -> Table:
    """Return the distances of the markers from the model, the largest first."""
    assert person.model is not None
    answer = person.model.answer
    table = Table("marker", "rms, mm", "weight", title=f"markers of person {person.person}", title_justify="left")
    for name in sorted(answer.marker_errors_mm, key=lambda name: -answer.marker_errors_mm[name]):
        table.add_row(name, f"{answer.marker_errors_mm[name]:.1f}", f"{answer.tasks.get(name, 0.0):.2f}")
    table.add_row("all", f"{person.model.marker_rms_mm:.1f}", "")
    return table
