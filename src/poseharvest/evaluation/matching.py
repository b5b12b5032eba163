"""Two sets of poses brought onto the same joints, and the poses of the same person and frame found in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from poseharvest.errors import HarvestError, ShapeError, SkeletonError
from poseharvest.evaluation.identity import SAME_PERSON_MM, mean_distances
from poseharvest.evaluation.pairs import PosePairs
from poseharvest.evaluation.tracks import Ints, PoseTracks
from poseharvest.skeleton.convert import Conversion
from poseharvest.skeleton.skeleton import Limb, Skeleton


@dataclass(frozen=True, eq=False)
class Matched:
    """Poses of two sets that are of one person in one frame.

    Attributes:
        first: (M,) numbers of poses in the first set.
        second: (M,) numbers of their counterparts in the second.
        by_moment: True if they were matched frame by frame, so that a swap of identities does not show.
    """

    first: Ints
    second: Ints
    by_moment: bool = False


def common_joints(skeleton: Skeleton, joints: Sequence[str], *, approximate: bool = False) -> Conversion:
    """Return the conversion of a skeleton's poses to those of the named joints that it has.

    Args:
        skeleton: of the poses.
        joints: wanted.
        approximate: also take joints that can only be derived approximately: their errors then hold the distance
            between two definitions of a joint.

    Raises:
        SkeletonError: there is no such joint.
    """
    kept = [joint for joint in joints if _has(skeleton, joint, approximate)]
    if not kept:
        raise SkeletonError(
            f"joints: none of {', '.join(joints)} is one of {', '.join(skeleton.joints)} or exactly derived from them"
        )
    star = tuple(Limb(kept[0], joint) for joint in kept[1:])
    return Conversion(skeleton, Skeleton("common joints", tuple(kept), star))


def match_tracks(first: PoseTracks, second: PoseTracks) -> Matched:
    """Return the poses of the same person and frame.

    Persons are matched as wholes, by the least total of mean distances over the frames that they share, so that a
    swap of identities shows as an error and is not silently undone. Both sets must be on the same joints.

    Raises:
        HarvestError: no frame is in both.
    """
    if first.joints != second.joints:
        raise ShapeError(f"poses: expected joints {', '.join(first.joints)}, got {', '.join(second.joints)}")
    persons = [np.unique(tracks.persons) for tracks in (first, second)]
    shared = [[_shared(first, second, a, b) for b in persons[1]] for a in persons[0]]
    cost = np.array([[_distance(first, second, match) for match in row] for row in shared])
    rows, columns = linear_sum_assignment(cost) if cost.size else ([], [])
    taken = [shared[i][j] for i, j in zip(rows, columns, strict=True) if len(shared[i][j].first)]
    if not taken:
        raise HarvestError("poses: expected two sets with frames in common, got none")
    pairs = np.concatenate([np.stack((match.first, match.second), 1) for match in taken])
    pairs = pairs[np.argsort(pairs[:, 0])]
    return Matched(pairs[:, 0], pairs[:, 1])


def match_moments(first: PoseTracks, second: PoseTracks, *, limit_mm: float = SAME_PERSON_MM) -> Matched:
    """Return the poses of the same frame that are nearest to each other, whatever the persons' numbers.

    For people whose numbers mean nothing from frame to frame. A swap of identities does not show.

    Args:
        first: poses.
        second: poses on the same joints.
        limit_mm: mean joint distance from which two poses are not of one person.
    """
    pairs: list[tuple[int, int]] = []
    for frame in np.intersect1d(first.frames, second.frames):
        one, other = np.flatnonzero(first.frames == frame), np.flatnonzero(second.frames == frame)
        distance = mean_distances(first.positions[one], second.positions[other])
        for i, j in zip(*linear_sum_assignment(np.minimum(distance, limit_mm)), strict=True):
            if distance[i, j] < limit_mm:
                pairs.append((int(one[i]), int(other[j])))
    ordered = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    return Matched(ordered[:, 0], ordered[:, 1])


def match_people(first: PoseTracks, second: PoseTracks) -> Matched:
    """Return `match_tracks`, or `match_moments` where that judges more than twice as many poses.

    Then the persons' numbers do not follow them through the frames, as in moments that stand alone.

    Raises:
        HarvestError: no frame is in both.
    """
    whole = match_tracks(first, second)
    if max(len(np.unique(tracks.persons)) for tracks in (first, second)) < 2:
        return whole
    moments = match_moments(first, second)
    return replace(moments, by_moment=True) if len(moments.first) > 2 * len(whole.first) else whole


def converted(tracks: PoseTracks, conversion: Conversion) -> PoseTracks:
    """Return the poses on another skeleton."""
    points = conversion.points(torch.from_numpy(tracks.positions))
    return PoseTracks(conversion.target.joints, tracks.frames, tracks.persons, points.numpy())


def restricted(tracks: PoseTracks, joints: tuple[str, ...]) -> PoseTracks:
    """Return the poses with some of their joints, in the order given."""
    kept = [tracks.joints.index(joint) for joint in joints]
    return PoseTracks(joints, tracks.frames, tracks.persons, tracks.positions[:, kept])


def paired(estimate: PoseTracks, truth: PoseTracks) -> PosePairs:
    """Return the poses of the persons and frames that are in both, with the label "person"."""
    match = match_tracks(estimate, truth)
    labels = {"person": [str(person) for person in truth.persons[match.second].tolist()]}
    return PosePairs(estimate.positions[match.first], truth.positions[match.second], estimate.joints, labels)


def _has(skeleton: Skeleton, joint: str, approximate: bool) -> bool:
    try:
        conversion = Conversion(skeleton, Skeleton(joint, (joint,), ()))
    except SkeletonError:
        return False
    return approximate or not conversion.approximate


def _shared(first: PoseTracks, second: PoseTracks, a: int, b: int) -> Matched:
    one, other = np.flatnonzero(first.persons == a), np.flatnonzero(second.persons == b)
    _, i, j = np.intersect1d(first.frames[one], second.frames[other], return_indices=True)
    return Matched(one[i], other[j])


def _distance(first: PoseTracks, second: PoseTracks, match: Matched) -> float:
    """Return the mean joint distance, mm; very large where the two are never seen together."""
    distance = np.linalg.norm(first.positions[match.first] - second.positions[match.second], axis=-1)
    known = distance[np.isfinite(distance)]
    return float(known.mean()) if known.size else 1e9
