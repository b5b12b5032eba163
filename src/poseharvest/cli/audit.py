"""`poseharvest audit`: is this capture fit to be harvested?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from poseharvest.cli.derived_options import with_options
from poseharvest.cli.footage_options import (
    FOOTAGE,
    DetectorChoice,
    detector_choice,
    detector_options,
    footage_settings,
    settings_of,
)
from poseharvest.cli.progress_bar import progress_bar
from poseharvest.errors import CaptureError
from poseharvest.findings import worst_first

_DETECTOR = "Keypoint files, or a network, by which to see whether the cameras are in step."


@with_options("footage", FOOTAGE, footage_settings)
@with_options("detector", detector_options(_DETECTOR), detector_choice)
def audit(
    capture: Annotated[Path, typer.Argument(help="Folder with videos/ or images/.", show_default=False)],
    footage: Mapping[str, Any],
    detector: DetectorChoice,
) -> None:
    """Check footage, timing and calibration; people are looked at only with --detector."""
    from poseharvest.capture.capture_audit import audit_capture
    from poseharvest.detectors.keypoint_capture import open_capture
    from poseharvest.synchronisation.capture_clocks import clocks_by_motion, step_findings

    settings = settings_of(capture, footage)
    looker = None if detector.name is None else detector.load()
    opened = open_capture(capture, looker, settings)
    result = audit_capture(opened)
    if looker is not None:
        with progress_bar(Console(stderr=True)) as on_progress:
            found = clocks_by_motion(opened, looker, on_progress=on_progress)
        result = replace(result, findings=(*result.findings, *step_findings(found)))
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
