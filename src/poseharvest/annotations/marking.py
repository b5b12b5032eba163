"""Selection and recalibration applied to the Parquet files of a harvest: columns that are replaced, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from poseharvest.annotations.columns import column
from poseharvest.annotations.info import JointSelection, SelectionInfo
from poseharvest.annotations.measures import MEASURES
from poseharvest.annotations.parts import ANNOTATIONS, part_path, read_part, write_part
from poseharvest.annotations.recalibration import Recalibration
from poseharvest.annotations.rows import covariances, matrix, sigma_of
from poseharvest.annotations.schema import ANNOTATION_SCHEMA, COVARIANCE_ENTRIES
from poseharvest.annotations.select import MeasuredRows, SelectionRule, Thresholds, find_thresholds, mark_selected


@dataclass(frozen=True)
class PartLayout:
    """How the rows of a harvest lie in its parts.

    Attributes:
        folder: the harvest.
        joints: their names, in row order.
        num_views: entries of the column `views`.
        records_per_part: persons times frames in each part.
    """

    folder: Path
    joints: tuple[str, ...]
    num_views: int
    records_per_part: Sequence[int]

    def read(self, index: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Return part `index` of the annotations."""
        num_rows = self.records_per_part[index] * len(self.joints)
        return read_part(part_path(self.folder, ANNOTATIONS, index), ANNOTATIONS, num_rows, columns)


def mark_parts(layout: PartLayout, rule: SelectionRule) -> SelectionInfo:
    """Select by `rule` and rewrite the column `selected` of every part; return how many rows were selected.

    Memory does not grow with the number of parts. A part is replaced by renaming, so a hard link to it keeps the old.
    """
    thresholds = find_thresholds(lambda: _measured_parts(layout, rule.measure), len(layout.joints), rule.share)
    for index, marks in enumerate(mark_selected(_measured_parts(layout, rule.measure), thresholds)):
        _rewrite(layout, index, {"selected": marks})
    return _summary(layout.joints, rule, thresholds)


def scale_parts(layout: PartLayout, recalibration: Recalibration | None) -> None:
    """Rewrite the columns `scale` and `sigma` of every part, from the posterior's covariances."""
    for index in range(len(layout.records_per_part)):
        table = layout.read(index, (*COVARIANCE_ENTRIES, "det"))
        cov = torch.from_numpy(covariances(table, len(layout.joints)))
        det = matrix(table, "det", len(layout.joints))
        scale = np.ones(det.shape) if recalibration is None else recalibration.scales(cov).numpy()
        _rewrite(layout, index, {"scale": scale, "sigma": sigma_of(det, scale)})


def _measured_parts(layout: PartLayout, measure_name: str) -> Iterator[MeasuredRows]:
    measure, num_joints = MEASURES[measure_name], len(layout.joints)
    sign = -1.0 if measure.higher_is_better else 1.0
    for index in range(len(layout.records_per_part)):
        table = layout.read(index, ("supported", *measure.columns))
        values = sign * measure.values(table, layout.num_views)
        yield MeasuredRows(values.reshape(-1, num_joints), matrix(table, "supported", num_joints))


def _rewrite(layout: PartLayout, index: int, columns: dict[str, NDArray[Any]]) -> None:
    table, path = layout.read(index), part_path(layout.folder, ANNOTATIONS, index)
    for name, values in columns.items():
        place = ANNOTATION_SCHEMA.get_field_index(name)
        field = ANNOTATION_SCHEMA.field(place)
        table = table.set_column(place, field, column(values.ravel(), field.type))
    new = path.with_name(f".{path.name}.partial")
    write_part(table, new)
    new.replace(path)


def _summary(joints: Sequence[str], rule: SelectionRule, thresholds: Thresholds) -> SelectionInfo:
    sign = -1.0 if MEASURES[rule.measure].higher_is_better else 1.0
    rows = zip(joints, thresholds.supported, thresholds.selected, sign * thresholds.values, strict=True)
    return SelectionInfo(
        measure=rule.measure,
        share=rule.share,
        joints=tuple(
            JointSelection(
                joint=joint,
                supported=int(supported),
                selected=int(selected),
                threshold=float(value) if np.isfinite(value) else None,
            )
            for joint, supported, selected, value in rows
        ),
    )
