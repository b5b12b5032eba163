"""Everybody in one moment, found from that moment alone: for frames that do not follow one another.

Nobody is expected anywhere, and nobody is met a second time. Who is there is what two views agree on, if it can be a
person's body (`bodies`); views that saw more than one person are shared out among all of them at once (`assign`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.protocol import HeatmapDetector, KeypointSource
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.rig import Rig
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.heatmaps.peaks import heatmap_peaks
from poseharvest.localization.find.assign import assign
from poseharvest.localization.find.bodies import is_body
from poseharvest.localization.find.match_views import group, triangulated_pose
from poseharvest.localization.find.observation import Observation, observations
from poseharvest.localization.find.person_windows import detect_views, drawn_keypoints, network_candidates, windows_on
from poseharvest.localization.find.scan import Candidate, find_candidates
from poseharvest.localization.find.tell_apart import told_apart
from poseharvest.localization.limits import NOT_NEW_MM
from poseharvest.localization.partial_pose import TriangulatedPose, distance_from_all
from poseharvest.localization.sighting import Sighting
from poseharvest.pictorial.body_prior import body_prior

_MOST_GROUPS = 24
_NUM_LOOKS = 2
_LEAST_LEFT = 6  # joints that must be left of somebody whose candidate holds joints of others
_REACH_MM = 1000.0  # of a joint from the middle of the body
_LEAST_SHOWN = 0.08  # of a whole person, by the second of the views: four joints of sixteen, well seen

Cameras = tuple[StaticCamera, ...]


class MomentFinder:
    """Finds everybody in a frame, whatever the frames before it hold.

    Args:
        detector: the 2D network, or a source of keypoints.
        rig: the cameras.
        most: people wanted in a frame, of whom the views show most; None wants all.
        lengths_count: False where the rig's unit may be wrong: then nobody can be told by size.
    """

    def __init__(
        self, detector: HeatmapDetector, rig: Rig, most: int | None = None, *, lengths_count: bool = True
    ) -> None:
        self._detector, self._rig, self._most = detector, rig, most
        self._prior, self._lengths_count = body_prior(detector.skeleton), lengths_count

    def everybody(self, frame: MultiViewFrame) -> list[Sighting]:
        """Return who is in a frame, of whom the views show most first."""
        cameras = self._rig.at(frame.index)
        found = find_candidates(self._detector, frame, cameras)
        people = self._matched(found, cameras)
        if isinstance(self._detector, KeypointSource):
            seen = self._by_keypoints(self._detector, frame, cameras, found, people)
        else:
            seen = self._by_heatmaps(frame, cameras, people)
        ordered = sorted(seen, key=lambda one: -float(one.peaks.score.clamp_min(0).sum()))
        return ordered[: self._most]

    def _matched(self, found: Sequence[Candidate], cameras: Cameras) -> list[TriangulatedPose]:
        """Return the poses that the views agree on.

        Two people who stand behind each other are one candidate to a network's scan. The second of them is then found
        with a candidate that is another's already, and told from that person by a closer look.
        """

        def can_be(members: Sequence[Candidate]) -> bool:
            return self._can_be(triangulated_pose(members, cameras))

        groups = group(found, cameras, most=_MOST_GROUPS, accepts=can_be)
        people = [triangulated_pose(members, cameras) for members in groups]
        if isinstance(self._detector, KeypointSource):
            return people
        taken = {id(member) for members in groups for member in members}

        def is_somebody_else(members: Sequence[Candidate]) -> bool:
            pose = _without_outliers(triangulated_pose(members, cameras))
            is_new = any(id(member) not in taken for member in members)
            is_new &= int(pose.known.sum()) >= _LEAST_LEFT
            return is_new and distance_from_all(pose, people) >= NOT_NEW_MM

        more = group(found, cameras, most=_MOST_GROUPS, accepts=is_somebody_else)
        return people + [_without_outliers(triangulated_pose(members, cameras)) for members in more]

    def _by_keypoints(
        self,
        source: KeypointSource,
        frame: MultiViewFrame,
        cameras: Cameras,
        found: Sequence[Candidate],
        people: Sequence[TriangulatedPose],
    ) -> list[Sighting]:
        members = assign(found, cameras, people).members
        seen = self._observe(members, cameras)
        sightings = []
        for i in self._somebody(seen):
            pose = seen[i].pose
            maps = drawn_keypoints(self._detector, source, pose, members[i], cameras)
            sightings += _sightings(frame, cameras, maps, pose)
        return sightings

    def _by_heatmaps(
        self, frame: MultiViewFrame, cameras: Cameras, people: Sequence[TriangulatedPose]
    ) -> list[Sighting]:
        """PictureSearch at everybody again, each through windows that fit and without the peaks of the others."""
        maps: list[Heatmaps] = []
        for _ in range(_NUM_LOOKS):
            looked = self._look(frame, cameras, people)
            seen = self._observe([network_candidates(one) for one in looked], cameras)
            kept = self._somebody(seen)
            people, maps = [seen[i].pose for i in kept], [looked[i] for i in kept]
        return [s for pose, one in zip(people, maps, strict=True) for s in _sightings(frame, cameras, one, pose)]

    def _somebody(self, seen: Sequence[Observation]) -> list[int]:
        """Return the numbers of those who are people, without those whose joints are others'."""
        kept: list[int] = []
        for i in sorted(range(len(seen)), key=lambda i: -sum(seen[i].shown)):
            others = [seen[other].pose for other in kept]
            if self._is_shown(seen[i]) and distance_from_all(seen[i].pose, others) >= NOT_NEW_MM:
                kept.append(i)
        return kept

    def _can_be(self, pose: TriangulatedPose) -> bool:
        return is_body(pose, self._detector.skeleton, self._prior, lengths_count=self._lengths_count)

    def _is_shown(self, one: Observation) -> bool:
        return len(one.shown) > 1 and one.shown[1] >= _LEAST_SHOWN and self._can_be(one.pose)

    def _observe(self, members: Sequence[Sequence[Candidate]], cameras: Cameras) -> list[Observation]:
        return observations(members, [cameras] * len(members), len(self._detector.skeleton))

    def _look(self, frame: MultiViewFrame, cameras: Cameras, people: Sequence[TriangulatedPose]) -> list[Heatmaps]:
        skeleton = self._detector.skeleton
        crops = [windows_on(skeleton, pose, cameras) for pose in people]
        whole = detect_views(self._detector, [frame] * len(people), cameras, crops) if people else []
        return [
            told_apart(one, person, [other for other in people if other is not person], cameras)
            for one, person in zip(whole, people, strict=True)
        ]


def _without_outliers(pose: TriangulatedPose) -> TriangulatedPose:
    """Return a pose without the joints that are too far from its middle to be the same person's."""
    if not bool(pose.known.any()):
        return pose
    middle = pose.points[pose.known].median(0).values
    near = pose.known & (torch.linalg.vector_norm(pose.points - middle, dim=-1) < _REACH_MM)
    return TriangulatedPose(pose.points, near, torch.where(near, pose.doubt, torch.inf))


def _sightings(frame: MultiViewFrame, cameras: Cameras, maps: Heatmaps, pose: TriangulatedPose) -> list[Sighting]:
    """Return what the views show of somebody: nothing where no picture holds them."""
    if all(crop is None for crop in maps.crops):
        return []
    peaks = heatmap_peaks(maps.values, maps.crops)
    return [Sighting(frame.index, frame.time_s, cameras, maps, peaks, pose, pose.middle)]
