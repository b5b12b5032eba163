"""TRC, the marker trajectories of OpenSim and Motion Analysis: one person, tab-separated text, Y up.

Line 1 names the capture, lines 2 and 3 hold the header, 4 and 5 the markers and their axes, line 6 is empty, then comes
a row per frame. Frame numbers start at 1. A marker that is missing in a frame has three empty cells, and every line of
the table ends with a tab: without it OpenSim loses an empty last cell and refuses the row.

Rows are evenly spaced, as readers assume: a frame in which no joint is written has an empty row. OpenSim's inverse
kinematics ends there, so that such rows can be left out; a finding says so. If only every n-th frame was harvested, the
data rate is the n-th part of the camera's. Markers have the names of the joints.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.export.even_frames import Track, find_track
from poseharvest.export.export_options import Blank, check_blank, check_choice, check_frames
from poseharvest.export.exporter import Exporter
from poseharvest.export.survey import Survey, posture_findings, runs, survey
from poseharvest.export.trajectories import Pose, poses_of, smooth_findings
from poseharvest.findings import Finding
from poseharvest.units import LengthUnit, mm_per

Up: TypeAlias = Literal["x", "-x", "y", "-y", "z", "-z", "keep"]
Gaps: TypeAlias = Literal["empty", "skip"]

ROTATIONS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "x": ((0, 0, 1), (1, 0, 0), (0, 1, 0)),
    "-x": ((0, 1, 0), (-1, 0, 0), (0, 0, 1)),
    "y": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "-y": ((1, 0, 0), (0, -1, 0), (0, 0, -1)),
    "z": ((0, 1, 0), (0, 0, 1), (1, 0, 0)),
    "-z": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    "keep": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
}
"""For every axis of the world that may point up, the rotation that turns it into Y. Never a mirror image."""


@dataclass(frozen=True)
class TrcOptions:
    """How to write TRC.

    Attributes:
        unit: of positions; OpenSim reads m and mm.
        up: the world's axis that points up, turned into Y as OpenSim wants; "keep" leaves the axes alone. "z", as most
            calibrations have it, becomes (X, Y, Z) = (y, z, x).
        blank: joints that are written as missing.
        gaps: what becomes of frames in which no joint is written: "empty", a row without numbers, at which OpenSim's
            inverse kinematics ends, or "skip", no row.
        person: whom to write; None for the only one.
        start: the capture's first frame to write, from 0.
        stop: the frame before which to stop; None is the end of the capture.
        smooth: write positions smoothed over time, with short gaps filled; otherwise those of each frame alone.
        constant_limbs: move joints outwards from the root so that each limb has its learned length in all frames.
    """

    unit: LengthUnit = "m"
    up: Up = "z"
    blank: Blank = "unsupported"
    gaps: Gaps = "empty"
    person: int | None = None
    start: int = 0
    stop: int | None = None
    smooth: bool = True
    constant_limbs: bool = False

    def __post_init__(self) -> None:
        mm_per(self.unit)
        check_choice("up", self.up, tuple(ROTATIONS))
        check_blank(self.blank)
        check_choice("gaps", self.gaps, get_args(Gaps))
        check_frames(self.start, self.stop)


def write_trc(harvest: Harvest, path: Path, options: TrcOptions) -> tuple[Finding, ...]:
    """Write one person of the harvest as a TRC file.

    Returns:
        Frames without a marker, what OpenSim makes of the markers' names, and a person who lies.

    Raises:
        ConfigError: the person is not in the harvest, there are several and none is chosen, or no joint is written.
    """
    track = find_track(harvest, options, "a TRC file")
    trajectories = survey(harvest, track, options)
    num_rows = int(trajectories.shown.sum()) if options.gaps == "skip" else len(track.frames)
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(line + "\n" for line in _header(harvest, track, options.unit, num_rows))
        stream.writelines(line + "\n" for line in _rows(harvest, track, options))
    up = "y" if options.up == "keep" else options.up
    return (
        *_gap_findings(trajectories, track, options.gaps),
        *posture_findings(trajectories, up),
        *smooth_findings(harvest, options),
        _about_names(harvest),
    )


def _gap_findings(trajectories: Survey, track: Track, gaps: Gaps) -> tuple[Finding, ...]:
    missing = [frame for frame, shown in zip(track.frames, trajectories.shown, strict=True) if not shown]
    if not missing:
        return ()
    what = f"{len(missing)} of {len(track.frames)} frames show no marker (from 0: {runs(missing, track.step)})"
    if gaps == "skip":
        message = (
            f"{what} and have no row: rows are not evenly spaced, "
            "as programs assume that go by the data rate instead of the column Time"
        )
    else:
        message = (
            f"{what}: OpenSim's inverse kinematics ends there; "
            "leave them out with --gaps skip, or give it a time_range without them"
        )
    return (Finding("warning", "gaps", message),)


def _about_names(harvest: Harvest) -> Finding:
    joints = harvest.skeleton.joints
    some = ", ".join(joints[:3]) + (", ..." if len(joints) > 3 else "")
    return Finding(
        "note",
        "markers",
        f"markers are called as the joints are ({some}): OpenSim's inverse kinematics takes "
        "those whose names the model's marker set has, and crashes without a word where it has none of them",
    )


def _header(harvest: Harvest, track: Track, unit: str, num_rows: int) -> Iterator[str]:
    joints, capture = [_one_cell(joint) for joint in harvest.skeleton.joints], harvest.info.capture
    yield f"PathFileType\t4\t(X/Y/Z)\t{_one_cell(capture.name)}.trc"
    yield "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames"
    rate, data_rate = (f"{value:.10g}" for value in (capture.frame_rate, capture.frame_rate / track.step))
    counts = (data_rate, rate, num_rows, len(joints), unit, rate, 1, capture.num_frames)
    yield "\t".join(map(str, counts))
    yield "Frame#\tTime\t" + "".join(f"{joint}\t\t\t" for joint in joints)
    yield "\t\t" + "".join(f"X{i}\tY{i}\tZ{i}\t" for i in range(1, len(joints) + 1))
    yield ""


def _one_cell(name: str) -> str:
    """Return a name without tabs and line breaks, which would end its cell."""
    return " ".join(name.split())


def _rows(harvest: Harvest, track: Track, options: TrcOptions) -> Iterator[str]:
    up_from_world = torch.tensor(ROTATIONS[options.up], dtype=torch.float64)
    step_s = track.step / harvest.info.capture.frame_rate
    last_time_s = track.first / harvest.info.capture.frame_rate - step_s
    for frame, pose in zip(track.frames, poses_of(harvest, track, options), strict=True):
        last_time_s = last_time_s + step_s if pose is None else pose.time_s
        points = _points(pose, options, up_from_world) or [None] * len(harvest.skeleton.joints)
        if options.gaps == "empty" or any(point is not None for point in points):
            yield _line(frame, last_time_s, points)


def _points(pose: Pose | None, options: TrcOptions, up_from_world: Tensor) -> Sequence[Tensor | None]:
    """Return the markers' positions in the file's unit and axes; none if nobody was found."""
    if pose is None:
        return ()
    points = pose.points @ up_from_world.T / mm_per(options.unit)
    return [point if shown else None for point, shown in zip(points, pose.shown.tolist(), strict=True)]


def _line(frame: int, time_s: float, points: Sequence[Tensor | None]) -> str:
    cells = "".join("\t\t\t" if point is None else "".join(f"{x:.9g}\t" for x in point.tolist()) for point in points)
    return f"{frame + 1}\t{time_s:.9g}\t{cells}"


EXPORTER = Exporter(
    name="trc",
    description="marker trajectories of one person for OpenSim and Pose2Sim's tools",
    options=TrcOptions,
    write=write_trc,
)
