"""TRC, the marker trajectories of OpenSim and Motion Analysis: one person, tab-separated text, Y up.

Line 1 names the capture, lines 2 and 3 hold the header, 4 and 5 the markers and their axes, line 6 is empty, then comes
a row per frame. Frame numbers start at 1. A marker that is missing in a frame has three empty cells, and every line of
the table ends with a tab: without it OpenSim loses an empty last cell and refuses the row.

Rows are evenly spaced, as readers assume. OpenSim's inverse kinematics ends at a row without a marker. So a frame in
which no joint is written is filled from the frames around it, and a finding names it. If only every n-th frame was
harvested, the data rate is the n-th part of the camera's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import torch

from poseharvest.annotations.reader import Harvest
from poseharvest.export.even_frames import Track, find_track
from poseharvest.export.export_options import Blank, check_blank, check_choice, check_frames
from poseharvest.export.exporter import Exporter
from poseharvest.export.filled_gaps import with_filled_gaps
from poseharvest.export.markers import Marker, MarkerNames, at_markers, markers_of, name_findings
from poseharvest.export.survey import Survey, runs, survey
from poseharvest.export.trajectories import Pose, poses_of, smooth_findings
from poseharvest.export.upright import find_up
from poseharvest.findings import Finding
from poseharvest.units import LengthUnit, mm_per

Up: TypeAlias = Literal["auto", "x", "-x", "y", "-y", "z", "-z", "keep"]
Gaps: TypeAlias = Literal["fill", "empty", "skip"]

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
        up: the world's axis that points up, turned into Y as OpenSim wants; "auto" goes by the body and the cameras,
            "keep" leaves the axes alone. "z", as most calibrations have it, becomes (X, Y, Z) = (y, z, x).
        blank: joints that are written as missing.
        gaps: what becomes of frames in which no joint is written: "fill", a row on the straight line between the
            frames around, "empty", a row without numbers, at which OpenSim's inverse kinematics ends, or "skip",
            no row.
        person: whom to write; None for the only one.
        start: the capture's first frame to write, from 0.
        stop: the frame before which to stop; None is the end of the capture.
        smooth: write positions smoothed over time, with short gaps filled; otherwise those of each frame alone.
        constant_limbs: move joints outwards from the root so that each limb has its learned length in all frames.
        markers: how markers are called: as the "joints" are, or as "pose2sim" calls them in its OpenSim marker sets.
    """

    unit: LengthUnit = "m"
    up: Up = "auto"
    blank: Blank = "unsupported"
    gaps: Gaps = "fill"
    person: int | None = None
    start: int = 0
    stop: int | None = None
    smooth: bool = True
    constant_limbs: bool = False
    markers: MarkerNames = "joints"

    def __post_init__(self) -> None:
        mm_per(self.unit)
        check_choice("up", self.up, get_args(Up))
        check_choice("markers", self.markers, get_args(MarkerNames))
        check_blank(self.blank)
        check_choice("gaps", self.gaps, get_args(Gaps))
        check_frames(self.start, self.stop)


def write_trc(harvest: Harvest, path: Path, options: TrcOptions) -> tuple[Finding, ...]:
    """Write one person of the harvest as a TRC file.

    Returns:
        Frames without a marker, what OpenSim makes of the markers' names, the axis that is taken as up, and a person
        who lies.

    Raises:
        ConfigError: the person is not in the harvest, there are several and none is chosen, or no joint is written.
    """
    track = find_track(harvest, options, "a TRC file")
    markers = markers_of(harvest.skeleton.joints, options.markers)
    trajectories = survey(harvest, track, options, markers)
    upright = find_up(harvest, trajectories.upwards, "y" if options.up == "keep" else options.up)
    turned = "keep" if options.up == "keep" else upright.axis
    written = _written_frames(trajectories, track, options.gaps)
    empty: list[int] = []
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(line + "\n" for line in _header(harvest, track, options.unit, markers, len(written)))
        for row in _rows(harvest, track, options, markers):
            if row.frame in written:
                stream.write(_line(row, len(markers), options.unit, turned) + "\n")
                empty += [] if row.pose is not None and bool(row.pose.shown.any()) else [row.frame]
    return (
        *_gap_findings(trajectories, track, options.gaps, empty),
        *upright.findings,
        *smooth_findings(harvest, options),
        *name_findings(harvest.skeleton.joints, options.markers),
    )


@dataclass(frozen=True)
class _Row:
    """A frame of the file: its number in the capture, from 0, its time, and its markers, None if nobody was found."""

    frame: int
    time_s: float
    pose: Pose | None


def _written_frames(trajectories: Survey, track: Track, gaps: Gaps) -> Collection[int]:
    """Return the frames that have a row."""
    shown = [frame for frame, is_shown in zip(track.frames, trajectories.shown, strict=True) if is_shown]
    if gaps == "skip":
        return frozenset(shown)
    return track.frames if gaps == "empty" else range(shown[0], shown[-1] + 1, track.step)


def _gap_findings(trajectories: Survey, track: Track, gaps: Gaps, empty: Sequence[int]) -> tuple[Finding, ...]:
    missing = [frame for frame, shown in zip(track.frames, trajectories.shown, strict=True) if not shown]
    if not missing:
        return ()
    what = f"{len(missing)} of {len(track.frames)} frames show no marker (from 0: {runs(missing, track.step)})"
    ends = "OpenSim's inverse kinematics ends there; leave them out with --gaps skip, or give it a time_range without"
    if gaps == "skip":
        message = (
            f"{what} and have no row: rows are not evenly spaced, "
            "as programs assume that go by the data rate instead of the column Time"
        )
    elif gaps == "empty":
        message = f"{what}: {ends} them"
    else:
        message = (
            f"{what}: filled by straight lines between the frames around, or left out before the first or last one"
        )
        if empty:
            message += f"; no marker is shown both before and after {runs(empty, track.step)}: {ends} these"
    return (Finding("warning", "gaps", message),)


def _header(harvest: Harvest, track: Track, unit: str, markers: Sequence[Marker], num_rows: int) -> Iterator[str]:
    names, capture = [_one_cell(marker.name) for marker in markers], harvest.info.capture
    yield f"PathFileType\t4\t(X/Y/Z)\t{_one_cell(capture.name)}.trc"
    yield "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames"
    rate, data_rate = (f"{value:.10g}" for value in (capture.frame_rate, capture.frame_rate / track.step))
    counts = (data_rate, rate, num_rows, len(names), unit, rate, 1, capture.num_frames)
    yield "\t".join(map(str, counts))
    yield "Frame#\tTime\t" + "".join(f"{name}\t\t\t" for name in names)
    yield "\t\t" + "".join(f"X{i}\tY{i}\tZ{i}\t" for i in range(1, len(names) + 1))
    yield ""


def _one_cell(name: str) -> str:
    """Return a name without tabs and line breaks, which would end its cell."""
    return " ".join(name.split())


def _rows(harvest: Harvest, track: Track, options: TrcOptions, markers: Sequence[Marker]) -> Iterator[_Row]:
    """Yield a row for every frame of the track, filled if so chosen."""
    joints = harvest.skeleton.joints
    shown = (None if pose is None else at_markers(pose, joints, markers) for pose in poses_of(harvest, track, options))
    poses = with_filled_gaps(shown) if options.gaps == "fill" else shown
    step_s = track.step / harvest.info.capture.frame_rate
    last_time_s = track.first / harvest.info.capture.frame_rate - step_s
    for frame, pose in zip(track.frames, poses, strict=True):
        last_time_s = last_time_s + step_s if pose is None else pose.time_s
        yield _Row(frame, last_time_s, pose)


def _line(row: _Row, num_markers: int, unit: LengthUnit, up: str) -> str:
    """Return a row as text, its positions in the file's unit and axes."""
    start = f"{row.frame + 1}\t{row.time_s:.9g}\t"
    if row.pose is None:
        return start + "\t\t\t" * num_markers
    up_from_world = torch.tensor(ROTATIONS[up], dtype=torch.float64)
    points = row.pose.points @ up_from_world.T / mm_per(unit)
    cells = (
        "".join(f"{x:.9g}\t" for x in point) if shown else "\t\t\t"
        for point, shown in zip(points.tolist(), row.pose.shown.tolist(), strict=True)
    )
    return start + "".join(cells)


EXPORTER = Exporter(
    name="trc",
    description="marker trajectories of one person for OpenSim and Pose2Sim's tools",
    options=TrcOptions,
    write=write_trc,
)
