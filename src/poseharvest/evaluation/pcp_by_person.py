"""PCP as Campus and Shelf are judged: every true person against the nearest estimate, frame by frame.

Protocol (Belagiannis et al., "3D pictorial structures for multiple human pose estimation", CVPR 2014): in every frame,
each true person is compared with the estimate of the smallest mean joint distance, whatever its number was before; a
part is correct if the mean of its two end errors is at most half its true length; ten parts. A true person in a frame
without any estimate counts with all parts wrong. The papers' average is the mean over actors, not over poses.

COCO's keypoints have neither the top of the head nor the bottom. The bottom is put two thirds of the way from the
middle of the shoulders to that of the ears, the top as far beyond the ears as they are above the bottom: the ears are
halfway up a head. Scores say so where it was needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from poseharvest.annotations.reader import Harvest
from poseharvest.errors import HarvestError
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
        SkeletonError: the estimate has none of the parts' joints.
    """
    if len(truth.frames) == 0:
        raise HarvestError("PCP by person: expected true poses in the frames that are judged, got none")
    wanted = tuple(dict.fromkeys(joint for part in parts for joint in (*part.start, *part.end)))
    prepared, derived = _on_joints(estimate, skeleton, wanted)
    pairs = _paired(prepared, restricted(truth, wanted), names)
    people = {name: _said(score, derived) for name, score in pcp_by(pairs, "person", parts, options).items()}
    table = {
        name: {part: _said(score, derived) for part, score in pcp_by_part(pairs.select(poses), parts, options).items()}
        for name, poses in pairs.by("person")
    }
    return PcpByPerson(table, people, mean_score(list(people.values()), over="people"))


def pcp_check(harvest: Harvest, truth: PoseTracks) -> Check | None:
    """Return the table of a harvest, or None where the truth is of one person or lacks the parts' joints."""
    ends = {joint for part in SHELF_PARTS for joint in (*part.start, *part.end)}
    if len(np.unique(truth.persons)) < 2 or not ends <= {*truth.joints}:
        return None
    table = pcp_by_person(harvest_tracks(harvest), harvest.skeleton, truth)
    scores = {f"person {name}": score for name, score in table.people.items()}
    scores["mean over people"] = table.mean
    for name, parts in table.parts.items():
        scores |= {f"person {name}, {part}": score for part, score in parts.items()}
    return Check("pcp by person", _SENTENCE, scores)


def _on_joints(estimate: PoseTracks, skeleton: Skeleton, wanted: tuple[str, ...]) -> tuple[PoseTracks, bool]:
    """Return the estimate on the wanted joints, and whether its head was extrapolated; NaN where a joint is lacking."""
    conversion = common_joints(skeleton, wanted, approximate=True)
    found = converted(estimate, conversion)
    columns = {joint: found.positions[:, i] for i, joint in enumerate(found.joints)}
    derived = _HEAD in wanted and _HEAD not in columns and {*_EARS} <= {*estimate.joints}
    if derived and _NECK in columns:
        ears = estimate.positions[:, [estimate.joints.index(ear) for ear in _EARS]].mean(1)
        columns[_HEAD] = 2 * ears - columns[_NECK]
    lacking = np.full((len(estimate.frames), 3), np.nan)
    positions = np.stack([columns.get(joint, lacking) for joint in wanted], 1)
    return PoseTracks(wanted, estimate.frames, estimate.persons, positions), derived


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


def _said(score: Score, derived: bool) -> Score:
    if not derived:
        return score
    return replace(score, protocol=replace(score.protocol, details=f"{score.protocol.details}; {_DERIVED_HEAD}"))
