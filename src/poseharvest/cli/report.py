"""`poseharvest report`: a harvest as one page for people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from poseharvest.cli.progress_bar import progress_bar

_BESIDE = "Another harvest folder: makes both reports, and a page that shows them side by side, report/beside.html."
_FILM = "Read the footage for a film of every frame, with pictures of this longer side; for harvests that keep none."
_CAPTURE = "Where the footage lies now, for --film-pixels; by default where it was harvested."


def report(
    harvest: Annotated[Path, typer.Argument(help="The harvest folder.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(help="The HTML file to make; by default report/index.html in the harvest.", show_default=False),
    ] = None,
    beside: Annotated[Path | None, typer.Option(help=_BESIDE, show_default=False)] = None,
    film_pixels: Annotated[int | None, typer.Option(help=_FILM, min=64, max=1280, show_default=False)] = None,
    capture: Annotated[Path | None, typer.Option(help=_CAPTURE, show_default=False)] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file that stands at --out.")] = False,
) -> None:
    """Draw a harvest as one HTML file: pictures, a 3D view, uncertainty, limbs, cameras and what was selected."""
    from poseharvest.report.beside import report_beside
    from poseharvest.report.film_of_footage import FootageFilm
    from poseharvest.report.html import report as write_report

    if film_pixels is not None and beside is not None:
        raise typer.BadParameter("goes with one harvest alone, not with --beside", param_hint="--film-pixels")
    if capture is not None and film_pixels is None:
        raise typer.BadParameter("goes with --film-pixels alone", param_hint="--capture")
    if beside is None:
        with progress_bar(Console(stderr=True)) as on_progress:
            film = None if film_pixels is None else FootageFilm(film_pixels, capture, on_progress)
            page = write_report(harvest, out, overwrite=overwrite, film=film)
    else:
        page = report_beside(harvest, beside, out, overwrite=overwrite)
    Console().print(f"wrote {page}", soft_wrap=True, highlight=False, markup=False)
