"""`poseharvest report`: a harvest as one page for people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

_BESIDE = "Another harvest folder: makes both reports, and a page that shows them side by side, report/beside.html."


def report(
    harvest: Annotated[Path, typer.Argument(help="The harvest folder.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(help="The HTML file to make; by default report/index.html in the harvest.", show_default=False),
    ] = None,
    beside: Annotated[Path | None, typer.Option(help=_BESIDE, show_default=False)] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file that stands at --out.")] = False,
) -> None:
    """Draw a harvest as one HTML file: pictures, a 3D view, uncertainty, limbs, cameras and what was selected."""
    from poseharvest.report.beside import report_beside
    from poseharvest.report.html import report as write_report

    if beside is None:
        page = write_report(harvest, out, overwrite=overwrite)
    else:
        page = report_beside(harvest, beside, out, overwrite=overwrite)
    Console().print(f"wrote {page}", soft_wrap=True, highlight=False, markup=False)
