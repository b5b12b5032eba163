"""What a command says when it is done."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

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
    for finding in info.findings:
        console.print(f"{finding.severity}: {finding.message}")
    table = Table("limb", "mm", title="limb lengths", title_justify="left")
    for limb, length in info.limb_lengths_mm.items():
        table.add_row(limb, f"{length:.0f}")
    console.print(table)
    console.print(f"harvest: {harvest.path}")
    console.print(f"report:  {report}")
