"""`poseharvest audit`: is this capture fit to be harvested?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from poseharvest.cli.assignments import VIEWS_HELP, split_names
from poseharvest.cli.footage_options import ROTATE, SCALE
from poseharvest.errors import CaptureError
from poseharvest.findings import worst_first
from poseharvest.units import LengthUnit


def audit(
    capture: Annotated[Path, typer.Argument(help="Folder with videos/ or images/.", show_default=False)],
    calibration: Annotated[Path | None, typer.Option(help="Its file; found in the capture if not given.")] = None,
    unit: Annotated[LengthUnit | None, typer.Option(help="The calibration's unit: mm, cm or m.")] = None,
    views: Annotated[str | None, typer.Option(help=VIEWS_HELP)] = None,
    rotate: Annotated[str | None, typer.Option(help=ROTATE, show_default=False)] = None,
    scale: Annotated[str | None, typer.Option(help=SCALE, show_default=False)] = None,
) -> None:
    """Check footage, timing and calibration, without looking at a single person."""
    from poseharvest.capture.capture import Capture
    from poseharvest.capture.capture_audit import audit_capture

    opened = Capture.open(
        capture, calibration=calibration, unit=unit, views=split_names(views), rotate=rotate, scale=scale
    )
    result = audit_capture(opened)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(f"{result.name}: {result.num_frames} frames at {result.frame_rate:g} Hz, {len(result.views)} views")
    table = Table("view", "width x height", "rate, Hz", "pictures", "starts, s", "missing", "longest gap, s", "off, ms")
    for view in result.views:
        size = f"{view.image_size[1]} x {view.image_size[0]}"
        numbers = (f"{view.frame_rate:g}", str(view.num_pictures), f"{view.start_s:.3f}", str(view.num_missing))
        table.add_row(view.name, size, *numbers, f"{view.longest_gap_s:.3f}", f"{view.max_error_ms:.1f}")
    console.print(table)
    if result.depth is not None:
        console.print(
            f"depth: where the cameras look, one pixel of error in every view means {result.depth.worst_mm:.1f} mm; "
            f"the widest angle between two cameras is {result.depth.widest_angle_deg:.0f} degrees"
        )
    for finding in worst_first(result.findings):
        console.print(f"{finding.severity}: {finding.message}")
    errors = [finding.message for finding in result.findings if finding.severity == "error"]
    if errors:
        raise CaptureError(f"{result.name}: the audit found {len(errors)} error(s): {'; '.join(errors)}")
    console.print("fit to be harvested")
