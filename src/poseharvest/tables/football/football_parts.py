"""KTH Multiview Football II in the paper's protocol: its sequences, and parts judged as rows of a table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from poseharvest.datasets.kth_football import open_kth_football
from poseharvest.datasets.protocol import DatasetSequence, MultiViewDataset, listed
from poseharvest.errors import ConfigError, DatasetError
from poseharvest.evaluation.pairs import PosePairs
from poseharvest.evaluation.pcp import Part, PcpOptions, pcp_by_part
from poseharvest.evaluation.scores import Score, mean_score
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.tables.judging import columns_of
from poseharvest.tables.paper import AVERAGE
from poseharvest.tables.paper_protocol import FOOTBALL, FootballProtocol
from poseharvest.tables.request import TableRequest


def open_football(request: TableRequest) -> MultiViewDataset:
    """Return the data set that a request names.

    Raises:
        ConfigError: it names none.
        DatasetError: the folder holds no such data set.
    """
    if request.data is None:
        raise ConfigError("expected the folder of KTH Multiview Football II, got none")
    return open_kth_football(request.data)


def football_sequence(dataset: MultiViewDataset, number: int, protocol: FootballProtocol) -> DatasetSequence:
    """Return a sequence of the player who is judged.

    Raises:
        DatasetError: there is no such player or sequence, or it has another number of cameras.
    """
    of_player = dataset.select(subjects=[protocol.player])
    numbered = [sequence for sequence in of_player if _number(sequence) == number]
    if len(numbered) != 1:
        names = listed([sequence.name for sequence in of_player])
        raise DatasetError(
            f"{dataset.root}: expected one sequence {number} of {protocol.player}, by the number after "
            f'"sequence" in its folder\'s name, got {len(numbered)} among {names}'
        )
    [sequence] = numbered
    if len(sequence.cameras) != protocol.num_cameras:
        raise DatasetError(
            f"{dataset.root}: {sequence.name}: expected {protocol.num_cameras} cameras, got {listed(sequence.cameras)}"
        )
    return sequence


def joints_of(parts: tuple[Part, ...]) -> tuple[str, ...]:
    """Return the joints at which parts end, each once."""
    return tuple(dict.fromkeys(joint for part in parts for joint in (*part.start, *part.end)))


def check_joints(skeleton: Skeleton) -> None:
    """Raise SkeletonError if a detector lacks a joint at which a part of the protocol ends."""
    columns_of(skeleton, joints_of(FOOTBALL.parts))


def part_rows(pairs: PosePairs, parts: tuple[Part, ...], rule: PcpOptions) -> Mapping[str, Score]:
    """Return the percentage of every name among the parts, and the mean of these, as the paper's rows."""
    by_part = pcp_by_part(pairs, parts, rule)
    mean = mean_score(list(by_part.values()), over="parts")
    # All parts are judged in the same frames: their number is not a sum.
    frames = max(score.protocol.num_frames for score in by_part.values())
    average = replace(mean, protocol=replace(mean.protocol, num_frames=frames))
    return {**{name.capitalize(): score for name, score in by_part.items()}, AVERAGE: average}


def _number(sequence: DatasetSequence) -> int | None:
    match = re.search(r"seq(?:uence)?\W*(\d+)", f"{sequence.name}/{sequence.action}", re.IGNORECASE)
    return None if match is None else int(match[1])
