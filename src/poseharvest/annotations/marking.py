"""Selection and recalibration in the Parquet files of a harvest: columns are replaced part by part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from poseharvest.annotations.info import JointSelection, PersonSelection, SelectionInfo, TellingInfo
from poseharvest.annotations.parts import ANNOTATIONS, part_path, read_part, write_part
from poseharvest.annotations.records import covariances, matrix, sigma_of
from poseharvest.annotations.schema import ANNOTATION_SCHEMA, COVARIANCE_ENTRIES, SMOOTH_COLUMNS
from poseharvest.selection.measures import MEASURES, Measure
from poseharvest.selection.recalibration import Recalibration
from poseharvest.selection.rules import SelectionRule
from poseharvest.selection.select import MeasuredRows, Thresholds, find_thresholds, mark_selected
from poseharvest.selection.telling_poses import MOST_COMPARED, Postures, certainties, telling_poses
from poseharvest.storage.columns import column, values_of


@dataclass(frozen=True)
class PartLayout:
    """The layout of the rows of a harvest in its parts.

    Attributes:
        folder: the folder of the harvest.
        joints: their names, in row order.
        num_views: entries in each row of the column `views`.
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
    """Select by `rule`, each person's joints on their own, and rewrite the column `selected` of every part.

    Every joint of a person far from the cameras is less certain. A selection from the rows of all people together would
    drop that person completely. Memory grows with the number of people, but not with the number of parts. A part is
    replaced by renaming, so a hard link to the old part keeps the old content.

    Returns:
        the summary of the selection.
    """
    persons = _persons(layout)
    num_columns = len(persons) * len(layout.joints)

    def measured() -> Iterator[MeasuredRows]:
        return _measured_parts(layout, rule.measure, persons)

    thresholds = find_thresholds(measured, num_columns, rule.share, rule.factor)
    for index, marks in enumerate(mark_selected(measured(), thresholds)):
        of_anybody = np.logical_or.reduce(marks.reshape(-1, len(persons), len(layout.joints)), axis=1)
        rewrite(layout, index, {"selected": np.asarray(of_anybody)})
    summary = _summary(layout.joints, rule, thresholds, persons)
    return summary.model_copy(update={"largest_sigma_mm": largest_selected_sigma(layout), "telling": _telling(layout)})


def _telling(layout: PartLayout) -> TellingInfo:
    """Return how few poses tell nearly as much as all, of all people together."""
    names, num_joints = ("x", "y", "z", "supported", "sigma"), len(layout.joints)
    step = max(1, -(-sum(layout.records_per_part) // MOST_COMPARED))
    parts: list[dict[str, NDArray[Any]]] = []
    start = 0
    for index in _parts(layout):
        table = layout.read(index, names)
        parts.append({name: matrix(table, name, num_joints)[-start % step :: step] for name in names})
        start += layout.records_per_part[index]
    x, y, z, supported, sigma = (np.concatenate([part[name] for part in parts]) for name in names)
    postures = Postures.of(np.stack((x, y, z), -1), supported)
    return TellingInfo(
        enough=telling_poses(postures, certainties(sigma, supported)).num_enough, poses=len(postures.known)
    )


def largest_selected_sigma(layout: PartLayout) -> dict[str, float]:
    """Return the largest `sigma` of the selected rows, mm, by joint; joints without selected rows are left out."""
    largest = np.full(len(layout.joints), np.nan)
    for index in _parts(layout):
        table = layout.read(index, ("selected", "sigma"))
        selected, sigma = (matrix(table, name, len(layout.joints)) for name in ("selected", "sigma"))
        largest = np.fmax(largest, np.fmax.reduce(np.where(selected, sigma, np.nan), axis=0))
    pairs = zip(layout.joints, largest.tolist(), strict=True)
    return {joint: sigma for joint, sigma in pairs if np.isfinite(sigma)}


def withdraw_support(layout: PartLayout, joints_of: Mapping[int, Sequence[int]]) -> None:
    """Set the column `supported` to false for some joints of some people, in every part.

    Args:
        layout: the layout of the rows.
        joints_of: indices of the joints, by number of the person.
    """
    for index in _parts(layout):
        table = layout.read(index, ("person", "supported"))
        person, supported = (matrix(table, name, len(layout.joints)) for name in ("person", "supported"))
        supported = np.array(supported, dtype=bool)
        for number, joints in joints_of.items():
            supported[np.ix_(person[:, 0] == number, list(joints))] = False
        rewrite(layout, index, {"supported": supported})


def scale_parts(layout: PartLayout, recalibration: Recalibration | None) -> None:
    """Rewrite the columns `scale` and `sigma` of every part, from the posterior's covariances."""
    for index in _parts(layout):
        table = layout.read(index, (*COVARIANCE_ENTRIES, "det"))
        cov = torch.from_numpy(covariances(table, len(layout.joints)))
        det = matrix(table, "det", len(layout.joints))
        scale = np.ones(det.shape) if recalibration is None else recalibration.scales(cov).numpy()
        rewrite(layout, index, {"scale": scale, "sigma": sigma_of(det, scale)})


def _persons(layout: PartLayout) -> NDArray[np.int64]:
    """Return the numbers of all people in the harvest, ascending."""
    parts = [np.unique(values_of(layout.read(i, ("person",)).column("person"))) for i in _parts(layout)]
    return np.unique(np.concatenate(parts)).astype(np.int64)


def _measured_parts(layout: PartLayout, measure_name: str, persons: NDArray[np.int64]) -> Iterator[MeasuredRows]:
    """Yield the measure of each part, with one column for every joint of every person."""
    measure, num_joints = MEASURES[measure_name], len(layout.joints)
    for index in _parts(layout):
        table = layout.read(index, ("person", "supported", *measure.columns))
        rows = measured_rows(table, measure, num_joints, layout.num_views)
        yield _spread_out(rows, matrix(table, "person", num_joints)[:, 0], persons)


def measured_rows(table: pa.Table, measure: Measure, num_joints: int, num_views: int) -> MeasuredRows:
    """Return the measure of the rows of a table, with the sign changed where high values are reliable."""
    sign = -1.0 if measure.higher_is_better else 1.0
    values = sign * measure.values(table, num_views)
    return MeasuredRows(values.reshape(-1, num_joints), matrix(table, "supported", num_joints))


def _spread_out(rows: MeasuredRows, person: NDArray[np.int64], persons: NDArray[np.int64]) -> MeasuredRows:
    """Return (F, P * J): each row in the columns of its person, and unsupported in the other columns."""
    own = (person[:, None] == persons)[..., None]
    shape = (len(person), -1)
    values = np.broadcast_to(rows.values[:, None], (*own.shape[:2], rows.values.shape[1]))
    return MeasuredRows(values.reshape(shape), (own & rows.supported[:, None]).reshape(shape))


def _parts(layout: PartLayout) -> range:
    return range(len(layout.records_per_part))


def rewrite(layout: PartLayout, index: int, columns: dict[str, NDArray[Any]]) -> None:
    """Replace columns of part `index`; NaN is stored as null where the smoothing gives no position."""
    table, path = layout.read(index), part_path(layout.folder, ANNOTATIONS, index)
    for name, values in columns.items():
        place = ANNOTATION_SCHEMA.get_field_index(name)
        field = ANNOTATION_SCHEMA.field(place)
        table = table.set_column(place, field, column(values.ravel(), field.type, nan_is_null=name in SMOOTH_COLUMNS))
    new = path.with_name(f".{path.name}.partial")
    write_part(table, new)
    new.replace(path)


def _summary(
    joints: Sequence[str], rule: SelectionRule, thresholds: Thresholds, persons: NDArray[np.int64]
) -> SelectionInfo:
    """Return the selection of all people together, and of each person if there are several."""
    shape = (len(persons), len(joints))
    supported, selected = thresholds.supported.reshape(shape), thresholds.selected.reshape(shape)
    cuts, sign = thresholds.values.reshape(shape), -1.0 if MEASURES[rule.measure].higher_is_better else 1.0
    each = [_joints(joints, *rows) for rows in zip(supported, selected, sign * cuts, strict=True)]
    worst = sign * np.where(np.isnan(cuts), -np.inf, cuts).max(0)
    return SelectionInfo(
        measure=rule.measure,
        share=rule.share,
        limit=rule.limit,
        joints=_joints(joints, supported.sum(0), selected.sum(0), worst),
        people=tuple(PersonSelection(person=int(p), joints=of) for p, of in zip(persons, each, strict=True))
        if len(persons) > 1
        else (),
    )


def _joints(
    joints: Sequence[str], supported: NDArray[np.int64], selected: NDArray[np.int64], cuts: NDArray[np.float64]
) -> tuple[JointSelection, ...]:
    return tuple(
        JointSelection(
            joint=joint,
            supported=int(num_supported),
            selected=int(num_selected),
            threshold=float(cut) if np.isfinite(cut) else None,
        )
        for joint, num_supported, num_selected, cut in zip(joints, supported, selected, cuts, strict=True)
    )
