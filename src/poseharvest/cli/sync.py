"""`poseharvest sync`: offsets between cameras that were not started together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console

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
from poseharvest.detectors.detector_names import describe_detectors

if TYPE_CHECKING:
    from poseharvest.synchronisation.clock_search import ClocksFound

_BY = "motion: of the people in the footage; sound: of the videos; timecode: as the cameras wrote it."
_MAX = "Largest offset between two views, in seconds; 2 by motion, 60 by sound."
_WRITE = "Write what is sure into capture.toml, as offsets and clock_rates."


@with_options("footage", FOOTAGE, footage_settings)
@with_options("detector", detector_options(describe_detectors(), "efficientpose"), detector_choice)
def sync(
    capture: Annotated[Path, typer.Argument(help="Folder with videos/ or images/, and a calibration.")],
    footage: Mapping[str, Any],
    detector: DetectorChoice,
    by: Annotated[Literal["motion", "sound", "timecode"], typer.Option(help=_BY)] = "motion",
    max_offset: Annotated[float | None, typer.Option(help=_MAX, show_default=False, min=0.01)] = None,
    write: Annotated[bool, typer.Option("--write", help=_WRITE)] = False,
) -> None:
    """Find how much later each camera was started, and say how sure that is."""
    from poseharvest.detectors.keypoint_capture import open_capture
    from poseharvest.synchronisation.capture_clocks import (
        MAX_OFFSET_S,
        capture_by_sound,
        capture_by_time_code,
        clocks_by_motion,
        settings_with,
        write_clocks,
    )

    settings = settings_of(capture, footage)
    if by == "motion":
        network = detector.load()
        opened = open_capture(capture, network, settings)
        with progress_bar(Console(stderr=True)) as on_progress:
            limit_s = MAX_OFFSET_S if max_offset is None else max_offset
            found = clocks_by_motion(opened, network, max_offset_s=limit_s, on_progress=on_progress)
    else:
        opened = open_capture(capture, None, settings)
        found = capture_by_time_code(opened) if by == "timecode" else capture_by_sound(opened, max_offset)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print("\n".join(clock_lines(found)))
    if write:
        console.print(f"written: {write_clocks(capture, settings_with(opened, found))}")


def clock_lines(found: ClocksFound) -> list[str]:
    """Return what was found, a line for each view, and at the end what is not sure."""
    from poseharvest.synchronisation.capture_clocks import written_rate

    first, *others = found.clocks
    lines = [f"{first.view}: the reference"]
    for clock in others:
        text = f"{clock.view}: {clock.offset_s:+.4f} s ({clock.offset_s / found.period_s:+.2f} frames)"
        text += f" +- {clock.sigma_s:.4f} s"
        rate = written_rate(clock)
        if rate:
            text += f", its clock {1e6 * rate:+.1f} ppm beside the reference"
        lines.append(text if clock.is_sure else f"{text}: NOT SURE: {clock.doubt}")
    unsure = [clock.view for clock in others if not clock.is_sure]
    if unsure:
        lines.append(
            f"not sure: {', '.join(unsure)}: nothing is written for it; try another stretch with faster motion, "
            "keypoints of a better detector, sound or time codes (--by), or set [offsets] in capture.toml by hand"
        )
    else:
        lines.append("all sure; an offset is the time to add to a view's time stamps")
    return lines
