"""What is written of one person in every frame of a track: smooth or raw positions, and which joints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Protocol

import torch
from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import SelectedFrame
from poseharvest.annotations.smooth_poses import SmoothPose
from poseharvest.export.constant_limbs import learned_lengths, with_constant_limbs
from poseharvest.export.even_frames import Track, rows_of
from poseharvest.export.export_options import Blank, shown_joints
from poseharvest.findings import Finding

NOT_SMOOTH: Final = Finding(
    "note", "smooth", "this harvest holds no smooth positions: the file has those of every frame alone"
)


class TrajectoryOptions(Protocol):
    """Which positions are written: fields of the options of every format of trajectories."""

    @property
    def smooth(self) -> bool:
        """Write the positions that are smoothed over time."""

    @property
    def blank(self) -> Blank:
        """Joints that are written as missing."""

    @property
    def constant_limbs(self) -> bool:
        """Give each limb its learned length in all frames."""


@dataclass(frozen=True, eq=False)
class Pose:
    """One person in one frame, as it is written.

    Attributes:
        time_s: seconds from the capture's start.
        points: (J, 3) mm in the world; they mean nothing where not shown.
        sigma_mm: (J,) their uncertainty; it means nothing where not shown.
        shown: (J,) bool, True where a position is written.
    """

    time_s: float
    points: Tensor
    sigma_mm: Tensor
    shown: Tensor


def poses_of(harvest: Harvest, track: Track, options: TrajectoryOptions) -> Iterator[Pose | None]:
    """Yield a pose for every frame of the track; None where nothing is known of the person."""
    poses = _smooth_poses if options.smooth and harvest.info.motion is not None else _raw_poses
    lengths = learned_lengths(harvest, track.person)
    for pose in poses(harvest, track, options.blank):
        if pose is not None and options.constant_limbs:
            known = torch.where(pose.shown[:, None], pose.points, torch.nan)
            yield replace(pose, points=with_constant_limbs(known, harvest.skeleton, lengths))
        else:
            yield pose


def _raw_poses(harvest: Harvest, track: Track, blank: Blank) -> Iterator[Pose | None]:
    return (None if row is None else _raw(row, blank) for row in rows_of(harvest, track))


def _smooth_poses(harvest: Harvest, track: Track, blank: Blank) -> Iterator[Pose | None]:
    filled = {pose.frame: pose for pose in harvest.filled_poses() if pose.person == track.person}
    for frame, row in zip(track.frames, rows_of(harvest, track), strict=True):
        if row is not None:
            yield _smooth(row, blank)
        else:
            yield _filled(filled[frame], blank) if frame in filled else None


def smooth_findings(harvest: Harvest, options: TrajectoryOptions) -> tuple[Finding, ...]:
    """Return a note if smooth positions are asked for and the harvest has none."""
    return (NOT_SMOOTH,) if options.smooth and harvest.info.motion is None else ()


def _raw(row: SelectedFrame, blank: Blank) -> Pose:
    return Pose(row.annotations.time_s, row.annotations.mean, row.sigma_mm, shown_joints(row, blank))


def _smooth(row: SelectedFrame, blank: Blank) -> Pose:
    """Return the smooth pose of a frame; where it has no position, a joint is as unsure as one that no camera sees."""
    raw, smooth = _raw(row, blank), row.smooth
    has = smooth.has_position
    shown = {"none": torch.ones_like(has), "unsupported": has, "unselected": has & row.selected}[blank]
    points = torch.where(has[:, None], smooth.mean, raw.points)
    return Pose(raw.time_s, points, torch.where(has, smooth.sigma_mm, raw.sigma_mm), shown)


def _filled(pose: SmoothPose, blank: Blank) -> Pose:
    """Return the pose of a frame without a record: nothing in it is selected."""
    shown = torch.zeros_like(pose.filled) if blank == "unselected" else pose.has_position
    return Pose(pose.time_s, pose.mean, pose.sigma_mm, shown)
