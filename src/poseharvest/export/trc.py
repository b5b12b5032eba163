"""TRC, the marker trajectories of OpenSim and Motion Analysis: one person, tab-separated text, Y up.

Line 1 names the capture, lines 2 and 3 hold the header, 4 and 5 the markers and their axes, line 6 is empty, then comes
a row per frame. Frame numbers start at 1. A marker that is missing in a frame has three empty cells, and every line of
the table ends with a tab: without it OpenSim loses an empty last cell and refuses the row.

Rows are evenly spaced, as readers assume: frames in which the person was not found are there, empty. If only every n-th
frame was harvested, the data rate is the n-th part of the camera's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.export.options import Blank, check_blank, check_choice, shown_joints
from poseharvest.export.track import Track, find_track, rows_of
from poseharvest.units import LengthUnit, mm_per

Up: TypeAlias = Literal["x", "-x", "y", "-y", "z", "-z", "keep"]

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
        person: whom to write; None for the only one.
    """

    unit: LengthUnit = "m"
    up: Up = "z"
    blank: Blank = "unsupported"
    person: int | None = None

    def __post_init__(self) -> None:
        mm_per(self.unit)
        check_choice("up", self.up, tuple(ROTATIONS))
        check_blank(self.blank)


def write_trc(harvest: Harvest, path: Path, options: TrcOptions) -> None:
    """Write one person of the harvest as a TRC file.

    Raises:
        ConfigError: the person is not in the harvest, or there are several and none is chosen.
    """
    track = find_track(harvest, options.person, "a TRC file")
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(line + "\n" for line in _header(harvest, track, options.unit))
        stream.writelines(line + "\n" for line in _rows(harvest, track, options))


def _header(harvest: Harvest, track: Track, unit: str) -> Iterator[str]:
    joints, capture = harvest.skeleton.joints, harvest.info.capture
    yield f"PathFileType\t4\t(X/Y/Z)\t{capture.name}.trc"
    yield "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames"
    rate, data_rate = (f"{value:.10g}" for value in (capture.frame_rate, capture.frame_rate / track.step))
    counts = (data_rate, rate, len(track.frames), len(joints), unit, rate, 1, capture.num_frames)
    yield "\t".join(map(str, counts))
    yield "Frame#\tTime\t" + "".join(f"{joint}\t\t\t" for joint in joints)
    yield "\t\t" + "".join(f"X{i}\tY{i}\tZ{i}\t" for i in range(1, len(joints) + 1))
    yield ""


def _rows(harvest: Harvest, track: Track, options: TrcOptions) -> Iterator[str]:
    up_from_world = torch.tensor(ROTATIONS[options.up], dtype=torch.float64)
    step_s = track.step / harvest.info.capture.frame_rate
    last_time_s = track.first / harvest.info.capture.frame_rate - step_s
    for frame, row in zip(track.frames, rows_of(harvest, track), strict=True):
        if row is None:
            last_time_s += step_s
            yield _line(frame, last_time_s, [None] * len(harvest.skeleton.joints))
            continue
        points = row.annotations.mean @ up_from_world.T / mm_per(options.unit)
        shown = shown_joints(row, options.blank).tolist()
        last_time_s = row.annotations.time_s
        yield _line(frame, last_time_s, [p if s else None for p, s in zip(points, shown, strict=True)])


def _line(frame: int, time_s: float, points: Sequence[Tensor | None]) -> str:
    cells = "".join("\t\t\t" if point is None else "".join(f"{x:.9g}\t" for x in point.tolist()) for point in points)
    return f"{frame + 1}\t{time_s:.9g}\t{cells}"
