"""Table 5 (Sec. 4.5): Human3.6M, a 3D network for single pictures, trained from scratch on the harvest alone.

It learns from the harvests of S1, S5, S6, S7 and S8 by the generic detector and is judged on S9 and S11, every view by
itself. The paper does not say whether its harvest was made by the generic or by the refined detector, nor for how long
the network was trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from poseharvest.annotations.across_harvests import OVER_COMPARABLE
from poseharvest.evaluation.alignment import Alignment
from poseharvest.evaluation.pairs import PosePairs
from poseharvest.evaluation.scores import Score
from poseharvest.learning.pose3d.pose_model import load_model
from poseharvest.learning.pose3d.regression_options import RegressionOptions
from poseharvest.learning.pose3d.train_poses import train3d
from poseharvest.progress import with_prefix
from poseharvest.storage.finished_units import UnitStore
from poseharvest.tables.dataset_harvests import HarvestedShot, generic_harvester, setting_of
from poseharvest.tables.human36m.errors_by_action import (
    OVER_FRAMES,
    actions_of,
    average_row,
    check_joints,
    error_rows,
    notes_on,
    open_protocol,
    over_actions,
    rows_with_means,
    shots_of,
)
from poseharvest.tables.human36m.single_view_poses import SingleViewPredictor, single_view_pairs
from poseharvest.tables.judging import joined
from poseharvest.tables.paper import AVERAGE_6, AVERAGE_15, SIX_ACTIONS, TABLE_5, TABLE_5_ROWS
from poseharvest.tables.paper_protocol import HUMAN36M
from poseharvest.tables.request import TableRequest, plain_regression
from poseharvest.tables.result import Panel, ReproducedTable, seed_columns

CAPTION = "Table 5 (Sec. 4.5): Human3.6M, S9 and S11, single pictures of four cameras, average 3D joint error, mm"

NETWORK = "network"


def table5(request: TableRequest) -> ReproducedTable:
    """Return the table.

    Raises:
        HarvestError: a subject or an action is missing, a sequence is damaged or out of step, or the detector lacks
            the judged joints.
        TrainingError: there are too few annotations, or the training went wrong.
    """
    dataset = open_protocol(request)
    learned, judged = (
        generic_harvester(request, check_joints).harvest(shots_of(dataset, request, subjects))
        for subjects in (HUMAN36M.train_subjects, HUMAN36M.test_subjects)
    )
    pairs = {seed: _pairs(request, learned, judged, seed) for seed in request.seeds}
    columns, by_action = [], []
    for alignment in HUMAN36M.single_view_alignments:
        title = f"here, alignment {alignment}"
        columns += seed_columns(title, {seed: _means(request, one, alignment) for seed, one in pairs.items()})
        by_action += seed_columns(title, {seed: error_rows(one, alignment) for seed, one in pairs.items()})
    panels = (
        Panel("mm", _all_rows(request), TABLE_5, tuple(columns)),
        Panel("by action", actions_of(request), (), tuple(by_action)),
    )
    settings = {
        **setting_of(request),
        "regression": plain_regression(_options(request, request.seeds[0])),
        "seeds": list(request.seeds),
    }
    notes = (*notes_on(judged, request), _place(request))
    return ReproducedTable("table5", CAPTION, panels, notes, settings)


def _pairs(
    request: TableRequest, learned: Sequence[HarvestedShot], judged: Sequence[HarvestedShot], seed: int
) -> PosePairs:
    store, name = UnitStore(request.out), ("single view", f"seed {seed}")
    settings = {
        **setting_of(request),
        "step": request.frame_step,
        "regression": plain_regression(_options(request, seed)),
        "learned_from": [one.shot.key for one in learned],
        "selected_over": OVER_COMPARABLE,
    }
    network_folder = store.ensure((*name, NETWORK), settings, lambda folder: _learn(request, learned, seed, folder))
    model = load_model(network_folder / NETWORK, device=request.regression.training.device)
    predictor = SingleViewPredictor(model, request.authors_setting)
    parts = []
    for number, one in enumerate(judged, 1):
        on_progress = with_prefix(request.on_progress, f"{number} of {len(judged)}, {one.shot.key}")
        folder = store.ensure((*name, one.shot.key), settings, partial(predictor.write, one, on_progress=on_progress))
        parts.append(single_view_pairs(one, folder, model, HUMAN36M.skeleton))
    return joined(parts)


def _learn(request: TableRequest, learned: Sequence[HarvestedShot], seed: int, folder: Path) -> None:
    train3d(
        [one.harvest for one in learned],
        folder / NETWORK,
        options=_options(request, seed),
        captures=[one.shot.footage() for one in learned],
        resume=True,
        on_progress=with_prefix(request.on_progress, f"3D network, seed {seed}"),
    )


def _options(request: TableRequest, seed: int) -> RegressionOptions:
    return replace(request.regression, training=replace(request.regression.training, seed=seed))


def _all_rows(request: TableRequest) -> tuple[str, ...]:
    return (*TABLE_5_ROWS, *(row for row in (average_row(AVERAGE_15, request), OVER_FRAMES) if row != AVERAGE_15))


def _means(request: TableRequest, pairs: PosePairs, alignment: Alignment) -> dict[str, Score]:
    rows = rows_with_means(pairs, alignment, average_row(AVERAGE_15, request))
    if set(SIX_ACTIONS) <= set(rows):
        rows[AVERAGE_6] = over_actions({action: rows[action] for action in SIX_ACTIONS})
    return rows


def _place(request: TableRequest) -> str:
    if request.authors_setting:
        return "windows and the depth of the pelvis come from the truth"
    return "windows come from the harvests of four views, the depth of the pelvis from the limbs of those learned from"
