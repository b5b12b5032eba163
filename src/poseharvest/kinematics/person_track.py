"""One person's joints over time: positions as exporters write them, with the covariances of each frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseharvest.annotations.reader import Harvest
from poseharvest.export.even_frames import Track, rows_of
from poseharvest.export.trajectories import TrajectoryOptions, poses_of
from poseharvest.kinematics.joint_angles import Floats


@dataclass(frozen=True, eq=False)
class PersonTrack:
    """One person's joints.

    Attributes:
        person: number of the person.
        joints: (J) names.
        frames: (F,) of the capture, from 0, evenly spaced.
        times_s: (F,) from the capture's start.
        points: (F, J, 3) mm in the world; NaN where there is no position.
        covariances: (F, J, 3, 3) mm^2, recalibrated where the harvest is; NaN in frames without a record, and where
            there is no position.
    """

    person: int
    joints: tuple[str, ...]
    frames: NDArray[np.int64]
    times_s: Floats
    points: Floats
    covariances: Floats

    @property
    def sigma_mm(self) -> Floats:
        """(F, J) det^(1/6) of the covariances, mm."""
        with np.errstate(invalid="ignore"):
            sigma: Floats = np.linalg.det(self.covariances).clip(min=0) ** (1 / 6)
        return sigma


def person_track(harvest: Harvest, track: Track, options: TrajectoryOptions) -> PersonTrack:
    """Return one person's joints in the frames of a track.

    Smooth positions have the covariances of the frame alone. The smoother's own are smaller, since they leave out what
    is wrong in the same way over many frames: the place of a joint by the detector's habit, or the calibration.
    """
    frames = np.array(track.frames, dtype=np.int64)
    num_joints = len(harvest.skeleton.joints)
    times = frames / harvest.info.capture.frame_rate
    points = np.full((len(frames), num_joints, 3), np.nan)
    covariances = np.full((len(frames), num_joints, 3, 3), np.nan)
    for number, pose in enumerate(poses_of(harvest, track, options)):
        if pose is not None:
            times[number] = pose.time_s
            points[number, pose.shown.numpy()] = pose.points[pose.shown].numpy()
    for number, row in enumerate(rows_of(harvest, track)):
        if row is not None:
            covariances[number] = row.calibrated_cov.numpy()
    covariances[np.isnan(points).any(-1)] = np.nan
    return PersonTrack(track.person, harvest.skeleton.joints, frames, times, points, covariances)
