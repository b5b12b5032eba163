"""Table 4 (Sec. 4.4): Human3.6M, multi-view error after fine-tuning on the four label sets.

Each of S9 and S11 has a network of its own, fine-tuned on that subject's harvests by the generic one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from poseharvest.evaluation.alignment import Alignment
from poseharvest.evaluation.scores import Score
from poseharvest.learning.personalize.label_set import LabelSet
from poseharvest.tables.dataset_harvests import HarvestedShot, generic_harvester, setting_of
from poseharvest.tables.human36m.errors_by_action import (
    OVER_FRAMES,
    average_row,
    check_joints,
    judged_on_protocol,
    notes_on,
    open_protocol,
    rows_with_means,
    shots_of,
)
from poseharvest.tables.paper import AVERAGE_15, HARD_ACTIONS, TABLE_4
from poseharvest.tables.paper_protocol import HUMAN36M
from poseharvest.tables.refinement import Lesson, refined_harvests
from poseharvest.tables.request import TableRequest, plain_training
from poseharvest.tables.result import OurColumn, Panel, ReproducedTable, seed_columns

CAPTION = "Table 4 (Sec. 4.4): Human3.6M, S9 and S11, four cameras, average 3D joint error after fine-tuning, mm"

LABEL_SETS: Final = {
    "HM": LabelSet.HM,
    "HM+sel": LabelSet.HM_SEL,
    "PS": LabelSet.PS,
    "PS+sel": LabelSet.PS_SEL,
}
"""Columns of the table after "Generic"."""


def table4(request: TableRequest) -> ReproducedTable:
    """Return the table.

    Raises:
        HarvestError: a subject or an action is missing, a sequence is damaged or out of step, or the detector lacks
            the judged joints.
        TrainingError: the detector has no network that can be fine-tuned.
    """
    shots = shots_of(open_protocol(request), request, HUMAN36M.test_subjects)
    generic = generic_harvester(request, check_joints, must_learn=True).harvest(shots)
    refined = {
        title: {seed: _refined(request, generic, labels, seed) for seed in request.seeds}
        for title, labels in LABEL_SETS.items()
    }
    panels = []
    for alignment in HUMAN36M.alignments:
        columns = [OurColumn("here, Generic", _rows(request, generic, alignment))]
        for title, by_seed in refined.items():
            columns += seed_columns(
                f"here, {title}", {seed: _rows(request, harvested, alignment) for seed, harvested in by_seed.items()}
            )
        hard = (row for row in HARD_ACTIONS if row in columns[0].scores)
        rows = tuple(dict.fromkeys((*hard, AVERAGE_15, average_row(AVERAGE_15, request), OVER_FRAMES)))
        paper = TABLE_4 if alignment == HUMAN36M.alignments[0] else ()
        panels.append(Panel(f"alignment {alignment}", rows, paper, tuple(columns)))
    settings = {**setting_of(request), "refinement": plain_training(request.refinement), "seeds": list(request.seeds)}
    return ReproducedTable("table4", CAPTION, tuple(panels), tuple(notes_on(generic, request)), settings)


def _refined(
    request: TableRequest, generic: Sequence[HarvestedShot], labels: LabelSet, seed: int
) -> list[HarvestedShot]:
    """Return every shot, harvested with the network of its subject."""
    harvests = []
    for subject in dict.fromkeys(one.shot.sequence.subject for one in generic):
        own = [one for one in generic if one.shot.sequence.subject == subject]
        harvests += refined_harvests(request, own, Lesson(subject, labels, seed))
    return harvests


def _rows(request: TableRequest, harvested: Sequence[HarvestedShot], alignment: Alignment) -> dict[str, Score]:
    return rows_with_means(judged_on_protocol(harvested), alignment, average_row(AVERAGE_15, request))
