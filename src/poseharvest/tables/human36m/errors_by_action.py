"""Human3.6M in the paper's protocol: whose sequences, which frames, and errors by action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from poseharvest.datasets.human36m.recordings import open_human36m
from poseharvest.datasets.protocol import DatasetSequence, MultiViewDataset, listed
from poseharvest.errors import ConfigError, DatasetError
from poseharvest.evaluation.alignment import Alignment
from poseharvest.evaluation.mpjpe import mpjpe, mpjpe_by
from poseharvest.evaluation.pairs import PosePairs
from poseharvest.evaluation.scores import Score, mean_score
from poseharvest.skeleton.convert import Conversion
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.tables.dataset_harvests import HarvestedShot, Shot, setting_note
from poseharvest.tables.judging import damage_notes, joined, missing_notes, pairs_on_skeleton
from poseharvest.tables.paper import ACTIONS
from poseharvest.tables.paper_protocol import HUMAN36M
from poseharvest.tables.request import TableRequest

OVER_FRAMES: Final = "Average over frames"


def open_protocol(request: TableRequest) -> MultiViewDataset:
    """Return the data set that a request names.

    Raises:
        ConfigError: it names none.
        DatasetError: the folder holds no such data set, or lacks a sequence that is to be left out.
    """
    if request.data is None:
        raise ConfigError("expected the folder of Human3.6M, got none")
    dataset = open_human36m(request.data, cameras=request.cameras)
    for name in request.leave_out:
        dataset.sequence(name)
    return dataset


def actions_of(request: TableRequest) -> tuple[str, ...]:
    """Return the actions that are asked for, in the order of the paper's tables.

    Raises:
        ConfigError: one is none of the paper's.
    """
    wanted = ACTIONS if request.actions is None else request.actions
    unknown = [action for action in wanted if action not in ACTIONS]
    if unknown or not wanted:
        raise ConfigError(f"actions: expected some of {', '.join(ACTIONS)}, got {', '.join(unknown) or 'none'}")
    return tuple(action for action in ACTIONS if action in wanted)


def check_joints(skeleton: Skeleton) -> None:
    """Raise SkeletonError if the joints of a detector do not give those of the protocol."""
    Conversion(skeleton, HUMAN36M.skeleton)


def shots_of(dataset: MultiViewDataset, request: TableRequest, subjects: Sequence[str]) -> list[Shot]:
    """Return the takes of some subjects, of every action that is asked for.

    Raises:
        DatasetError: a subject, or an action of a subject, is missing.
    """
    actions = actions_of(request)
    sequences = dataset.select(subjects=subjects, actions=actions)
    _check_complete(dataset, sequences, subjects, actions)
    return [Shot(sequence, step=request.frame_step) for sequence in sequences if sequence.name not in request.leave_out]


def judged_on_protocol(harvested: Sequence[HarvestedShot]) -> PosePairs:
    """Return all frames of some harvests beside their truth, on the joints of the protocol.

    Raises:
        SkeletonError: the detector's joints do not give those of the protocol.
    """
    return joined([pairs_on_skeleton(one, HUMAN36M.skeleton) for one in harvested])


def error_rows(pairs: PosePairs, alignment: Alignment) -> dict[str, Score]:
    """Return the mean joint error of every action that there is."""
    return mpjpe_by(pairs, "action", alignment)


def average_row(row: str, request: TableRequest) -> str:
    """Return the name of the row with the mean over actions: the paper's `row` where all are asked for."""
    count = len(actions_of(request))
    return row if count == len(ACTIONS) else f"Average of {count} of {len(ACTIONS)} actions"


def over_actions(rows: Mapping[str, Score]) -> Score:
    """Return the unweighted mean over actions."""
    return mean_score(list(rows.values()), over="actions")


def _over_frames(pairs: PosePairs, alignment: Alignment) -> Score:
    """Return the mean over all frames, with an interval over sequences where there are several."""
    several = len(set(pairs.labels["sequence"])) > 1
    return mpjpe(pairs, alignment, sequence_label="sequence" if several else None)


def rows_with_means(pairs: PosePairs, alignment: Alignment, average: str) -> dict[str, Score]:
    """Return the mean joint error of every action, its mean over actions as `average`, and the mean over frames."""
    by_action = error_rows(pairs, alignment)
    return {**by_action, average: over_actions(by_action), OVER_FRAMES: _over_frames(pairs, alignment)}


def notes_on(harvested: Sequence[HarvestedShot], request: TableRequest) -> list[str]:
    """Return what the user should know of the judged sequences."""
    notes = [
        f"frames whose numbers are {request.frame_step} apart; joints of {HUMAN36M.skeleton.name}, its upper_neck "
        "being Human3.6M's joint above the thorax",
        setting_note(request),
    ]
    notes += [
        note for one in harvested for note in missing_notes(pairs_on_skeleton(one, HUMAN36M.skeleton), one.shot.key)
    ]
    if request.leave_out:
        notes.append(f"left out as asked: {', '.join(request.leave_out)}")
    if request.actions is not None:
        notes.append(f"not the paper's protocol: {len(actions_of(request))} of its 15 actions alone were asked for")
    return notes + damage_notes(harvested)


def _check_complete(
    dataset: MultiViewDataset, sequences: Sequence[DatasetSequence], subjects: Sequence[str], actions: Sequence[str]
) -> None:
    present = {(sequence.subject, sequence.action) for sequence in sequences}
    missing = [
        f"{action} of {subject}" for subject in subjects for action in actions if (subject, action) not in present
    ]
    if missing:
        raise DatasetError(
            f"{dataset.root}: {dataset.name}: expected takes of every action and subject, missing {listed(missing)}; "
            "ask for fewer actions to do without"
        )
