"""The joint angles of every frame for the page's chart, by the definitions of `kinematics`, in few bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.export.survey import body_direction
from poseharvest.export.upright import AXES, find_up
from poseharvest.kinematics.angle_track import angles_over_time
from poseharvest.kinematics.joint_angles import Floats, angles_of
from poseharvest.kinematics.person_track import PersonTrack
from poseharvest.report.packed_numbers import LARGEST, packed_int16

STEP_DEG = 0.01
"""Angles and their standard deviations are rounded to this step."""

_RECORDS_FOR_UP = 200  # the first ones


@dataclass(frozen=True, eq=False)
class ChartAngles:
    """Which angles the chart shows.

    Attributes:
        joints: (J,) names of the harvest's joints.
        up: (3,) unit vector, the direction of the world that points up.
    """

    joints: tuple[str, ...]
    up: Floats

    @classmethod
    def of(cls, harvest: Harvest) -> ChartAngles:
        """Return the angles of a harvest's joints; up is guessed from the body in the first frames and the cameras."""
        joints = harvest.skeleton.joints
        rows = islice(harvest.iter_frames(), _RECORDS_FOR_UP)
        found = [body_direction(row.mean.double(), row.supported, joints) for row in rows]
        directions = [one for one in found if one is not None]
        body = np.mean(directions, axis=0) if directions else None
        return cls(joints, np.array(AXES[find_up(harvest, body, "auto").axis]))

    @property
    def names(self) -> tuple[str, ...]:
        """(A,) of the angles."""
        return tuple(angle.name for angle in angles_of(self.joints))

    def packed(self, records: Sequence[FrameAnnotations]) -> dict[str, Any]:
        """Return the angles of S records, raw positions with recalibrated covariances, as plain data.

        `degrees` and `sigmas_deg` are (S, A) int16 in steps of `STEP_DEG`, as base64; unknown ones are -32768.
        """
        points = np.stack([np.where(one.supported[:, None], one.mean, np.nan) for one in records]).astype(np.float64)
        covariances = np.stack([one.cov.numpy() for one in records]).astype(np.float64)
        covariances[np.isnan(points).any(-1)] = np.nan
        frames, times = np.array([one.frame for one in records]), np.array([one.time_s for one in records])
        track = PersonTrack(records[0].person, self.joints, frames, times, points, covariances)
        angles = angles_over_time(track, self.up)
        is_known = np.isfinite(angles.degrees) & np.isfinite(angles.sigma_deg)
        return {
            "step_deg": STEP_DEG,
            "degrees": _packed(np.where(is_known, angles.degrees, np.nan)),
            "sigmas_deg": _packed(np.where(is_known, angles.sigma_deg, np.nan)),
        }


def _packed(degrees: Floats) -> str:
    """Return angles in steps; a standard deviation that is too large to fit is the largest that does."""
    return packed_int16(np.clip(degrees / STEP_DEG, -LARGEST, LARGEST))
