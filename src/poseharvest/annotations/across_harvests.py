"""Selection from several harvests as if they were one capture (Sec. 3.3).

A fixed share of every harvest would select as many rows of a bad harvest as of a good one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.annotations.marking import measured_rows
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import SelectedFrame, matrix
from poseharvest.selection.measures import MEASURES
from poseharvest.selection.select import MeasuredRows, mark_together
from poseharvest.storage.columns import values_of

OVER_COMPARABLE: Final = "all comparable harvests"
"""Name of the rows that `select_comparable` selects from, for the record of a training."""


def select_together(harvests: Sequence[Harvest]) -> list[NDArray[np.bool_]]:
    """Return (F, J) bool for the rows of every harvest, in order: the selection from all of them together.

    Each joint is selected by the rule of the first harvest as if all were one capture of one person.

    Args:
        harvests: one or more, with the same joints and rule of selection.

    Raises:
        StoreError: a part is missing or damaged.
    """
    rule = harvests[0].info.selection.rule
    marks = mark_together([_measured(harvest) for harvest in harvests], rule.share, rule.factor)
    return [with_decisions(harvest, selected) for harvest, selected in zip(harvests, marks, strict=True)]


def select_comparable(harvests: Sequence[Harvest]) -> list[NDArray[np.bool_]]:
    """Return (F, J) bool for the rows of every harvest: the selection from all harvests comparable to it.

    Harvests are comparable if they have the same joints, kind of detector, inference options and selection rule. A
    network that was personalised from another one is of the same kind. A harvest without a comparable one keeps its own
    selection, which takes a share for each person.

    Raises:
        StoreError: a part is missing or damaged.
    """
    groups: dict[Hashable, list[int]] = {}
    for index, harvest in enumerate(harvests):
        groups.setdefault(_what_widths_depend_on(harvest), []).append(index)
    marks: dict[int, NDArray[np.bool_]] = {}
    for members in groups.values():
        group = [harvests[index] for index in members]
        marks |= zip(members, select_together(group) if len(group) > 1 else [_own(group[0])], strict=True)
    return [marks[index] for index in range(len(harvests))]


def iter_marked(harvest: Harvest, marks: NDArray[np.bool_]) -> Iterator[SelectedFrame]:
    """Stream a harvest like `Harvest.iter_selected`, with `marks` (F, J) as its selection."""
    for row, selected in zip(harvest.iter_selected(), marks, strict=True):
        yield replace(row, selected=torch.from_numpy(selected))


def recorded_reviews(harvests: Sequence[Harvest]) -> dict[str, Any]:
    """Return what the record of a training says of the decisions in its harvests, as "reviews"; empty without any."""
    provenance = [harvest.review_provenance for harvest in harvests]
    return {"reviews": provenance} if any(provenance) else {}


def with_decisions(harvest: Harvest, marks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a selection (F, J) of a harvest's rows with what people decided about its joints, if it has that."""
    if harvest.reviews is None or not (standing := harvest.reviews.standing):
        return marks
    decided, names = marks.copy(), ("frame", "person")
    columns = [[values_of(table.column(name)) for name in names] for table in harvest.frame_columns(names)]
    rows = {(int(frame), int(person)): row for row, (frame, person) in enumerate(_rows(columns))}
    for (frame, person, joint), decision in standing.items():
        if (frame, person) in rows:
            decided[rows[frame, person], harvest.skeleton.index(joint)] = decision.decision != "reject"
    return decided


def _rows(columns: Sequence[Sequence[NDArray[Any]]]) -> Iterator[tuple[Any, Any]]:
    for frames, people in columns:
        yield from zip(frames, people, strict=True)


def _what_widths_depend_on(harvest: Harvest) -> Hashable:
    info, detector = harvest.info, harvest.info.detector
    inference = repr(info.options.get("inference"))
    return (harvest.skeleton.joints, info.selection.rule, detector.name, detector.heatmap_size, inference)


def _measured(harvest: Harvest) -> MeasuredRows:
    measure, num_joints = MEASURES[harvest.info.selection.measure], len(harvest.skeleton)
    tables = harvest.columns(("supported", *measure.columns))
    parts = [measured_rows(table, measure, num_joints, len(harvest.view_names)) for table in tables]
    none = np.zeros((0, num_joints))
    return MeasuredRows(
        np.concatenate([none, *(part.values for part in parts)]),
        np.concatenate([none.astype(bool), *(part.supported for part in parts)]),
    )


def _own(harvest: Harvest) -> NDArray[np.bool_]:
    num_joints = len(harvest.skeleton)
    columns = [matrix(table, "selected", num_joints) for table in harvest.columns(("selected",))]
    return np.concatenate([np.zeros((0, num_joints), bool), *columns])
