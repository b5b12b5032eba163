"""A second look at people who were matched across views: whether they are there, and where exactly."""

from __future__ import annotations

from collections.abc import Sequence

from poseharvest.capture.common_clock import MIN_VIEWS
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.protocol import HeatmapDetector, KeypointSource
from poseharvest.geometry.camera import StaticCamera
from poseharvest.localization.find.match_views import (
    group_candidates,
    project_poses,
    triangulate_pose,
    view_agreements,
)
from poseharvest.localization.find.observation import (
    Observation,
    detect_views,
    drop_low_peaks,
    network_candidates,
    windows_on,
)
from poseharvest.localization.find.scan import Candidate, find_candidates
from poseharvest.localization.find.tell_apart import num_own_views, remove_others
from poseharvest.localization.limits import PERSON_MM
from poseharvest.localization.sighting import PartialPose, TriangulatedPose

_NUM_LOOKS = 2
_MAX_GROUPS = 6
_MIN_SUPPORTED = 0.5  # of the joints, for a pose to be a person's


def locate(detector: HeatmapDetector, frame: MultiViewFrame, cameras: Sequence[StaticCamera]) -> Observation | None:
    """Return the person that the views agree on, found from this frame alone, or None.

    Candidates of each view are matched across views in 3D. Of the best matches, the person is the one of which the
    views show most (`confirm_people`). A network also sees small people in hands and objects, so matches of a person's
    size are preferred. If none has that size, the calibration may be in another unit, and the first match is taken.
    """
    groups = group_candidates(find_candidates(detector, frame, cameras), cameras, max_groups=_MAX_GROUPS)
    people = [observation for _, observation in confirm_people(detector, frame, cameras, groups)]
    return next(
        (observation for observation in people if PERSON_MM[0] < observation.pose.extent < PERSON_MM[1]),
        next(iter(people), None),
    )


def confirm_people(
    detector: HeatmapDetector,
    frame: MultiViewFrame,
    cameras: Sequence[StaticCamera],
    groups: Sequence[Sequence[Candidate]],
    others: Sequence[PartialPose] = (),
) -> list[tuple[TriangulatedPose, Observation]]:
    """Return the matches that a second look confirms as people, the one of which the views show most first.

    Every view looks again around each match, also a view in which the scan missed the person. Two views may agree by
    chance where there is no person, but the other views do not confirm it.

    Args:
        detector: the 2D network.
        frame: the pictures.
        cameras: V cameras as they stand in this frame.
        groups: candidates that may be one person, at most one a view.
        others: people who are already known; their peaks are removed.

    Returns:
        For each person the pose as matched, and the observation of the second look.
    """
    keypoints = isinstance(detector, KeypointSource)
    poses = [triangulate_pose(members if keypoints else drop_low_peaks(members), cameras) for members in groups]
    looks = [(pose, look_again(detector, frame, cameras, pose, others)) for pose in poses]
    people = [(pose, observation) for pose, observation in looks if observation is not None]
    return sorted(people, key=lambda one: -sum(one[1].visibility))


def look_again(
    detector: HeatmapDetector,
    frame: MultiViewFrame,
    cameras: Sequence[StaticCamera],
    pose: TriangulatedPose,
    others: Sequence[PartialPose] = (),
) -> Observation | None:
    """Return what the views show in windows around a pose, or None if there is no person.

    Args:
        detector: the 2D network.
        frame: the pictures.
        cameras: V cameras as they stand in this frame.
        pose: where to look.
        others: people who are already known; their peaks are removed.
    """
    members: list[Candidate] = []
    for _ in range(_NUM_LOOKS):
        if not is_person(pose):
            return None
        crops = windows_on(detector.skeleton, pose, cameras)
        whole = detect_views(detector, [frame], cameras, [crops])[0]
        heatmaps = remove_others(whole, pose, others, cameras)
        members = network_candidates(heatmaps)
        if not members:
            return None
        pose = triangulate_pose(members, cameras)
    if others and num_own_views(members, others, cameras, detector.skeleton) < MIN_VIEWS:
        return None
    visibility = view_agreements(members, project_poses([pose], cameras))
    return Observation(pose, visibility) if is_person(pose) else None


def is_person(pose: TriangulatedPose) -> bool:
    """Return whether two views agree on at least half of the joints."""
    return float(pose.known.double().mean()) >= _MIN_SUPPORTED
