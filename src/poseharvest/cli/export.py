"""`poseharvest export`: a harvest in the formats that other tools read."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from poseharvest.export.coco import CocoOptions
from poseharvest.export.csv import CsvOptions
from poseharvest.export.registry import export_with_findings
from poseharvest.export.trc import TrcOptions

_UNIT = f"c3d, csv, trc: mm, cm or m; by default {CsvOptions.unit}, in trc {TrcOptions.unit}."
_BLANK = f"c3d, csv, trc: joints left empty: none, unsupported or unselected; by default {CsvOptions.blank}."
_LAYOUT = f"csv: long, a row per joint, or wide, a row per pose; by default {CsvOptions.layout}."
_UP = f"c3d, trc: the axis that points up: x, -x, y, -y, z, -z (trc: made Y, or keep); by default {TrcOptions.up}."
_GAPS = f"trc: frames without a joint: empty rows, or skip them, as OpenSim needs it; by default {TrcOptions.gaps}."
_PERSON = "c3d, trc: whom to write; by default the only one."
_START = "c3d, csv, trc: the capture's first frame to write, from 0."
_STOP = "c3d, csv, trc: the frame before which to stop; by default the last is written."
_DECIMAL = 'csv: the decimal sign, "." or ","; with "," cells are separated by semicolons.'
_BOM = "csv: begin with a byte order mark, by which Excel knows that names are in UTF-8."
_FILE_NAMES = f"coco: names of the pictures; by default {CocoOptions.file_names}."
_OCCLUDED = (
    f"coco: a reliable joint is occluded (v=1) below this heatmap value; by default {CocoOptions.occluded_below}."
)
_MARGIN = f"coco: widening of the box, a part of its longer side; by default {CocoOptions.box_margin}."


class ExportFormat(StrEnum):
    """The formats of `poseharvest.export.registry.EXPORTERS`."""

    C3D = "c3d"
    COCO = "coco"
    CSV = "csv"
    TRC = "trc"


def export(  # noqa: PLR0913, PLR0917 - every option of the command is a parameter
    harvest: Annotated[Path, typer.Argument(help="The harvest folder.", show_default=False)],
    format: Annotated[ExportFormat, typer.Option(help="What to write.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The file to make; for coco, the folder.", show_default=False)],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier export.")] = False,
    unit: Annotated[str | None, typer.Option(help=_UNIT)] = None,
    blank: Annotated[str | None, typer.Option(help=_BLANK)] = None,
    layout: Annotated[str | None, typer.Option(help=_LAYOUT)] = None,
    up: Annotated[str | None, typer.Option(help=_UP)] = None,
    gaps: Annotated[str | None, typer.Option(help=_GAPS)] = None,
    person: Annotated[int | None, typer.Option(help=_PERSON)] = None,
    start: Annotated[int | None, typer.Option(help=_START)] = None,
    stop: Annotated[int | None, typer.Option(help=_STOP)] = None,
    decimal: Annotated[str | None, typer.Option(help=_DECIMAL)] = None,
    bom: Annotated[bool, typer.Option("--bom", help=_BOM)] = False,
    file_names: Annotated[str | None, typer.Option(help=_FILE_NAMES)] = None,
    occluded_below: Annotated[float | None, typer.Option(help=_OCCLUDED)] = None,
    box_margin: Annotated[float | None, typer.Option(help=_MARGIN)] = None,
) -> None:
    """Write a harvest as C3D, COCO keypoints, CSV or TRC."""
    given = {
        "unit": unit,
        "blank": blank,
        "layout": layout,
        "up": up,
        "gaps": gaps,
        "person": person,
        "start": start,
        "stop": stop,
        "decimal": decimal,
        "bom": bom or None,
        "file_names": file_names,
        "occluded_below": occluded_below,
        "box_margin": box_margin,
    }
    options = {name: value for name, value in given.items() if value is not None}
    written = export_with_findings(harvest, format.value, out, overwrite=overwrite, **options)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(f"wrote {written.path}")
    for finding in written.findings:
        console.print(f"{finding.severity}: {finding.message}")
