"""`poseharvest calibrate`: cameras from footage of a calibration board or of people, or a board to print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from poseharvest.boards.board_choices import DEFAULT_DICTIONARY, BoardKind, Paper
from poseharvest.cli.assignments import VIEWS_HELP, split_names
from poseharvest.cli.calibrate_by_people import PeopleFlags, calibrate_by_people, people_options
from poseharvest.cli.calibration_end import say_where
from poseharvest.cli.derived_options import with_options
from poseharvest.cli.finding_lines import print_findings
from poseharvest.cli.progress_bar import progress_bar
from poseharvest.errors import ConfigError
from poseharvest.rig_calibration.options import CalibrationOptions

if TYPE_CHECKING:
    from poseharvest.boards.board import Board
    from poseharvest.rig_calibration.solve import RigCalibration

_FOOTAGE = "Folder with videos/ or images/ of the board, filmed by all cameras."
_OUT = "The folder to make: calibration.toml, calibration.json, report.html."
_SQUARES = "Columns and rows of squares, not of inner corners, such as 7x5."
_SQUARE = "Measured side of a square, mm. All lengths rest on it."
_MARKER = "Measured side of a marker, mm; 0.75 of a square if not given."
_INTRINSICS = "A calibration whose lenses are kept; only the places of the cameras are found."
_LENS = (
    "What is estimated of a lens: k1, radial (k1 k2), full (k1 k2 p1 p2 k3), fisheye, or auto by what was filmed, the "
    "default. NAME=fisheye for one camera; may be repeated."
)
_FLOOR = (
    "Number of the frame in which the board lies on the floor, printed side up: it defines the world. Several, such "
    "as 0,40,95, define its floor better; the first one is the origin."
)
_FLOOR_FOOTAGE = "Folder with pictures of the board on the floor alone, by the same cameras; also beside --floor-board."
_POINTS = "CSV of measured points (point,x,y,z,view,u,v in mm and pixels): they define the world and its scale."
_EVERY = "Look at every so many frames; if not given, at 300 at most."
_FROM_PEOPLE = "Place the cameras by the people in the footage, without a board."
_PRINT = "Write the board as a sheet to print, a .pdf or .png file, and end."

_NO_PEOPLE = PeopleFlags()


@with_options("people", people_options(), lambda values: PeopleFlags(**values))
def calibrate(  # noqa: PLR0913, PLR0917 - every option of the command is a parameter
    footage: Annotated[Path | None, typer.Argument(help=_FOOTAGE, show_default=False)] = None,
    out: Annotated[Path | None, typer.Option(help=_OUT, show_default=False)] = None,
    board: Annotated[BoardKind, typer.Option(help="The kind of board.")] = "charuco",
    squares: Annotated[str, typer.Option(help=_SQUARES)] = "7x5",
    square_mm: Annotated[float | None, typer.Option(help=_SQUARE, show_default=False)] = None,
    marker_mm: Annotated[float | None, typer.Option(help=_MARKER, show_default=False)] = None,
    dictionary: Annotated[str, typer.Option(help="OpenCV's name of the markers.")] = DEFAULT_DICTIONARY,
    inverted: Annotated[bool, typer.Option("--inverted", help="Light and dark are exchanged on the board.")] = False,
    legacy: Annotated[bool, typer.Option("--legacy", help="The pattern of OpenCV before 4.6.")] = False,
    views: Annotated[str | None, typer.Option(help=VIEWS_HELP)] = None,
    intrinsics: Annotated[Path | None, typer.Option(help=_INTRINSICS, show_default=False)] = None,
    lens: Annotated[list[str] | None, typer.Option(help=_LENS, show_default=False)] = None,
    floor_board: Annotated[str | None, typer.Option(help=_FLOOR, show_default=False)] = None,
    floor_footage: Annotated[Path | None, typer.Option(help=_FLOOR_FOOTAGE, show_default=False)] = None,
    scene_points: Annotated[Path | None, typer.Option(help=_POINTS, show_default=False)] = None,
    every: Annotated[int | None, typer.Option(help=_EVERY, show_default=False, min=1)] = None,
    from_people: Annotated[bool, typer.Option("--from-people", help=_FROM_PEOPLE)] = False,
    people: PeopleFlags = _NO_PEOPLE,
    keep_faulty: Annotated[bool, typer.Option("--keep-faulty", help="Write the cameras in spite of errors.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier calibration or sheet.")] = False,
    print_board: Annotated[Path | None, typer.Option(help=_PRINT, show_default=False)] = None,
    paper: Annotated[Paper, typer.Option(help="Paper of the sheet; fit makes a page just large enough.")] = "fit",
    dpi: Annotated[int, typer.Option(help="Pixels per inch of a .png sheet.")] = 300,
) -> None:
    """Calibrate cameras from a board or from people that they filmed, or print such a board."""
    from poseharvest.boards.board import Board, parse_squares
    from poseharvest.report.calibration_folder import write_calibration

    if from_people:
        people.check_no_board(square_mm=square_mm, floor_board=floor_board, floor_footage=floor_footage)
        people.check_no_board(scene_points=scene_points, sheet=print_board, lens=lens)
        request = people.request(split_names(views), intrinsics, every)
        calibrate_by_people(footage, out, people, request, keep_faulty=keep_faulty, overwrite=overwrite)
        return
    people.check_unused()
    columns, rows = parse_squares(squares)
    chosen = Board(board, columns, rows, _measured(square_mm), marker_mm, dictionary, inverted, legacy)
    if print_board is not None:
        _print_sheet(chosen, print_board, paper=paper, dpi=dpi, overwrite=overwrite)
        return
    if footage is None or out is None:
        raise ConfigError("calibrate: expected a folder with footage and --out, or --print-board, got neither")
    with progress_bar(Console(stderr=True)) as on_progress:
        result = write_calibration(
            footage,
            out,
            chosen,
            views=split_names(views),
            intrinsics=intrinsics,
            options=_options(lens or [], intrinsics),
            floor_frames=_frames(floor_board),
            floor_footage=floor_footage,
            scene_points=scene_points,
            every=every,
            keep_faulty=keep_faulty,
            overwrite=overwrite,
            on_progress=on_progress,
        )
    _conclude(result, out, keep_faulty=keep_faulty)


def _options(lens: list[str], intrinsics: Path | None) -> CalibrationOptions:
    if lens and intrinsics is not None:
        raise ConfigError(f"lens: expected none beside --intrinsics, whose lenses are kept, got {', '.join(lens)}")
    return CalibrationOptions.of_lenses(lens)


def _measured(square_mm: float | None) -> float:
    if square_mm is None:
        raise ConfigError("square_mm: expected the side of a square in mm: measure it on the board, got none")
    return square_mm


def _frames(text: str | None) -> tuple[int, ...]:
    """Return the frames of a list such as 0,40,95."""
    parts = [] if text is None else text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise ConfigError(f'floor_board: expected numbers of frames, such as 0 or 0,40,95, got "{text}"')
    return tuple(dict.fromkeys(map(int, parts)))


def _print_sheet(board: Board, path: Path, *, paper: Paper, dpi: int, overwrite: bool) -> None:
    from poseharvest.boards.printing import write_board

    console = Console(soft_wrap=True, highlight=False, markup=False)
    width, height = write_board(board, path, paper=paper, dpi=dpi, overwrite=overwrite)
    console.print(f"wrote {path}: {board}, on a page of {width:g} x {height:g} mm; print it at 100 %")


def _conclude(result: RigCalibration, out: Path, *, keep_faulty: bool) -> None:
    console = Console(soft_wrap=True, highlight=False, markup=False)
    _print_result(console, result, out)
    say_where(console, out, result.findings, is_written=result.is_fit or keep_faulty)


def _print_result(console: Console, result: RigCalibration, out: Path) -> None:
    from poseharvest.rig_calibration.calibration_record import PAGE_FILE
    from poseharvest.rig_calibration.judgement import summarize

    table = Table(
        "camera",
        "lens",
        "error, px",
        "pictures",
        "left out",
        "covered",
        "focal length, px",
        "sigma",
        "place, sigma, mm",
    )
    for number, summary in enumerate(summarize(result.sightings, result.adjusted)):
        lens = result.adjusted.state.lenses[number]
        share = 100 * result.precision.focal_px[number] / lens.values[0]
        table.add_row(
            summary.name,
            "given" if lens.model == "fixed" else lens.model,
            f"{summary.error_px:.2f}",
            str(summary.num_used),
            str(len(summary.left_out)),
            f"{100 * summary.covered:.0f} %",
            f"{lens.values[0]:.1f}",
            "given" if lens.model == "fixed" else f"{share:.2g} %",
            f"{result.precision.place_mm[number]:.1f}" if number else "first",
        )
    console.print(table)
    print_findings(console, result.findings, str(out / PAGE_FILE))
