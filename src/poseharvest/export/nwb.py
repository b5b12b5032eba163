"""Neurodata Without Borders: 3D poses of all people by its extension ndx-pose, a series for each joint.

Times are seconds since the start of the capture, and frames are evenly spaced from the first to the last; NaN where a
joint is not known. The whole harvest is held as arrays. NWB asks for the time at which the session began, which a
harvest does not know.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from poseharvest import __version__
from poseharvest.annotations import dense_arrays as dense
from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError
from poseharvest.export.exporter import Exporter
from poseharvest.export.trajectories import NOT_SMOOTH
from poseharvest.findings import Finding
from poseharvest.units import LengthUnit, mm_per

_WITHIN_MM: Final = 30.0
_UNITS: Final = {"mm": "millimeters", "cm": "centimeters", "m": "meters"}


@dataclass(frozen=True)
class NwbOptions:
    """How to write NWB.

    Attributes:
        unit: of positions.
        smooth: write positions smoothed over time, with short gaps filled; otherwise those of each frame alone.
        session_start: when the footage began, such as 2026-05-04T10:30:00+02:00; None is when the harvest was made.
    """

    unit: LengthUnit = "m"
    smooth: bool = True
    session_start: str | None = None

    def __post_init__(self) -> None:
        mm_per(self.unit)
        if self.session_start is not None:
            _moment(self.session_start)


def write_nwb(harvest: Harvest, path: Path, options: NwbOptions) -> tuple[Finding, ...]:
    """Write the poses of all people as one NWB file.

    Returns:
        That the start of the session is not known, or that there are no smooth positions.

    Raises:
        ConfigError: ndx-pose is missing.
    """
    try:
        import ndx_pose
        import pynwb
    except ImportError as error:
        raise ConfigError("NWB: writing needs ndx-pose: pip install 'poseharvest[nwb]'") from error
    info = harvest.info
    file = pynwb.NWBFile(
        session_description=f"3D poses of {info.capture.name} from {len(info.views)} cameras",
        identifier=str(uuid4()),
        session_start_time=_moment(options.session_start or info.created),
    )
    skeleton = _skeleton(harvest)
    behavior = file.create_processing_module(name="behavior", description="poses harvested from footage")
    behavior.add(ndx_pose.Skeletons(skeletons=[skeleton]))
    for pose in _poses(harvest, skeleton, options):
        behavior.add(pose)
    with TemporaryDirectory() as folder:  # the library wants its own ending, and does not say that a disk is full
        whole = Path(folder) / "poses.nwb"
        with pynwb.NWBHDF5IO(str(whole), mode="w") as io:
            io.write(file)
        shutil.copyfile(whole, path)
    is_raw = options.smooth and harvest.info.motion is None
    return (*_start_findings(options), *((NOT_SMOOTH,) if is_raw else ()))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f'session_start: expected a time such as 2026-05-04T10:30:00+02:00, got "{text}"') from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _skeleton(harvest: Harvest) -> Any:
    import ndx_pose

    skeleton = harvest.skeleton
    limbs = [(skeleton.index(limb.parent), skeleton.index(limb.child)) for limb in skeleton.limbs]
    edges = np.array(limbs, dtype=np.uint8).reshape(-1, 2)
    return ndx_pose.Skeleton(name=_plain(skeleton.name), nodes=list(skeleton.joints), edges=edges)


def _poses(harvest: Harvest, skeleton: Any, options: NwbOptions) -> list[Any]:
    """Return a container of series for every person."""
    import ndx_pose

    axes = dense.frames_and_people(harvest).evenly_spaced()
    is_smooth = options.smooth and harvest.info.motion is not None
    positions, sigmas = dense.dense_poses(harvest, axes, smooth=is_smooth)
    confidence = dense.chance_within(_WITHIN_MM, sigmas)
    step = int(axes.frames[1] - axes.frames[0]) if len(axes.frames) > 1 else 1
    timing = {"rate": harvest.info.capture.frame_rate / step, "starting_time": float(axes.times_s[0])}
    return [
        ndx_pose.PoseEstimation(
            name=f"person_{person}",
            pose_estimation_series=[
                _series(
                    name,
                    positions[:, place, joint] / mm_per(options.unit),
                    confidence[:, place, joint],
                    options.unit,
                    timing,
                )
                for joint, name in enumerate(harvest.skeleton.joints)
            ],
            description=f"person {person}, {'smoothed over time' if is_smooth else 'each frame alone'}",
            source_software="poseharvest",
            source_software_version=__version__,
            scorer=harvest.info.detector.name,
            skeleton=skeleton,
        )
        for place, person in enumerate(axes.people)
    ]


def _series(
    joint: str, positions: NDArray[np.float64], confidence: NDArray[np.float64], unit: str, timing: dict[str, float]
) -> Any:
    import ndx_pose

    return ndx_pose.PoseEstimationSeries(
        name=_plain(joint),
        description=f"centre of {joint}",
        data=positions,
        unit=_UNITS[unit],
        reference_frame="the world of the calibration",
        confidence=confidence,
        confidence_definition=f"chance that the joint lies within {_WITHIN_MM:g} mm, by its sigma",
        **timing,
    )


def _plain(name: str) -> str:
    """Return a name without the characters that NWB forbids."""
    return name.replace("/", "_").replace(":", "_")


def _start_findings(options: NwbOptions) -> tuple[Finding, ...]:
    if options.session_start is not None:
        return ()
    message = "the file has the time at which the harvest was made as its start: give the session's, --session-start"
    return (Finding("warning", "time", message),)


EXPORTER = Exporter(
    name="nwb",
    description="3D poses of all people for neuroscience, an NWB file by the extension ndx-pose",
    options=NwbOptions,
    write=write_nwb,
)
