"""Looking again around people whom a scan has matched across views: are they there, and where exactly?"""

from __future__ import annotations

from collections.abc import Sequence

from poseharvest.capture.frames import MultiViewFrame
from poseharvest.capture.sync import MIN_VIEWS
from poseharvest.detectors.protocol import HeatmapDetector, KeypointSource
from poseharvest.geometry.camera import StaticCamera
from poseharvest.localization.find.match_views import agreements, group, triangulated_pose
from poseharvest.localization.find.observation import Observation
from poseharvest.localization.find.person_windows import detect_views, network_candidates, standing_out, windows_on
from poseharvest.localization.find.scan import Candidate, find_candidates
from poseharvest.localization.find.tell_apart import num_own_views, told_apart
from poseharvest.localization.limits import PERSON_MM
from poseharvest.localization.partial_pose import PartialPose, TriangulatedPose

_NUM_LOOKS = 2
_MAX_GROUPS = 6
_MIN_SUPPORTED = 0.5  # of the joints, for a pose to be a person's


def locate(detector: HeatmapDetector, frame: MultiViewFrame, cameras: Sequence[StaticCamera]) -> Observation | None:
    """Return the person that the views agree on, found without any hint, or None.

    Candidates of each view are matched across views in 3D, and of the best matches the one of which the views show most
    (`looked_at`) is the person. A network sees small people in hands and in what lies about: who is of a person's size
    goes before who is not. Where nobody is, the calibration may be in another unit, and the first is taken after all.
    """
    groups = group(find_candidates(detector, frame, cameras), cameras, most=_MAX_GROUPS)
    found = [seen for _, seen in looked_at(detector, frame, cameras, groups)]
    return next((seen for seen in found if PERSON_MM[0] < seen.pose.extent < PERSON_MM[1]), next(iter(found), None))


def looked_at(
    detector: HeatmapDetector,
    frame: MultiViewFrame,
    cameras: Sequence[StaticCamera],
    groups: Sequence[Sequence[Candidate]],
    others: Sequence[PartialPose] = (),
) -> list[tuple[TriangulatedPose, Observation]]:
    """Return those of the matches who are people, of whom the views show most first: as matched, and as then seen.

    Every view, those included in which the scan missed the person, looks again around each match: two views may agree
    by chance on what is nobody, but the others do not see it.

    Args:
        detector: the 2D network.
        frame: the pictures.
        cameras: V cameras as they stand in this frame.
        groups: candidates that may be one person, at most one a view.
        others: people who are known already, whose peaks are not these people's.
    """
    keypoints = isinstance(detector, KeypointSource)
    matched = [triangulated_pose(members if keypoints else standing_out(members), cameras) for members in groups]
    looked = [(pose, look_again(detector, frame, cameras, pose, others)) for pose in matched]
    people = [(pose, seen) for pose, seen in looked if seen is not None]
    return sorted(people, key=lambda one: -sum(one[1].shown))


def look_again(
    detector: HeatmapDetector,
    frame: MultiViewFrame,
    cameras: Sequence[StaticCamera],
    pose: TriangulatedPose,
    others: Sequence[PartialPose] = (),
) -> Observation | None:
    """Return what the views show in windows around a pose, or None if it is no person.

    Args:
        detector: the 2D network.
        frame: the pictures.
        cameras: V cameras as they stand in this frame.
        pose: where to look.
        others: people who are known already, whose peaks are not this person's.
    """
    members: list[Candidate] = []
    for _ in range(_NUM_LOOKS):
        if not is_person(pose):
            return None
        crops = windows_on(detector.skeleton, pose, cameras)
        whole = detect_views(detector, [frame], cameras, [crops])[0]
        heatmaps = told_apart(whole, pose, others, cameras)
        members = network_candidates(heatmaps)
        if not members:
            return None
        pose = triangulated_pose(members, cameras)
    if others and num_own_views(members, others, cameras, detector.skeleton) < MIN_VIEWS:
        return None
    return Observation(pose, agreements(pose, members, cameras)) if is_person(pose) else None


def is_person(pose: TriangulatedPose) -> bool:
    """Two views agree on so many joints that somebody is there."""
    return float(pose.known.double().mean()) >= _MIN_SUPPORTED
