"""PCP by the protocol of Campus and Shelf: every true person against the nearest estimate, frame by frame.

Protocol (Belagiannis et al., "3D pictorial structures for multiple human pose estimation", CVPR 2014): in every frame,
each true person is compared with the estimate of the smallest mean joint distance, independent of the numbers. A part
is correct if the mean of its two end errors is at most half its true length. There are ten parts. In a frame without
any estimate, all parts of a true person are wrong. The papers' average is the mean over actors, not over poses.

COCO's keypoints have neither the top of the head nor its bottom. The bottom is put two thirds of the way from the
middle of the shoulders to the middle of the ears. The top is put as far above the ears as the bottom is below them,
since the ears are halfway up a head. The protocol of such scores says so. A part is not judged if the skeleton neither
has its joints nor can derive them. Such parts count in no mean, and the scores name them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from poseharvest.annotations.reader import Harvest
from poseharvest.errors import HarvestError, SkeletonError
from poseharvest.evaluation.check import Check
from poseharvest.evaluation.identity import mean_distances
from poseharvest.evaluation.matching import common_joints, convert_tracks, restrict_joints
from poseharvest.evaluation.pairs import Floats, PosePairs
from poseharvest.evaluation.pcp import SHELF_PARTS, Part, PcpOptions, pcp_by, pcp_by_part
from poseharvest.evaluation.scores import Score, mean_score
from poseharvest.evaluation.tracks import PoseTracks, harvest_tracks
from poseharvest.skeleton.skeleton import Skeleton

SHELF_PCP = PcpOptions(alpha=0.5, rule="average")
"""Half the part's length, by the mean of both ends."""

_SENTENCE = (
    "Percentage of correct parts: the mean of both ends' errors is at most half the part's length. Every true "
    "person is compared with the nearest estimate of the frame, so a change of numbers does not show, and a person "
    "who is not found has all parts wrong."
)
_HEAD = "head_top"
_EARS = ("left_ear", "right_ear")
_NECK = "upper_neck"
_DERIVED_HEAD = "head extrapolated from ears and shoulders"


@dataclass(frozen=True)
class PcpByPerson:
    """The table of Campus and Shelf.

    Attributes:
        parts: by person, then by part.
        people: by person, over all parts.
        mean: over people, each counting once.
    """

    parts: dict[str, dict[str, Score]]
    people: dict[str, Score]
    mean: Score


def pcp_by_person(
    estimate: PoseTracks,
    skeleton: Skeleton,
    truth: PoseTracks,
    names: Sequence[str] | None = None,
    *,
    parts: Sequence[Part] = SHELF_PARTS,
    options: PcpOptions = SHELF_PCP,
) -> PcpByPerson:
    """Return the table.

    Args:
        estimate: poses of all people.
        skeleton: skeleton of the estimate.
        truth: true poses of the judged people in the judged frames; NaN where not known.
        names: names of the true people, by their number; the numbers themselves if None.
        parts: parts between joints of the truth.
        options: the rule by which a part is correct.

    Raises:
        HarvestError: the truth is empty.
        SkeletonError: the estimate lacks joints of every part.
    """
    if len(truth.frames) == 0:
        raise HarvestError("PCP by person: expected true poses in the frames that are judged, got none")
    wanted = tuple(dict.fromkeys(joint for part in parts for joint in (*part.start, *part.end)))
    prepared = _select_joints(estimate, skeleton, wanted)
    judged = tuple(part for part in parts if not {*part.start, *part.end} & {*prepared.lacking})
    if not judged:
        raise SkeletonError(f'PCP by person: skeleton "{skeleton.name}" lacks joints of every part')
    pairs = _pair_nearest(prepared.poses, restrict_joints(truth, wanted), names)
    left_out = [name for name in dict.fromkeys(part.name for part in parts) if name not in {p.name for p in judged}]
    notes = [_DERIVED_HEAD] if prepared.has_derived_head else []
    notes += [f"not judged, since the skeleton lacks joints of it: {', '.join(left_out)}"] if left_out else []
    people = {name: _add_notes(score, notes) for name, score in pcp_by(pairs, "person", judged, options).items()}
    table = {
        name: {
            part: _add_notes(score, notes) for part, score in pcp_by_part(pairs.select(poses), judged, options).items()
        }
        | {part: _not_judged(people[name]) for part in left_out}
        for name, poses in pairs.by("person")
    }
    in_order = {name: {part: row[part] for part in dict.fromkeys(p.name for p in parts)} for name, row in table.items()}
    return PcpByPerson(in_order, people, mean_score(list(people.values()), over="people"))


def pcp_check(harvest: Harvest, truth: PoseTracks) -> Check | None:
    """Return the table of a harvest, or None if the truth has only one person or lacks joints of the parts."""
    ends = {joint for part in SHELF_PARTS for joint in (*part.start, *part.end)}
    if len(np.unique(truth.persons)) < 2 or not ends <= {*truth.joints}:
        return None
    table = pcp_by_person(harvest_tracks(harvest, unsure=True), harvest.skeleton, truth)
    scores = {f"person {name}": score for name, score in table.people.items()}
    scores["mean over people"] = table.mean
    for name, parts in table.parts.items():
        scores |= {f"person {name}, {part}": score for part, score in parts.items()}
    return Check("pcp by person", _SENTENCE, scores)


@dataclass(frozen=True, eq=False)
class _Prepared:
    """The estimate on the joints of the parts.

    Attributes:
        poses: the poses; NaN where a joint is lacking.
        has_derived_head: the top of the head was extrapolated.
        lacking: joints that the skeleton lacks and that cannot be derived.
    """

    poses: PoseTracks
    has_derived_head: bool
    lacking: tuple[str, ...]


def _select_joints(estimate: PoseTracks, skeleton: Skeleton, wanted: tuple[str, ...]) -> _Prepared:
    """Return the estimate on the wanted joints, the top of the head extrapolated where ears allow it."""
    conversion = common_joints(skeleton, wanted, approximate=True)
    poses_on_joints = convert_tracks(estimate, conversion)
    columns = {joint: poses_on_joints.positions[:, i] for i, joint in enumerate(poses_on_joints.joints)}
    derived = _HEAD in wanted and _HEAD not in columns and _NECK in columns and {*_EARS} <= {*estimate.joints}
    if derived:
        ears = estimate.positions[:, [estimate.joints.index(ear) for ear in _EARS]].mean(1)
        columns[_HEAD] = 2 * ears - columns[_NECK]
    nothing = np.full((len(estimate.frames), 3), np.nan)
    positions = np.stack([columns.get(joint, nothing) for joint in wanted], 1)
    poses = PoseTracks(wanted, estimate.frames, estimate.persons, positions)
    return _Prepared(poses, derived, tuple(joint for joint in wanted if joint not in columns))


def _pair_nearest(estimate: PoseTracks, truth: PoseTracks, names: Sequence[str] | None) -> PosePairs:
    """Return every true pose with its nearest estimate, NaN where there is none."""
    nearest: Floats = np.full_like(truth.positions, np.nan)
    for frame in np.unique(truth.frames):
        here, there = np.flatnonzero(estimate.frames == frame), np.flatnonzero(truth.frames == frame)
        if len(here):
            distance = mean_distances(estimate.positions[here], truth.positions[there])
            fit = np.isfinite(distance).any(0)
            nearest[there[fit]] = estimate.positions[here[distance.argmin(0)[fit]]]
    labels = [str(person) if names is None else names[person] for person in truth.persons.tolist()]
    return PosePairs(nearest, truth.positions, truth.joints, {"person": labels})


def _add_notes(score: Score, notes: Sequence[str]) -> Score:
    if not notes:
        return score
    return replace(score, protocol=replace(score.protocol, details="; ".join((score.protocol.details, *notes))))


def _not_judged(like: Score) -> Score:
    """Return the score of a part that cannot be judged: NaN, from no values."""
    return Score(float("nan"), replace(like.protocol, num_frames=0, num_values=0))
