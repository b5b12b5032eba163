"""The rows of a harvest with the decisions of people: one place, so that every reader of the rows sees the same.

An accepted joint is supported and selected. A rejected one is neither, and has no smooth position. A moved one has the
most likely position by the harvested estimate and by the dragged pixels (`geometry.dragged_point`), with the covariance
of that, as its smooth position too; it is supported and selected. Its `score` is 1 where it was dragged and 0 in the
other views, whose heatmaps are not known there. The smooth positions of other frames stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from poseharvest.annotations.records import covariances, list_of_views, matrix, sigma_of
from poseharvest.annotations.reviews import Decision, Reviews, described
from poseharvest.annotations.schema import ANNOTATION_SCHEMA, ANNOTATION_VIEW, COVARIANCE_ENTRIES, SMOOTH_COLUMNS
from poseharvest.errors import ShapeError, StoreError
from poseharvest.findings import Finding
from poseharvest.geometry.dragged_point import CONTRADICTION_SIGMAS, DRAG_SIGMA_PX, DraggedPoint, drag_point
from poseharvest.geometry.rig import Rig, inside_image, project_all
from poseharvest.storage.columns import column, repeated_names, values_of, view_values

PLACE_COLUMNS = ("frame", "person", "views")
"""The columns of `frames/` that say which rows a part has and which views are present."""

_CHANGED = (*"xyz", *COVARIANCE_ENTRIES, "det", "scale", "sigma", "supported", "selected", *SMOOTH_COLUMNS, "filled")

Columns = Mapping[str, NDArray[Any]]


def moved_joint(rig: Rig, decision: Decision, mean: Tensor, cov: Tensor) -> DraggedPoint:
    """Return where a joint lies that was moved.

    Args:
        rig: the cameras.
        decision: the one that moved it.
        mean: (3,) its harvested position, mm.
        cov: (3, 3) its recalibrated covariance, mm^2.

    Raises:
        StoreError: a camera in whose picture it was dragged does not see its harvested position.
    """
    pixels = torch.full((len(rig), 2), torch.nan, dtype=torch.float64)
    for view, (x, y) in decision.pixels.items():
        pixels[rig.names.index(view)] = torch.tensor([x, y], dtype=torch.float64)
    try:
        return drag_point(rig.at(decision.frame), mean, cov, pixels)
    except (ShapeError, torch.linalg.LinAlgError) as error:  # type: ignore[attr-defined]  # not in its __all__
        raise StoreError(f"{described(decision.place)}: {error}") from error


def contradiction(decision: Decision, moved: DraggedPoint, views: Sequence[str]) -> Finding | None:
    """Return that the views in which a joint was dragged contradict one another; None if they agree."""
    if not bool(moved.contradicts.any()):
        return None
    worst = int(moved.residual_px.nan_to_num(0.0).argmax())
    message = (
        f'{described(decision.place)}: where it was dragged in view "{views[worst]}" contradicts the other views: '
        f"expected the joint within {CONTRADICTION_SIGMAS * DRAG_SIGMA_PX:.0f} px of it, got "
        f"{float(moved.residual_px[worst]):.0f} px: drag it again in one of them"
    )
    return Finding("warning", "review", message)


@dataclass(frozen=True, eq=False)
class ReviewedRows:
    """Puts decisions into the parts of a harvest.

    Attributes:
        reviews: the decisions.
        joints: of the harvest, in row order.
        rig: its cameras.
    """

    reviews: Reviews
    joints: tuple[str, ...]
    rig: Rig

    def decided(self, places: pa.Table) -> dict[int, Decision]:
        """Return the decisions about the rows of a part, by number of the row.

        Args:
            places: `PLACE_COLUMNS` of the part.
        """
        frames, people = (values_of(places.column(name)).tolist() for name in PLACE_COLUMNS[:2])
        records = {key: number for number, key in enumerate(zip(frames, people, strict=True))}
        return {
            records[frame, person] * len(self.joints) + self.joints.index(joint): decision
            for (frame, person, joint), decision in self.reviews.standing.items()
            if (frame, person) in records
        }

    def moved(self, table: pa.Table, decided: Mapping[int, Decision]) -> Iterator[tuple[int, Decision, DraggedPoint]]:
        """Yield the moved joints of a part's annotations: row, decision, and where they lie."""
        means = np.stack([values_of(table.column(axis)) for axis in "xyz"], -1)
        cov = covariances(table, 1)[:, 0] * values_of(table.column("scale"))[:, None, None]
        for row, decision in decided.items():
            if decision.decision == "move":
                here = moved_joint(self.rig, decision, torch.tensor(means[row]), torch.tensor(cov[row]))
                yield row, decision, here

    def findings(self, table: pa.Table, decided: Mapping[int, Decision]) -> list[Finding]:
        """Return which joints of a part were dragged to places that contradict one another."""
        found = (contradiction(decision, here, self.rig.names) for _, decision, here in self.moved(table, decided))
        return [one for one in found if one is not None]

    def apply(self, table: pa.Table, places: pa.Table, decided: Mapping[int, Decision]) -> pa.Table:
        """Return a part's annotations, all columns, with the decisions about its rows.

        Args:
            table: the annotations of the part.
            places: `PLACE_COLUMNS` of the part.
            decided: what `decided` returned for it.
        """
        values = {name: np.array(matrix(table, name, 1)[:, 0]) for name in _CHANGED}
        views = {name: np.array(array) for name, array in view_values(table, len(self.rig)).items()}
        present = view_values(places, len(self.rig))["present"]
        for row, decision in decided.items():
            _mark(row, values, is_kept=decision.decision != "reject")
        for row, decision, moved in self.moved(table, decided):
            _place(row, values, moved)
            self._project(row, views, decision, moved, present[row // len(self.joints)])
        return self._table(table, values, views)

    def _project(
        self, row: int, views: Columns, decision: Decision, moved: DraggedPoint, present: NDArray[np.bool_]
    ) -> None:
        """Put the projections of a moved joint into its row."""
        cameras = self.rig.at(decision.frame)
        projection = project_all(cameras, moved.mean[None])
        for view, camera in enumerate(cameras):
            pixel, is_valid = projection.pixels[view, 0], bool(projection.valid[view, 0])
            views["u"][row, view], views["v"][row, view] = pixel.tolist() if is_valid else (np.nan, np.nan)
            is_within = is_valid and bool(inside_image(pixel, camera.image_size))
            views["inside"][row, view] = is_within and present[view]
            views["score"][row, view] = float(camera.name in decision.pixels)

    def _table(self, table: pa.Table, values: Columns, views: Columns) -> pa.Table:
        """Return the table with changed columns."""
        names = repeated_names(self.rig.names, table.num_rows)
        fields = {"view": names, **{name: array.ravel() for name, array in views.items()}}
        made = {"views": list_of_views(ANNOTATION_VIEW, fields, len(self.rig))}
        for name, changed in values.items():
            made[name] = column(changed, ANNOTATION_SCHEMA.field(name).type, nan_is_null=name in SMOOTH_COLUMNS)
        arrays = [made.get(field.name, table.column(field.name)) for field in ANNOTATION_SCHEMA]
        return pa.table(arrays, schema=ANNOTATION_SCHEMA)


def _mark(row: int, values: Columns, *, is_kept: bool) -> None:
    """Put into a row that a person keeps the joint, or does not."""
    values["selected"][row] = values["supported"][row] = is_kept
    if not is_kept:
        values["filled"][row] = False
        for name in SMOOTH_COLUMNS:
            values[name][row] = np.nan


def _place(row: int, values: Columns, moved: DraggedPoint) -> None:
    """Put the position of a moved joint and its covariance into its row."""
    mean, cov = moved.mean.numpy(), moved.cov.numpy()
    det = float(np.linalg.det(cov))
    sigma = float(sigma_of(np.array(det), np.array(1.0)))
    own = {"det": det, "scale": 1.0, "sigma": sigma, "sigma_smooth": sigma, "filled": False}
    own |= {name: cov[i, j] for name, (i, j) in COVARIANCE_ENTRIES.items()}
    for axis, value in zip("xyz", mean, strict=True):
        own |= {axis: value, f"{axis}_smooth": value}
    for name, value in own.items():
        values[name][row] = value
