"""What the views show of a person in one frame: the pose, whether the person is seen, and the next window's size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from poseharvest.geometry.camera import StaticCamera
from poseharvest.localization.find.match_views import (
    project_poses,
    shared_side,
    triangulate_poses,
    view_agreements,
)
from poseharvest.localization.find.pose_memory import PoseMemory
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.limits import CLOSING_SCALES, CROP_SCALE
from poseharvest.localization.partial_pose import TriangulatedPose

_SURE, _UNSURE = 0.3, 0.2  # mean visibility over views
_MIN_VISIBILITY = 0.1  # half of what a search for a new person demands


@dataclass(frozen=True, eq=False)
class Observation:
    """A person as the views show them in one frame.

    Attributes:
        pose: where the person is.
        visibility: how much of the person each view shows, 0 to 1, the largest first (`match_views.view_agreements`).
    """

    pose: TriangulatedPose
    visibility: Sequence[float]

    @property
    def is_seen(self) -> bool:
        """Two views agree on enough joints with high peaks. On low peaks, as on a wall, views agree by chance."""
        return self.pose.is_seen and self.visibility[1] >= _MIN_VISIBILITY


def observe_people(
    members: Sequence[Sequence[Candidate]], cameras: Sequence[Sequence[StaticCamera]], num_joints: int
) -> list[Observation]:
    """Return what the views show of one person in F frames, or of F people in one.

    Args:
        members: the candidates of each, at most one a view; without any the pose has no known joint.
        cameras: V cameras of each.
        num_joints: J, joints of every candidate.
    """
    poses = triangulate_poses(members, cameras, num_joints)
    return [
        Observation(pose, view_agreements(candidates, project_poses([pose], static)))
        for pose, candidates, static in zip(poses, members, cameras, strict=True)
    ]


def observe_remembered(
    members: Sequence[Sequence[Candidate]], cameras: Sequence[StaticCamera], memory: PoseMemory
) -> list[Observation]:
    """Return what the views show of some people in one frame, as `observe_people` does.

    Args:
        members: the candidates of each, at most one a view; without any the pose has no known joint.
        cameras: V cameras as they stand in this frame.
        memory: poses that are triangulated already.
    """
    side = shared_side(members) if any(members) else None
    poses = memory.triangulate(members, cameras, side=side)
    return [
        Observation(pose, view_agreements(candidates, memory.project([pose], cameras)))
        for pose, candidates in zip(poses, members, strict=True)
    ]


def window_scale(visibility: Sequence[float]) -> float:
    """Return the side of the next windows, divided by the extent of the last pose.

    Where the views show little of a person, the extent of the pose is not reliable. Arms and legs may have been found
    near the trunk; a window that fits would cut them off, and they would never be found again. So the less the views
    show, the wider the windows are, up to the first scale of a search (`CLOSING_SCALES`).

    Args:
        visibility: as `view_agreements` gives it, or a single view's mean height of peaks; empty before the first look.
    """
    if not visibility:
        return CROP_SCALE
    doubt = (_SURE - sum(visibility) / len(visibility)) / (_SURE - _UNSURE)
    return CROP_SCALE + min(max(doubt, 0.0), 1.0) * (CLOSING_SCALES[0] - CROP_SCALE)
