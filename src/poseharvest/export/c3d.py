"""C3D, the binary trajectories of motion capture and biomechanics programs: one person's joints as points.

Every point has a residual, by the format an estimate of its error in the file's unit: here the joint's sigma, the
radius of the sphere as large as its uncertainty's ellipsoid, rounded up to a millimetre; the format ends at 255. A
point that is missing has the residual -1. The world's axes are kept; `POINT:X_SCREEN` and `Y_SCREEN` say which of them
points up.

The header counts frames in 16 bits. Conventions for more exist, but ezc3d, and with it OpenSim and kineticstoolkit,
reads 65,535 frames of such a file and loses the rest without a word: a longer range is refused. A range that ends
beyond frame 65,534 of the capture is counted from 1, and the group POSEHARVEST says which frame that is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from poseharvest import __version__
from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError
from poseharvest.export.even_frames import Track, find_track
from poseharvest.export.export_options import Blank, check_blank, check_choice, check_frames
from poseharvest.export.exporter import Exporter
from poseharvest.export.filled_gaps import with_filled_gaps
from poseharvest.export.markers import Marker, MarkerNames, at_markers, markers_of, name_findings
from poseharvest.export.survey import Survey, runs, survey
from poseharvest.export.trajectories import poses_of, smooth_findings
from poseharvest.export.upright import find_up
from poseharvest.findings import Finding
from poseharvest.units import LengthUnit, mm_per

Gaps: TypeAlias = Literal["fill", "empty"]
Axis: TypeAlias = Literal["auto", "x", "-x", "y", "-y", "z", "-z"]

SCREENS: Final[dict[str, tuple[str, str]]] = {
    "x": ("+Y", "+X"),
    "-x": ("+Y", "-X"),
    "y": ("+X", "+Y"),
    "-y": ("+X", "-Y"),
    "z": ("+X", "+Z"),
    "-z": ("+X", "-Z"),
}
"""By the axis that points up: the axes that a screen shows to the right and upwards."""

MOST_FRAMES: Final = 65534
"""Of a file, and the last number of a frame, from 1: readers that add 1 to 65535 in 16 bits find no frame at all."""

_MISSING = -1.0
_MOST_STEPS = 255  # of POINT:SCALE, a millimetre: a residual is a byte
_BLOCK_BYTES = 512
_SCALE_AT, _DATA_BLOCK_AT = 12, 16  # bytes of the header


@dataclass(frozen=True)
class C3dOptions:
    """How to write C3D.

    Attributes:
        unit: of positions and residuals; most programs expect mm.
        up: the world's axis that points up, written into the file; nothing is turned. "auto" goes by the body and the
            cameras.
        blank: joints that are written as missing.
        gaps: what becomes of frames in which no joint is written: "fill", points on the straight line between the
            frames around, or "empty", missing points, at which OpenSim's inverse kinematics ends.
        person: whom to write; None for the only one.
        start: the capture's first frame to write, from 0.
        stop: the frame before which to stop; None is the end of the capture.
        smooth: write positions smoothed over time, with short gaps filled; otherwise those of each frame alone.
        constant_limbs: move joints outwards from the root so that each limb has its learned length in all frames.
        markers: how markers are called: as the "joints" are, or as "pose2sim" calls them in its OpenSim marker sets.
    """

    unit: LengthUnit = "mm"
    up: Axis = "auto"
    blank: Blank = "unsupported"
    gaps: Gaps = "empty"
    person: int | None = None
    start: int = 0
    stop: int | None = None
    smooth: bool = True
    constant_limbs: bool = False
    markers: MarkerNames = "joints"

    def __post_init__(self) -> None:
        mm_per(self.unit)
        check_choice("up", self.up, get_args(Axis))
        check_choice("markers", self.markers, get_args(MarkerNames))
        check_blank(self.blank)
        check_choice("gaps", self.gaps, get_args(Gaps))
        check_frames(self.start, self.stop)


def write_c3d(harvest: Harvest, path: Path, options: C3dOptions) -> tuple[Finding, ...]:
    """Write one person of the harvest as a C3D file.

    Returns:
        Another count of frames than the capture's, and a person who lies.

    Raises:
        ConfigError: the person is not in the harvest, there are several and none is chosen, no joint is written, there
            are more frames than the format counts, or ezc3d is missing.
    """
    track = find_track(harvest, options, "a C3D file")
    _check_length(track)
    markers = markers_of(harvest.skeleton.joints, options.markers)
    trajectories = survey(harvest, track, options, markers)
    upright = find_up(harvest, trajectories.upwards, options.up)
    file = _new_file()
    points, residuals = (np.stack(values) for values in zip(*_frames(harvest, track, options, markers), strict=True))
    file["data"]["points"] = points.transpose(2, 1, 0)
    _describe(file, harvest, track, _Labels(tuple(m.name for m in markers), options.unit, upright.axis))
    with TemporaryDirectory() as folder:  # the library gives a file its own ending, and no reason where a disk is full
        written = Path(folder) / "points.c3d"
        file.write(str(written))
        path.write_bytes(_with_residuals(written.read_bytes(), residuals, 1 / mm_per(options.unit)))
    return (
        *_count_findings(harvest, track),
        *_gap_findings(trajectories, track, options.gaps),
        *upright.findings,
        *smooth_findings(harvest, options),
        *(name_findings(harvest.skeleton.joints, options.markers) if options.markers != "joints" else ()),
    )


def _check_length(track: Track) -> None:
    if len(track.frames) > MOST_FRAMES:
        stop = track.first + MOST_FRAMES * track.step
        raise ConfigError(
            f"a C3D file: expected at most {MOST_FRAMES} frames, the most that its readers take, got "
            f"{len(track.frames)}, {track.first} to {track.last}: write parts, the first with --start {track.first} "
            f"--stop {stop}, the next with --start {stop}"
        )


def _first_number(track: Track) -> int:
    """Return the number of the file's first frame, from 0: the capture's, unless the format cannot count so far."""
    first = track.first // track.step
    return first if first + len(track.frames) <= MOST_FRAMES else 0


def _count_findings(harvest: Harvest, track: Track) -> tuple[Finding, ...]:
    if _first_number(track) == track.first // track.step:
        return ()
    time_s = track.first / harvest.info.capture.frame_rate
    message = (
        f"C3D counts frames up to {MOST_FRAMES}: the file's first frame is the capture's frame {track.first}, "
        f"{time_s:.3f} s after its start (POSEHARVEST:FIRST_FRAME in the file)"
    )
    return (Finding("warning", "frames", message),)


def _gap_findings(trajectories: Survey, track: Track, gaps: Gaps) -> tuple[Finding, ...]:
    missing = [frame for frame, shown in zip(track.frames, trajectories.shown, strict=True) if not shown]
    if not missing:
        return ()
    what = f"{len(missing)} of {len(track.frames)} frames show no marker (from 0: {runs(missing, track.step)})"
    if gaps == "fill":
        return (Finding("warning", "gaps", f"{what}: filled by straight lines between the frames around"),)
    ends = "OpenSim's inverse kinematics would end there (--gaps fill)"
    return (Finding("note", "gaps", f"{what}: their points are missing; {ends}"),)


def _new_file() -> Any:
    try:
        import ezc3d
    except ImportError as error:
        raise ConfigError("C3D: writing needs ezc3d: pip install 'poseharvest[c3d]'") from error
    return ezc3d.c3d()


def _frames(
    harvest: Harvest, track: Track, options: C3dOptions, markers: Sequence[Marker]
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Yield homogeneous points (M, 4) and residuals (M,), in steps, of every frame."""
    joints = harvest.skeleton.joints
    shown = (None if pose is None else at_markers(pose, joints, markers) for pose in poses_of(harvest, track, options))
    for pose in with_filled_gaps(shown) if options.gaps == "fill" else shown:
        points, residuals = np.full((len(markers), 4), np.nan), np.full(len(markers), _MISSING)
        if pose is not None:
            is_shown = pose.shown.numpy()
            points[is_shown, :3] = pose.points.numpy()[is_shown] / mm_per(options.unit)
            points[is_shown, 3] = 1
            residuals[is_shown] = np.ceil(pose.sigma_mm.numpy()[is_shown]).clip(max=_MOST_STEPS)
        yield points, residuals


def _with_residuals(content: bytes, residuals: NDArray[np.float64], step: float) -> bytes:
    """Return the file with residuals (F, J), in steps of `step`, in the fourth words of its points.

    The word is a float that holds a 16-bit integer, the residual in its low byte and cameras in the high one. ezc3d
    1.7 has them the other way round, and no step but 1 in the header.
    """
    start = (struct.unpack_from("<H", content, _DATA_BLOCK_AT)[0] - 1) * _BLOCK_BYTES
    words = np.frombuffer(content, "<f4", residuals.size * 4, start).reshape(*residuals.shape, 4).copy()
    words[..., 3] = residuals
    header = content[:_SCALE_AT] + struct.pack("<f", -step) + content[_SCALE_AT + 4 : start]
    return header + words.tobytes() + content[start + words.nbytes :]


@dataclass(frozen=True)
class _Labels:
    """What the file says of its points: their names, their unit, and the axis that points up."""

    names: tuple[str, ...]
    unit: LengthUnit
    up: str


def _describe(file: Any, harvest: Harvest, track: Track, labels: _Labels) -> None:
    right, upwards = SCREENS[labels.up]
    names = list(labels.names)
    for name, value in (
        ("RATE", [harvest.info.capture.frame_rate / track.step]),
        ("LABELS", names),
        ("DESCRIPTIONS", ["joint centre; the residual is its sigma"] * len(names)),
        ("UNITS", [labels.unit]),
        ("SCALE", [-1 / mm_per(labels.unit)]),  # negative: positions are floating point
        ("X_SCREEN", [right]),
        ("Y_SCREEN", [upwards]),
    ):
        file.add_parameter("POINT", name, value)
    file.add_parameter("MANUFACTURER", "COMPANY", ["poseharvest"])
    file.add_parameter("MANUFACTURER", "SOFTWARE", ["poseharvest"])
    file.add_parameter("MANUFACTURER", "VERSION_LABEL", [__version__])
    file.add_parameter("POSEHARVEST", "FIRST_FRAME", [float(track.first)], "the first frame in the capture, from 0")
    file["header"]["points"]["first_frame"] = _first_number(track)


EXPORTER = Exporter(
    name="c3d",
    description="marker trajectories of one person for Visual3D, Mokka and the like; a point's residual is its sigma",
    options=C3dOptions,
    write=write_c3d,
)
