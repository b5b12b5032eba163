"""Robust triangulations of keypoints, each made once: of many frames together, and before they are asked for.

While people are followed, the same keypoints are triangulated several times: to assign them to people, to see whether
the assignment stays the same, and to observe the people. A triangulation of many frames takes little longer than one of
a single frame.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from poseharvest.geometry.camera import Projection, StaticCamera
from poseharvest.localization.find.match_views import project_poses, shared_side, triangulate_together
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.sighting import PartialPose, TriangulatedPose

Cameras = Sequence[StaticCamera]
_Key = tuple[tuple[Candidate, ...], float]


class PoseMemory:
    """Triangulates people, and remembers their poses and how the views see them.

    It holds the poses of a few frames: make a new one for the next frames.

    Args:
        num_joints: J, joints of every candidate.
    """

    def __init__(self, num_joints: int) -> None:
        self._num_joints = num_joints
        self._poses: dict[_Key, TriangulatedPose] = {}
        self._projections: dict[PartialPose, Projection] = {}

    def prepare(self, people: Sequence[Sequence[Sequence[Candidate]]], cameras: Sequence[Cameras]) -> None:
        """Triangulate the likely people of F frames, each with their own and with their frame's shared side.

        Args:
            people: the candidates of each person in each frame, one or more a person, at most one a view.
            cameras: V cameras of each frame. Frames with the same cameras are triangulated together.
        """
        groups: dict[tuple[int, ...], list[int]] = {}
        for index, static in enumerate(cameras):
            groups.setdefault(tuple(id(camera) for camera in static), []).append(index)
        for indices in groups.values():
            keys: list[_Key] = []
            for members in (people[i] for i in indices if people[i]):
                shared = shared_side(members)
                keys += [(tuple(own), shared_side([own])) for own in members if len(own) > 1]
                keys += [(tuple(own), shared) for own in members]
            self._triangulate_missing(keys, cameras[indices[0]])

    def triangulate(
        self, people: Sequence[Sequence[Candidate]], cameras: Cameras, *, side: float | None = None
    ) -> list[TriangulatedPose]:
        """Return the robust triangulation of each of P people.

        Args:
            people: the candidates of each, at most one a view, all of one frame or of frames with the same cameras.
                A person without any gives a pose with no known joint.
            cameras: V cameras.
            side: side of the windows, pixels, which sets how near to each other the views must be. If None, it is the
                median of the person's own windows.
        """
        keys = [(tuple(members), side or shared_side([members])) if members else None for members in people]
        self._triangulate_missing([key for key in keys if key is not None], cameras)
        return [TriangulatedPose.nothing(self._num_joints) if key is None else self._poses[key] for key in keys]

    def project(self, people: Sequence[PartialPose], cameras: Cameras) -> Projection:
        """Return where V views see P people, one or more: pixels (V, P, J, 2), valid (V, P, J) where also known.

        Args:
            people: poses of `triangulate`, made with the same cameras, or any others.
            cameras: V cameras.
        """
        remembered = [self._projections[pose] for pose in people if pose in self._projections]
        if len(remembered) < len(people):
            return project_poses(people, cameras)
        return Projection(
            torch.stack([one.pixels for one in remembered], 1), torch.stack([one.valid for one in remembered], 1)
        )

    def _triangulate_missing(self, keys: Sequence[_Key], cameras: Cameras) -> None:
        missing = [key for key in dict.fromkeys(keys) if key not in self._poses]
        if not missing:
            return
        members, sides = zip(*missing, strict=True)
        poses = triangulate_together(members, sides, cameras, self._num_joints)
        self._poses.update(zip(missing, poses, strict=True))
        views = project_poses(poses, cameras)
        for i, pose in enumerate(poses):
            self._projections[pose] = Projection(views.pixels[:, i], views.valid[:, i])
