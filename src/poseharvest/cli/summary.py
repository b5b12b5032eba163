"""What a command says when it is done."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from poseharvest.annotations.info import HarvestInfo
from poseharvest.annotations.reader import Harvest


def print_summary(harvest: Harvest, report: Path) -> None:
    """Print what was harvested, what is odd about it, and where the report lies."""
    info = harvest.info
    console = Console(soft_wrap=True, highlight=False, markup=False)
    selected = sum(joint.selected for joint in info.selection.joints)
    supported = sum(joint.supported for joint in info.selection.joints)
    console.print(
        f"{info.counts.frames} of {info.capture.num_frames} frames, {len(info.views)} views, "
        f"{selected} of {supported} joints selected as annotations"
    )
    if info.recalibration is not None:
        console.print(f"sigma is recalibrated, by a map fitted on {info.recalibration.fitted_on}")
    for finding in info.findings:
        console.print(f"{finding.severity}: {finding.message}")
    table = _limb_table(info)
    console.print(table)
    console.print(f"harvest: {harvest.path}")
    console.print(f"report:  {report}")


def _limb_table(info: HarvestInfo) -> Table:
    """Return the limb lengths: one column, or one a person."""
    if len(info.people) < 2:
        columns = {"mm": info.limb_lengths_mm}
    else:
        columns = {f"person {person.person}": person.limb_lengths_mm for person in info.people}
    title = "limb lengths" if len(columns) == 1 else "limb lengths, mm"
    table = Table("limb", *columns, title=title, title_justify="left")
    for limb in next(iter(columns.values())):
        table.add_row(limb, *(f"{lengths[limb]:.0f}" for lengths in columns.values()))
    return table
