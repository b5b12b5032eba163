"""How a command that calibrates cameras ends: where they were written, or why they were not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from poseharvest.errors import CalibrationError
from poseharvest.findings import Finding


def say_where(console: Console, out: Path, findings: Sequence[Finding], *, is_written: bool) -> None:
    """Print where the cameras and the report lie.

    Raises:
        CalibrationError: no cameras were written; the message has the first error.
    """
    from poseharvest.rig_calibration.calibration_record import CAMERAS_FILE, PAGE_FILE

    if not is_written:
        errors = [finding.message for finding in findings if finding.severity == "error"]
        raise CalibrationError(
            f"{out}: no cameras are written, for {len(errors)} error(s): {errors[0]}; {out / PAGE_FILE} shows all "
            "(--keep-faulty writes the cameras nevertheless)"
        )
    console.print(f"wrote {out / CAMERAS_FILE}; the report is {out / PAGE_FILE}")
