"""What a command says when it is done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from poseharvest.cli.finding_lines import print_findings

if TYPE_CHECKING:
    from poseharvest.annotations.info import HarvestInfo, SelectionInfo
    from poseharvest.annotations.reader import Harvest

_COLUMN_WIDTH, _EDGES = 7, 4
_STYLES = {"good": "bold green", "look": "bold yellow", "wrong": "bold red"}


def print_summary(harvest: Harvest, report: Path) -> None:
    """Print what was harvested, where it and the report lie, the verdict, and last what is odd about it."""
    from poseharvest.annotations.cuts import unasked_selection
    from poseharvest.annotations.info import INFO_FILE
    from poseharvest.diagnosis.verdict import verdict_of

    info = harvest.info
    console = Console(soft_wrap=True, highlight=False, markup=False)
    frames = f"{info.counts.frames} of {info.capture.num_frames} frames, {len(info.views)} views"
    console.print(", ".join([frames, *unasked_selection(info.selection), *_telling(info.selection)]))
    if info.recalibration is not None:
        console.print(f"sigma is recalibrated, by a map fitted on {info.recalibration.fitted_on}")
    console.print(limb_table(info, console.width), crop=False)
    console.print(f"harvest: {harvest.path}")
    console.print(f"report:  {report}")
    verdict = verdict_of(harvest)
    console.print(f"verdict: {verdict.sentence}", style=_STYLES[verdict.level])
    print_findings(console, info.findings, str(harvest.path / INFO_FILE))


def _telling(selection: SelectionInfo) -> list[str]:
    """Return in words how few poses tell nearly as much as all."""
    if selection.telling is None or selection.telling.poses == 0:
        return []
    return [f"{selection.telling.enough} of {selection.telling.poses} poses show 95 % of the postures"]


def has_faults(info: HarvestInfo) -> bool:
    """Return whether a camera is at fault, or a finding says that something is wrong."""
    about_cameras = any(f.severity == "warning" and f.topic.startswith("camera ") for f in info.findings)
    return bool(info.camera_faults) or about_cameras or any(f.severity == "error" for f in info.findings)


def limb_table(info: HarvestInfo, width: int) -> Table:
    """Return the limb lengths: one column, or one a person, as many as fit into `width` characters.

    Of more people those are shown who were seen in most frames; the title says so.
    """
    from poseharvest.annotations.info import INFO_FILE

    if len(info.people) < 2:
        beside = "" if info.hands is None else f"; those of the hands stand in {INFO_FILE}"
        lengths = {"mm": info.limb_lengths_mm or {k: v for p in info.people for k, v in p.limb_lengths_mm.items()}}
        title = f"limb lengths{beside}"
    else:
        room = max(1, (width - _EDGES - _longest_name(info)) // _COLUMN_WIDTH)
        longest = sorted(info.people, key=lambda person: -person.frames)[:room]
        people = sorted(longest, key=lambda person: person.person)
        lengths = {str(person.person): person.limb_lengths_mm for person in people}
        title = "limb lengths by person, mm"
        if len(people) < len(info.people):
            title += f": the {len(people)} of {len(info.people)} people seen in most frames; all stand in {INFO_FILE}"
    table = Table("limb", title=title, title_justify="left")
    for name in lengths:
        table.add_column(name, no_wrap=True, min_width=4 if len(lengths) > 1 else None)
    of_hands = () if info.hands is None else info.hands.joints
    for limb in next(iter(lengths.values())):
        if limb.partition("-")[2] in of_hands:
            continue
        table.add_row(limb, *(f"{of[limb]:.0f}" for of in lengths.values()))
    return table


def _longest_name(info: HarvestInfo) -> int:
    return max((len(limb) for person in info.people for limb in person.limb_lengths_mm), default=0)
