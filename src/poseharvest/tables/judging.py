"""Estimates of a harvest beside the truth of the same frames. The truth is read anew at every call, never stored.

A frame in which nobody was found has no estimate: its parts count as wrong (PCP), and its joints cannot enter a mean
error, so their number is reported instead (`missing_notes`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch

from poseharvest.errors import SkeletonError
from poseharvest.evaluation.pairs import Floats, PosePairs
from poseharvest.evaluation.tracks import harvest_tracks
from poseharvest.skeleton.convert import Conversion
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.tables.dataset_harvests import HarvestedShot
from poseharvest.tables.sequence_frames import pixels_at


def pairs_on_skeleton(harvested: HarvestedShot, skeleton: Skeleton) -> PosePairs:
    """Return (F, J, 3) estimates and truth on a skeleton, labelled by "sequence", "subject" and "action".

    Raises:
        SkeletonError: the detector's joints, or the truth's, do not give those of the skeleton.
        DatasetError: footage and annotations are out of step.
    """
    sequence, truth = harvested.shot.sequence, harvested.shot.truth()
    estimate = torch.from_numpy(_positions(harvested, len(truth.positions)))
    labels = {"sequence": sequence.name, "subject": sequence.subject, "action": sequence.action}
    return PosePairs.of(
        Conversion(harvested.harvest.skeleton, skeleton).points(estimate),
        truth.on(skeleton),
        skeleton.joints,
        {name: [value] * len(estimate) for name, value in labels.items()},
    )


def pairs_in_space(harvested: HarvestedShot, joints: Sequence[str]) -> PosePairs:
    """Return (F, J, 3) estimates and truth of joints that both have by name.

    Raises:
        SkeletonError: one lacks a joint.
        DatasetError: footage and annotations are out of step.
    """
    truth = harvested.shot.truth()
    estimate = _positions(harvested, len(truth.positions))
    ours, theirs = columns_of(harvested.harvest.skeleton, joints), columns_of(truth.person.skeleton, joints)
    return PosePairs(estimate[:, ours], truth.positions.numpy()[:, theirs], tuple(joints))


def pairs_in_pictures(harvested: HarvestedShot, joints: Sequence[str]) -> PosePairs:
    """Return (F V, J, 2) pixels of the heatmaps' maxima, the 2D network's own opinion, and of the 2D annotations.

    Raises:
        SkeletonError: the detector or the truth lacks a joint.
        DatasetError: there are no 2D annotations, or they are out of step.
    """
    sequence, numbers, harvest = harvested.shot.sequence, harvested.shot.numbers, harvested.harvest
    person = sequence.truth().only
    peaks = np.full((len(numbers), len(harvest.view_names), len(harvest.skeleton), 2), np.nan)
    for record in harvest.iter_frames():
        peaks[record.frame] = record.peak_pixels.numpy()
    ours, theirs = columns_of(harvest.skeleton, joints), columns_of(person.skeleton, joints)
    truth = [pixels_at(person, view, numbers, sequence=sequence.name).numpy() for view in harvest.view_names]
    return PosePairs(
        np.concatenate([peaks[:, view][:, ours] for view in range(len(truth))]),
        np.concatenate([one[:, theirs] for one in truth]),
        tuple(joints),
        {"view": [view for view in harvest.view_names for _ in numbers]},
    )


def columns_of(skeleton: Skeleton, joints: Sequence[str]) -> list[int]:
    """Return where a skeleton has some joints.

    Raises:
        SkeletonError: it lacks one.
    """
    missing = [joint for joint in joints if joint not in skeleton.joints]
    if missing:
        raise SkeletonError(
            f'skeleton "{skeleton.name}": expected the joints that the table judges, it lacks {", ".join(missing)}'
        )
    return [skeleton.index(joint) for joint in joints]


def joined(parts: Sequence[PosePairs]) -> PosePairs:
    """Return the pairs of several sequences, of the same joints and labels, as one."""
    labels = {name: [value for part in parts for value in part.labels[name]] for name in parts[0].labels}
    estimate = np.concatenate([part.estimate for part in parts])
    return PosePairs(estimate, np.concatenate([part.truth for part in parts]), parts[0].joints, labels)


def missing_notes(pairs: PosePairs, what: str) -> Iterator[str]:
    """Yield a sentence if some annotated frames have no estimate at all."""
    annotated = pairs.known.any(1)
    missing = int((annotated & ~pairs.judged.any(1)).sum())
    if missing:
        yield f"{what}: nobody was found in {missing} of {int(annotated.sum())} annotated frames"


def damage_notes(harvested: Iterable[HarvestedShot]) -> list[str]:
    """Return what is known to be wrong with the recordings, a sentence each."""
    sequences = {one.shot.sequence.name: one.shot.sequence for one in harvested}
    return [f"{name}: {sequence.damage}" for name, sequence in sequences.items() if sequence.damage]


def _positions(harvested: HarvestedShot, num_frames: int) -> Floats:
    """Return (F, J, 3) of the harvest's joints; NaN where nobody was found or no camera sees the joint."""
    tracks = harvest_tracks(harvested.harvest, unsure=True)
    positions = np.full((num_frames, *tracks.positions.shape[1:]), np.nan)
    positions[tracks.frames] = tracks.positions
    return positions
