"""Table 3 (Sec. 4.4): KTH Multiview Football II, both sequences of Player 2, PCP in 2D before and after refinement.

What is judged is the maximum of every heatmap, the 2D network's own opinion, in all three views. Each sequence has a
network of its own, fine-tuned on the reliable joints of that sequence's harvest (labels "ps+sel").
"""

from __future__ import annotations

from poseharvest.datasets.protocol import DatasetSequence, MultiViewDataset
from poseharvest.evaluation.pairs import PosePairs
from poseharvest.learning.personalize.label_set import LabelSet
from poseharvest.tables.dataset_harvests import HarvestedShot, Shot, generic_harvester, setting_note, setting_of
from poseharvest.tables.football.football_parts import (
    check_joints,
    football_sequence,
    joints_of,
    open_football,
    part_rows,
)
from poseharvest.tables.judging import missing_notes, pairs_in_pictures
from poseharvest.tables.paper import PART_ROWS, TABLE_3
from poseharvest.tables.paper_protocol import FOOTBALL
from poseharvest.tables.refinement import Lesson, refined_harvests
from poseharvest.tables.request import TableRequest, plain_training
from poseharvest.tables.result import OurColumn, Panel, ReproducedTable, seed_columns

CAPTION = "Table 3 (Sec. 4.4): KTH Multiview Football II, Player 2, all frames and views, correct parts in 2D, percent"


def table3(request: TableRequest) -> ReproducedTable:
    """Return the table.

    Raises:
        HarvestError: a sequence is missing, damaged or out of step, or the detector lacks the judged joints.
        TrainingError: the detector has no network that can be fine-tuned.
    """
    dataset = open_football(request)
    sequences = {number: football_sequence(dataset, number, FOOTBALL) for number in (1, 2)}
    panels, notes = [], [setting_note(request)]
    for number, sequence in sequences.items():
        panel, panel_notes = _panel(request, dataset, sequence, number)
        panels.append(panel)
        notes += panel_notes
    settings = {**setting_of(request), "refinement": plain_training(request.refinement), "seeds": list(request.seeds)}
    return ReproducedTable("table3", CAPTION, tuple(panels), tuple(notes), settings)


def _panel(
    request: TableRequest, dataset: MultiViewDataset, sequence: DatasetSequence, number: int
) -> tuple[Panel, list[str]]:
    generic = generic_harvester(request, check_joints, must_learn=True).harvest([Shot(sequence, sequence.cameras)])
    refined = {
        seed: refined_harvests(request, generic, Lesson(sequence.name, LabelSet.PS_SEL, seed)) for seed in request.seeds
    }
    columns = []
    for rule in FOOTBALL.rules:
        columns.append(
            OurColumn(f"here, generic, {rule.rule} rule", part_rows(_judged(generic[0]), FOOTBALL.parts, rule))
        )
        by_seed = {seed: part_rows(_judged(one[0]), FOOTBALL.parts, rule) for seed, one in refined.items()}
        columns += seed_columns(f"here, refined, {rule.rule} rule", by_seed)
    title = f"Sequence {number}"
    panel = Panel(title, PART_ROWS, TABLE_3[title], tuple(columns))
    notes = [note for one in (generic, *refined.values()) for note in missing_notes(_judged(one[0]), one[0].shot.key)]
    return panel, notes


def _judged(one: HarvestedShot) -> PosePairs:
    return pairs_in_pictures(one, joints_of(FOOTBALL.parts))
