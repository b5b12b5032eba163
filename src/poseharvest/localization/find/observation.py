"""What the views show of a person in one frame: where they are, whether they are seen, and how wide to look next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from poseharvest.geometry.camera import StaticCamera
from poseharvest.localization.find.match_views import agreements, triangulated_poses
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.limits import CLOSING_SCALES, CROP_SCALE
from poseharvest.localization.partial_pose import TriangulatedPose

_SURE, _UNSURE = 0.3, 0.2  # mean over views of what they show
_MIN_SHOWN = 0.1  # half of what makes a window worth a closer look when somebody is searched for


@dataclass(frozen=True, eq=False)
class Observation:
    """A person as the views show them in one frame.

    Attributes:
        pose: where they are.
        shown: how much of them each view shows there, 0 to 1, the most first (`associate.agreements`).
    """

    pose: TriangulatedPose
    shown: Sequence[float]

    @property
    def is_seen(self) -> bool:
        """Two views agree on enough joints, and on peaks that rise: on others they agree by chance, as on a wall."""
        return self.pose.is_seen and self.shown[1] >= _MIN_SHOWN


def observations(
    members: Sequence[Sequence[Candidate]], cameras: Sequence[Sequence[StaticCamera]], num_joints: int
) -> list[Observation]:
    """Return what the views show of one person in F frames, or of F people in one.

    Args:
        members: of each, at most one a view; none gives a pose of which nothing is known.
        cameras: V cameras of each.
        num_joints: J, joints of every candidate.
    """
    poses = triangulated_poses(members, cameras, num_joints)
    return [
        Observation(pose, agreements(pose, seen, static))
        for pose, seen, static in zip(poses, members, cameras, strict=True)
    ]


def window_scale(shown: Sequence[float]) -> float:
    """Return the side of the next windows over the extent of the pose that was seen last.

    A pose of which the views show little is not to be trusted with the person's extent: where arms and legs were found
    near the trunk, a window that fits would cut them off, and they would never be found again. The less there is to
    see, the wider the windows, up to the first of those in which a search closes in.

    Args:
        shown: as `agreements` gives it, or a single view's mean height of peaks; empty where nobody has looked yet.
    """
    if not shown:
        return CROP_SCALE
    doubt = (_SURE - sum(shown) / len(shown)) / (_SURE - _UNSURE)
    return CROP_SCALE + min(max(doubt, 0.0), 1.0) * (CLOSING_SCALES[0] - CROP_SCALE)
