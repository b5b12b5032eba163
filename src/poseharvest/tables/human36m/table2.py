"""Table 2 (Sec. 4.3): Human3.6M, multi-view error of S9 and S11 by action.

The paper's average of its own numbers, 56.89, is not the mean of its column, 55.23; the mean over frames is weighted by
the actions' lengths. Both means are printed.
"""

from __future__ import annotations

from poseharvest.evaluation.pairs import PosePairs
from poseharvest.tables.dataset_harvests import generic_harvester, setting_of
from poseharvest.tables.human36m.errors_by_action import (
    OVER_FRAMES,
    actions_of,
    average_row,
    check_joints,
    judged_on_protocol,
    notes_on,
    open_protocol,
    rows_with_means,
    shots_of,
)
from poseharvest.tables.paper import AVERAGE, TABLE_2
from poseharvest.tables.paper_protocol import HUMAN36M
from poseharvest.tables.request import TableRequest
from poseharvest.tables.result import OurColumn, Panel, ReproducedTable

CAPTION = "Table 2 (Sec. 4.3): Human3.6M, subjects S9 and S11, four cameras, average 3D joint error"


def table2(request: TableRequest) -> ReproducedTable:
    """Return the table.

    Raises:
        HarvestError: a subject or an action is missing, a sequence is damaged or out of step, or the detector lacks
            the judged joints.
    """
    shots = shots_of(open_protocol(request), request, HUMAN36M.test_subjects)
    harvested = generic_harvester(request, check_joints).harvest(shots)
    pairs = judged_on_protocol(harvested)
    average = average_row(AVERAGE, request)
    rows = tuple(dict.fromkeys((*actions_of(request), AVERAGE, average, OVER_FRAMES)))
    panel = Panel("mm", rows, TABLE_2, _columns(pairs, average))
    return ReproducedTable("table2", CAPTION, (panel,), tuple(notes_on(harvested, request)), setting_of(request))


def _columns(pairs: PosePairs, average: str) -> tuple[OurColumn, ...]:
    return tuple(
        OurColumn(f"here, alignment {alignment}", rows_with_means(pairs, alignment, average))
        for alignment in HUMAN36M.alignments
    )
