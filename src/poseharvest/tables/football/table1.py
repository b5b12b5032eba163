"""Table 1 (Sec. 4.3): KTH Multiview Football II, Sequence 1 of Player 2, PCP in 3D from two and from three cameras.

The paper does not say which two cameras. Here every pair is judged, and "two cameras" is the mean over the pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from poseharvest.datasets.protocol import DatasetSequence
from poseharvest.evaluation.pairs import PosePairs
from poseharvest.evaluation.pcp import PcpOptions
from poseharvest.evaluation.scores import Score, mean_score
from poseharvest.tables.dataset_harvests import HarvestedShot, Shot, generic_harvester, setting_note, setting_of
from poseharvest.tables.football.football_parts import (
    check_joints,
    football_sequence,
    joints_of,
    open_football,
    part_rows,
)
from poseharvest.tables.judging import missing_notes, pairs_in_space
from poseharvest.tables.paper import PART_ROWS, TABLE_1
from poseharvest.tables.paper_protocol import FOOTBALL
from poseharvest.tables.request import TableRequest
from poseharvest.tables.result import OurColumn, Panel, ReproducedTable

CAPTION = (
    "Table 1 (Sec. 4.3): KTH Multiview Football II, Sequence 1 of Player 2, all frames, correct parts in 3D, percent"
)


def table1(request: TableRequest) -> ReproducedTable:
    """Return the table.

    Raises:
        HarvestError: the sequence is missing, damaged or out of step, or the detector lacks the judged joints.
    """
    sequence = football_sequence(open_football(request), 1, FOOTBALL)
    pairs = list(combinations(sequence.cameras, 2))
    shots = [Shot(sequence, cameras) for cameras in [*pairs, sequence.cameras]]
    harvested = generic_harvester(request, check_joints).harvest(shots)
    *by_pair, by_all = harvested
    panels = (
        Panel("two cameras", PART_ROWS, TABLE_1["two cameras"], _mean_columns(by_pair)),
        Panel("three cameras", PART_ROWS, TABLE_1["three cameras"], _mean_columns([by_all])),
        Panel("two cameras, pair by pair", PART_ROWS, (), _pair_columns(by_pair)),
    )
    notes = [note for one in harvested for note in missing_notes(_judged(one), one.shot.key)]
    return ReproducedTable(
        "table1", CAPTION, panels, (setting_note(request), _pair_note(sequence), *notes), setting_of(request)
    )


def _mean_columns(harvested: Sequence[HarvestedShot]) -> tuple[OurColumn, ...]:
    return tuple(
        OurColumn(f"here, {rule.rule} rule", _mean_rows([_rows(one, rule) for one in harvested]))
        for rule in FOOTBALL.rules
    )


def _pair_columns(harvested: Sequence[HarvestedShot]) -> tuple[OurColumn, ...]:
    return tuple(
        OurColumn(f"{'+'.join(one.harvest.view_names)}, {rule.rule} rule", _rows(one, rule))
        for one in harvested
        for rule in FOOTBALL.rules
    )


def _rows(one: HarvestedShot, rule: PcpOptions) -> Mapping[str, Score]:
    return part_rows(_judged(one), FOOTBALL.parts, rule)


def _mean_rows(each: Sequence[Mapping[str, Score]]) -> Mapping[str, Score]:
    if len(each) == 1:
        return each[0]
    return {row: mean_score([rows[row] for rows in each], over="pairs of cameras") for row in PART_ROWS}


def _judged(one: HarvestedShot) -> PosePairs:
    return pairs_in_space(one, joints_of(FOOTBALL.parts))


def _pair_note(sequence: DatasetSequence) -> str:
    names = ", ".join("+".join(pair) for pair in combinations(sequence.cameras, 2))
    return f"the paper does not say which two cameras: every pair is judged ({names}), and their mean printed"
