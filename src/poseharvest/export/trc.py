"""TRC, the marker trajectories of OpenSim and Motion Analysis: one person, tab-separated text, Y up.

Line 1 names the capture, lines 2 and 3 hold the header, 4 and 5 the markers and their axes, line 6 is empty, then comes
a row per frame. Frame numbers start at 1. A marker that is missing in a frame has three empty cells, and every line of
the table ends with a tab: without it OpenSim loses an empty last cell and refuses the row.

Rows are evenly spaced, as readers assume: frames in which the person was not found are there, empty. If only every n-th
frame was harvested, the data rate is the n-th part of the camera's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError
from poseharvest.export.options import Blank, check_blank, check_choice, shown_joints
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


@dataclass(frozen=True)
class _Track:
    """The frames of one person: `first` to `last` in steps of `step`."""

    person: int
    first: int
    last: int
    step: int

    @property
    def frames(self) -> range:
        return range(self.first, self.last + 1, self.step)


def write_trc(harvest: Harvest, path: Path, options: TrcOptions) -> None:
    """Write one person of the harvest as a TRC file.

    Raises:
        ConfigError: the person is not in the harvest, or there are several and none is chosen.
    """
    track = _find_track(harvest, options.person)
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(line + "\n" for line in _header(harvest, track, options.unit))
        stream.writelines(line + "\n" for line in _rows(harvest, track, options))


def _find_track(harvest: Harvest, person: int | None) -> _Track:
    """Return the frames of `person`, in one pass over two columns."""
    tracks: dict[int, _Track] = {}
    for table in harvest.frame_columns(["frame", "person"]):
        for frame, who in zip(table.column("frame").to_pylist(), table.column("person").to_pylist(), strict=True):
            old = tracks.get(who, _Track(who, frame, frame, 0))
            tracks[who] = _Track(who, old.first, frame, math.gcd(old.step, frame - old.last))
    found = ", ".join(map(str, sorted(tracks)))
    if person is None and len(tracks) > 1:
        raise ConfigError(f"person: a TRC file holds one person, this harvest holds {found}: choose one")
    chosen = next(iter(tracks)) if person is None else person
    if chosen not in tracks:
        raise ConfigError(f"person: expected one of {found}, got {chosen}")
    track = tracks[chosen]
    return _Track(chosen, track.first, track.last, max(1, track.step))


def _header(harvest: Harvest, track: _Track, unit: str) -> Iterator[str]:
    joints, capture = harvest.skeleton.joints, harvest.info.capture
    yield f"PathFileType\t4\t(X/Y/Z)\t{capture.name}.trc"
    yield "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames"
    rate, data_rate = (f"{value:.10g}" for value in (capture.frame_rate, capture.frame_rate / track.step))
    counts = (data_rate, rate, len(track.frames), len(joints), unit, rate, 1, capture.num_frames)
    yield "\t".join(map(str, counts))
    yield "Frame#\tTime\t" + "".join(f"{joint}\t\t\t" for joint in joints)
    yield "\t\t" + "".join(f"X{i}\tY{i}\tZ{i}\t" for i in range(1, len(joints) + 1))
    yield ""


def _rows(harvest: Harvest, track: _Track, options: TrcOptions) -> Iterator[str]:
    up_from_world = torch.tensor(ROTATIONS[options.up], dtype=torch.float64)
    num_joints = len(harvest.skeleton.joints)
    period_s = 1 / harvest.info.capture.frame_rate
    expected, time_s = track.first, 0.0
    for row in harvest.iter_selected():
        record = row.annotations
        if record.person != track.person:
            continue
        for frame in range(expected, record.frame, track.step):
            gap_time_s = time_s + (frame - expected + track.step) * period_s
            yield _line(frame, gap_time_s, [None] * num_joints)
        points = record.mean @ up_from_world.T / mm_per(options.unit)
        shown = shown_joints(row, options.blank).tolist()
        yield _line(record.frame, record.time_s, [p if s else None for p, s in zip(points, shown, strict=True)])
        expected, time_s = record.frame + track.step, record.time_s


def _line(frame: int, time_s: float, points: Sequence[Tensor | None]) -> str:
    cells = "".join("\t\t\t" if point is None else "".join(f"{x:.9g}\t" for x in point.tolist()) for point in points)
    return f"{frame + 1}\t{time_s:.9g}\t{cells}"
