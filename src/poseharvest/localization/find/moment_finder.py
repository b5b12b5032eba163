"""All people in one moment, found from that moment alone: for frames that do not follow one another.

No earlier frame says where a person is, and no later frame confirms that a person is there. So a person is a pose on
which two views agree and which can be a human body (`bodies`). The keypoints that each view lists are then assigned to
all people at once (`assign`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.protocol import HeatmapDetector, KeypointSource
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.rig import Rig
from poseharvest.heatmaps.maps import Heatmaps, heatmap_peaks
from poseharvest.localization.find.assign import assign
from poseharvest.localization.find.bodies import is_body
from poseharvest.localization.find.match_views import group_candidates, triangulate_pose
from poseharvest.localization.find.observation import (
    Observation,
    detect_views,
    draw_keypoints,
    network_candidates,
    observe_people,
    windows_on,
)
from poseharvest.localization.find.scan import Candidate, find_candidates
from poseharvest.localization.find.tell_apart import remove_others
from poseharvest.localization.limits import NEW_PERSON_MM
from poseharvest.localization.sighting import Sighting, TriangulatedPose, distance_from_all
from poseharvest.pictorial.body_prior import body_prior

_MAX_GROUPS = 24
_NUM_LOOKS = 2
_MIN_OWN_JOINTS = 6  # that must remain of a person whose candidate also belongs to another person
_REACH_MM = 1000.0  # of a joint from the middle of the body
_MIN_VISIBILITY = 0.08  # in the second best view: about four joints of sixteen, well seen

Cameras = tuple[StaticCamera, ...]


class MomentFinder:
    """Finds all people in a frame, independently of the frames before it.

    Args:
        detector: the 2D network, or a source of keypoints.
        rig: the cameras.
        max_people: how many people to keep in a frame, those of whom the views show most; None keeps all.
        is_metric: False where the rig's unit may be wrong: then the size of a body is not checked.
    """

    def __init__(
        self, detector: HeatmapDetector, rig: Rig, max_people: int | None = None, *, is_metric: bool = True
    ) -> None:
        self._detector, self._rig, self._max_people = detector, rig, max_people
        self._prior, self._is_metric = body_prior(detector.skeleton), is_metric

    def find_people(self, frame: MultiViewFrame) -> list[Sighting]:
        """Return the people in a frame, the one of whom the views show most first."""
        cameras = self._rig.at(frame.index)
        candidates = find_candidates(self._detector, frame, cameras)
        people = self._match_views(candidates, cameras)
        if isinstance(self._detector, KeypointSource):
            sightings = self._observe_keypoints(self._detector, frame, cameras, candidates, people)
        else:
            sightings = self._observe_heatmaps(frame, cameras, people)
        ordered = sorted(sightings, key=lambda one: -one.peak_sum)
        return ordered[: self._max_people]

    def _match_views(self, candidates: Sequence[Candidate], cameras: Cameras) -> list[TriangulatedPose]:
        """Return the poses that the views agree on.

        Two people who stand behind each other may be one candidate in a network's scan. Therefore a second pass also
        uses candidates that already belong to a person. A closer look later separates the two.
        """

        def is_possible(members: Sequence[Candidate]) -> bool:
            return self._is_body(triangulate_pose(members, cameras))

        groups = group_candidates(candidates, cameras, max_groups=_MAX_GROUPS, can_be_person=is_possible)
        people = [triangulate_pose(members, cameras) for members in groups]
        if isinstance(self._detector, KeypointSource):
            return people
        used = {id(member) for members in groups for member in members}

        def is_new_person(members: Sequence[Candidate]) -> bool:
            pose = _without_outliers(triangulate_pose(members, cameras))
            is_new = any(id(member) not in used for member in members)
            is_new &= int(pose.known.sum()) >= _MIN_OWN_JOINTS
            return is_new and distance_from_all(pose, people) >= NEW_PERSON_MM

        hidden = group_candidates(candidates, cameras, max_groups=_MAX_GROUPS, can_be_person=is_new_person)
        return people + [_without_outliers(triangulate_pose(members, cameras)) for members in hidden]

    def _observe_keypoints(
        self,
        source: KeypointSource,
        frame: MultiViewFrame,
        cameras: Cameras,
        candidates: Sequence[Candidate],
        people: Sequence[TriangulatedPose],
    ) -> list[Sighting]:
        members = assign(candidates, cameras, people).members
        observations = self._observe(members, cameras)
        sightings = []
        for i in self._choose_people(observations):
            pose = observations[i].pose
            maps = draw_keypoints(self._detector, source, pose, members[i], cameras)
            sightings += _sightings(frame, cameras, maps, pose)
        return sightings

    def _observe_heatmaps(
        self, frame: MultiViewFrame, cameras: Cameras, people: Sequence[TriangulatedPose]
    ) -> list[Sighting]:
        """Look at each person again, through windows that fit and without the peaks of the others."""
        maps: list[Heatmaps] = []
        for _ in range(_NUM_LOOKS):
            heatmaps = self._detect_people(frame, cameras, people)
            observations = self._observe([network_candidates(one) for one in heatmaps], cameras)
            chosen_people = self._choose_people(observations)
            people, maps = [observations[i].pose for i in chosen_people], [heatmaps[i] for i in chosen_people]
        return [s for pose, one in zip(people, maps, strict=True) for s in _sightings(frame, cameras, one, pose)]

    def _choose_people(self, observations: Sequence[Observation]) -> list[int]:
        """Return the numbers of the observations that are people, leaving out those made of other people's joints."""
        numbers: list[int] = []
        for i in sorted(range(len(observations)), key=lambda i: -sum(observations[i].visibility)):
            others = [observations[other].pose for other in numbers]
            if self._is_visible(observations[i]) and distance_from_all(observations[i].pose, others) >= NEW_PERSON_MM:
                numbers.append(i)
        return numbers

    def _is_body(self, pose: TriangulatedPose) -> bool:
        return is_body(pose, self._detector.skeleton, self._prior, is_metric=self._is_metric)

    def _is_visible(self, one: Observation) -> bool:
        return len(one.visibility) > 1 and one.visibility[1] >= _MIN_VISIBILITY and self._is_body(one.pose)

    def _observe(self, members: Sequence[Sequence[Candidate]], cameras: Cameras) -> list[Observation]:
        return observe_people(members, [cameras] * len(members), len(self._detector.skeleton))

    def _detect_people(
        self, frame: MultiViewFrame, cameras: Cameras, people: Sequence[TriangulatedPose]
    ) -> list[Heatmaps]:
        skeleton = self._detector.skeleton
        crops = [windows_on(skeleton, pose, cameras) for pose in people]
        whole = detect_views(self._detector, [frame] * len(people), cameras, crops) if people else []
        return [
            remove_others(one, person, [other for other in people if other is not person], cameras)
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
    """Return the sighting of a person, or an empty list where the person is in no picture."""
    if all(crop is None for crop in maps.crops):
        return []
    peaks = heatmap_peaks(maps.values, maps.crops)
    return [Sighting(frame.index, frame.time_s, cameras, maps, peaks, pose, pose.middle)]
