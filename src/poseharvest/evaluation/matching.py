"""Conversion of two sets of poses to the same joints, and pairs of poses of the same person and frame."""

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
    """Pairs of poses, from two sets, of the same person in the same frame.

    Attributes:
        first: (M,) numbers of poses in the first set.
        second: (M,) numbers of their counterparts in the second set.
        by_moment: True if they were matched frame by frame, so that a swap of identities cannot be noticed.
    """

    first: Ints
    second: Ints
    by_moment: bool = False


def common_joints(skeleton: Skeleton, joints: Sequence[str], *, approximate: bool = False) -> Conversion:
    """Return the conversion of a skeleton's poses to those of the named joints that it has.

    Args:
        skeleton: skeleton of the poses.
        joints: names of the wanted joints.
        approximate: also use joints that can only be derived approximately. Their errors then contain the distance
            between two definitions of a joint.

    Raises:
        SkeletonError: the skeleton has none of the joints.
    """
    shared_joints = [joint for joint in joints if _has(skeleton, joint, approximate)]
    if not shared_joints:
        raise SkeletonError(
            f"joints: none of {', '.join(joints)} is one of {', '.join(skeleton.joints)} or exactly derived from them"
        )
    star = tuple(Limb(shared_joints[0], joint) for joint in shared_joints[1:])
    return Conversion(skeleton, Skeleton("common joints", tuple(shared_joints), star))


def match_tracks(first: PoseTracks, second: PoseTracks) -> Matched:
    """Return the poses of the same person and frame.

    Each person of one set is matched to one person of the other, so that the sum of mean distances over common frames
    is minimal. So a swap of identities shows as an error. Both sets must have the same joints.

    Raises:
        ShapeError: the joints differ.
        HarvestError: no frame is in both.
    """
    if first.joints != second.joints:
        raise ShapeError(f"poses: expected joints {', '.join(first.joints)}, got {', '.join(second.joints)}")
    persons = [np.unique(tracks.persons) for tracks in (first, second)]
    shared = [[_shared(first, second, a, b) for b in persons[1]] for a in persons[0]]
    cost = np.array([[_distance(first, second, match) for match in row] for row in shared])
    rows, columns = linear_sum_assignment(cost) if cost.size else ([], [])
    matches = [shared[i][j] for i, j in zip(rows, columns, strict=True) if len(shared[i][j].first)]
    if not matches:
        raise HarvestError("poses: expected two sets with frames in common, got none")
    pairs = np.concatenate([np.stack((match.first, match.second), 1) for match in matches])
    pairs = pairs[np.argsort(pairs[:, 0])]
    return Matched(pairs[:, 0], pairs[:, 1])


def match_moments(first: PoseTracks, second: PoseTracks, *, limit_mm: float = SAME_PERSON_MM) -> Matched:
    """Return the pairs of nearest poses in each frame, independent of the persons' numbers.

    This is for people who are numbered anew in each frame. A swap of identities cannot be noticed.

    Args:
        first: poses.
        second: poses on the same joints.
        limit_mm: mean joint distance from which two poses belong to different people.
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
    """Return the pairs of `match_tracks`, or of `match_moments` if these are more than twice as many.

    In the second case the persons are numbered anew in each frame, as in a harvest of separate moments.

    Raises:
        HarvestError: no frame is in both.
    """
    whole = match_tracks(first, second)
    if max(len(np.unique(tracks.persons)) for tracks in (first, second)) < 2:
        return whole
    moments = match_moments(first, second)
    return replace(moments, by_moment=True) if len(moments.first) > 2 * len(whole.first) else whole


def convert_tracks(tracks: PoseTracks, conversion: Conversion) -> PoseTracks:
    """Return the poses on another skeleton."""
    points = conversion.points(torch.from_numpy(tracks.positions))
    return PoseTracks(conversion.target.joints, tracks.frames, tracks.persons, points.numpy())


def restrict_joints(tracks: PoseTracks, joints: tuple[str, ...]) -> PoseTracks:
    """Return the poses with the given joints only, in the given order."""
    columns = [tracks.joints.index(joint) for joint in joints]
    return PoseTracks(joints, tracks.frames, tracks.persons, tracks.positions[:, columns])


def pair_tracks(estimate: PoseTracks, truth: PoseTracks) -> PosePairs:
    """Return the pairs of poses of the same person and frame, with the label "person"."""
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
    """Return the mean joint distance, mm; very large if the two people have no common joint."""
    distance = np.linalg.norm(first.positions[match.first] - second.positions[match.second], axis=-1)
    known = distance[np.isfinite(distance)]
    return float(known.mean()) if known.size else 1e9
