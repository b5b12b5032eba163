"""PCP as Campus and Shelf are judged: every true person against the nearest estimate, frame by frame.

Protocol (Belagiannis et al., "3D pictorial structures for multiple human pose estimation", CVPR 2014): in every frame,
each true person is compared with the estimate of the smallest mean joint distance, whatever its number was before; a
part is correct if the mean of its two end errors is at most half its true length; ten parts. A true person in a frame
without any estimate counts with all parts wrong. The papers' average is the mean over actors, not over poses.

COCO's keypoints have neither the top of the head nor the bottom. The bottom is put two thirds of the way from the
middle of the shoulders to that of the ears, the top as far beyond the ears as they are above the bottom: the ears are
halfway up a head. Scores say so where it was needed. Parts whose joints the skeleton has not, nor anything to derive
them from, are not judged: they count in no mean, and scores name them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from poseharvest.annotations.reader import Harvest
from poseharvest.errors import HarvestError, SkeletonError
from poseharvest.evaluation.check import Check
from poseharvest.evaluation.identity import mean_distances
from poseharvest.evaluation.matching import common_joints, converted, restricted
from poseharvest.evaluation.pairs import Floats, PosePairs
from poseharvest.evaluation.pcp import SHELF_PARTS, Part, PcpOptions, pcp_by, pcp_by_part
from poseharvest.evaluation.scores import Score, mean_score
from poseharvest.evaluation.tracks import PoseTracks, harvest_tracks
from poseharvest.skeleton.skeleton import Skeleton

SHELF_PCP = PcpOptions(alpha=0.5, rule="average")
"""Half the part's length, by the mean of both ends."""

_SENTENCE = (
    "Parts that are where they should be: the mean of both ends' errors is at most half the part's length. Every true "
    "person is compared with the nearest estimate of the frame, so a change of numbers does not show, and somebody "
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
        estimate: of everybody.
        skeleton: of the estimate.
        truth: of those who are judged, in the frames that are judged; NaN where not known.
        names: of the true people, by their number; the numbers themselves if None.
        parts: by the truth's joints.
        options: what makes a part correct.

    Raises:
        HarvestError: the truth is empty.
        SkeletonError: the estimate has all joints of none of the parts.
    """
    if len(truth.frames) == 0:
        raise HarvestError("PCP by person: expected true poses in the frames that are judged, got none")
    wanted = tuple(dict.fromkeys(joint for part in parts for joint in (*part.start, *part.end)))
    prepared = _on_joints(estimate, skeleton, wanted)
    judged = tuple(part for part in parts if not {*part.start, *part.end} & {*prepared.lacking})
    if not judged:
        raise SkeletonError(f'PCP by person: skeleton "{skeleton.name}" lacks joints of every part')
    pairs = _paired(prepared.poses, restricted(truth, wanted), names)
    left_out = [name for name in dict.fromkeys(part.name for part in parts) if name not in {p.name for p in judged}]
    notes = [_DERIVED_HEAD] if prepared.has_derived_head else []
    notes += [f"not judged, since the skeleton lacks joints of it: {', '.join(left_out)}"] if left_out else []
    people = {name: _said(score, notes) for name, score in pcp_by(pairs, "person", judged, options).items()}
    table = {
        name: {part: _said(score, notes) for part, score in pcp_by_part(pairs.select(poses), judged, options).items()}
        | {part: _not_judged(people[name]) for part in left_out}
        for name, poses in pairs.by("person")
    }
    in_order = {name: {part: row[part] for part in dict.fromkeys(p.name for p in parts)} for name, row in table.items()}
    return PcpByPerson(in_order, people, mean_score(list(people.values()), over="people"))


def pcp_check(harvest: Harvest, truth: PoseTracks) -> Check | None:
    """Return the table of a harvest, or None where the truth is of one person or lacks the parts' joints."""
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
        poses: NaN where a joint is lacking.
        has_derived_head: the top of the head was extrapolated.
        lacking: joints that the skeleton has not and that cannot be derived.
    """

    poses: PoseTracks
    has_derived_head: bool
    lacking: tuple[str, ...]


def _on_joints(estimate: PoseTracks, skeleton: Skeleton, wanted: tuple[str, ...]) -> _Prepared:
    """Return the estimate on the wanted joints, the top of the head extrapolated where ears allow it."""
    conversion = common_joints(skeleton, wanted, approximate=True)
    found = converted(estimate, conversion)
    columns = {joint: found.positions[:, i] for i, joint in enumerate(found.joints)}
    derived = _HEAD in wanted and _HEAD not in columns and _NECK in columns and {*_EARS} <= {*estimate.joints}
    if derived:
        ears = estimate.positions[:, [estimate.joints.index(ear) for ear in _EARS]].mean(1)
        columns[_HEAD] = 2 * ears - columns[_NECK]
    nothing = np.full((len(estimate.frames), 3), np.nan)
    positions = np.stack([columns.get(joint, nothing) for joint in wanted], 1)
    poses = PoseTracks(wanted, estimate.frames, estimate.persons, positions)
    return _Prepared(poses, derived, tuple(joint for joint in wanted if joint not in columns))


def _paired(estimate: PoseTracks, truth: PoseTracks, names: Sequence[str] | None) -> PosePairs:
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


def _said(score: Score, notes: Sequence[str]) -> Score:
    if not notes:
        return score
    return replace(score, protocol=replace(score.protocol, details="; ".join((score.protocol.details, *notes))))


def _not_judged(like: Score) -> Score:
    """Return the score of a part that cannot be judged: NaN of no value."""
    return Score(float("nan"), replace(like.protocol, num_frames=0, num_values=0))
