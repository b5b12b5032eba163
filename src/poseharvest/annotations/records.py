"""The record of one person in one frame, and its lossless conversion to Parquet rows and back.

The NaN of an absent view is stored as null.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from poseharvest.annotations.schema import (
    ANNOTATION_SCHEMA,
    ANNOTATION_VIEW,
    COVARIANCE_ENTRIES,
    FRAME_SCHEMA,
    FRAME_VIEW,
    SMOOTH_COLUMNS,
)
from poseharvest.annotations.smooth_poses import SmoothPose
from poseharvest.checks import check_finite, check_shape
from poseharvest.errors import ShapeError, StoreError
from poseharvest.geometry.crop import Crop
from poseharvest.selection.recalibration import Recalibration
from poseharvest.storage.columns import column, repeated_names, values_of, view_values


@dataclass(frozen=True, eq=False)
class FrameAnnotations:
    """The 3D pose of one person in one frame, and its 2D annotations in every view. All tensors on the CPU.

    Attributes:
        frame: index in the capture, from 0.
        time_s: seconds from the capture's start.
        person: number of the person, from 0.
        mean: (J, 3) float64, means of the marginals, mm in the world.
        cov: (J, 3, 3) float64, covariances of the marginals, mm^2.
        supported: (J,) bool, True if two views show the joint near its mean; False if its position is uncertain.
        log_evidence: log of the frame's evidence, the sum over all poses of likelihood times prior.
        pixels: (V, J, 2) float64, projection of the mean into every distorted picture, pixels; NaN if it is not valid:
            behind the camera, outside the range of the lens model, or extremely far outside the picture.
        inside: (V, J) bool, True if the view is present and the projection lies in its picture.
        score: (V, J) float64, value of the heatmap at the projection; 0 outside the window of the view.
        peak_pixels: (V, J, 2) float64, position of the maximum of the heatmap, pixels of the picture; NaN in an absent
            view.
        peak_score: (V, J) float64, value of the heatmap at its maximum; 0 in an absent view.
        crops: for each view the window that the detector used; None for an absent view.
    """

    frame: int
    time_s: float
    person: int
    mean: Tensor
    cov: Tensor
    supported: Tensor
    log_evidence: float
    pixels: Tensor
    inside: Tensor
    score: Tensor
    peak_pixels: Tensor
    peak_score: Tensor
    crops: tuple[Crop | None, ...]

    def __post_init__(self) -> None:
        sizes = check_shape("mean", self.mean, "J 3")
        check_shape("cov", self.cov, "J 3 3", **sizes)
        check_shape("supported", self.supported, "J", **sizes)
        sizes = check_shape("pixels", self.pixels, "V J 2", **sizes)
        for name in ("inside", "score", "peak_score"):
            check_shape(name, getattr(self, name), "V J", **sizes)
        check_shape("peak_pixels", self.peak_pixels, "V J 2", **sizes)
        if len(self.crops) != sizes["V"]:
            raise ShapeError(f"crops: expected {sizes['V']}, got {len(self.crops)}")
        for name in ("mean", "cov", "score", "peak_score"):
            check_finite(name, getattr(self, name))

    @property
    def is_shown(self) -> Tensor:
        """(J,) bool, True if the joint has evidence in at least one view; without it, the position is a guess."""
        return (self.peak_score > 0).any(0)

    @property
    def det(self) -> Tensor:
        """(J,) determinants of the covariances, mm^6: the paper's measure of confidence (Sec. 3.3)."""
        # By hand: what a library's routine returns may differ in its last bit from run to run, and harvests may not.
        a, b, c = self.cov.unbind(-2)
        det: Tensor = (a * torch.linalg.cross(b, c)).sum(-1)
        return det


@dataclass(frozen=True, eq=False)
class SelectedFrame:
    """The record of one person in one frame of a harvest.

    Attributes:
        annotations: the pose and its projections.
        selected: (J,) bool, True if the joint is reliable enough to be an annotation (Sec. 3.3).
        scale: (J,) factor for the covariance from the recalibration of the harvest; 1 without a recalibration.
        smooth: the pose after smoothing over time.
    """

    annotations: FrameAnnotations
    selected: Tensor
    scale: Tensor
    smooth: SmoothPose

    @property
    def calibrated_cov(self) -> Tensor:
        """(J, 3, 3) covariances after the recalibration, mm^2."""
        return self.annotations.cov * self.scale[:, None, None]

    @property
    def calibrated(self) -> FrameAnnotations:
        """The pose with recalibrated covariances, to show uncertainties in millimetres."""
        return replace(self.annotations, cov=self.calibrated_cov)

    @property
    def sigma_mm(self) -> Tensor:
        """(J,) det^(1/6) of the recalibrated covariances, mm."""
        return self.annotations.det.clamp(min=0).pow(1 / 6) * self.scale.sqrt()


def annotation_table(
    records: Sequence[FrameAnnotations],
    joints: Sequence[str],
    views: Sequence[str],
    recalibration: Recalibration | None = None,
) -> pa.Table:
    """Return a table with one row per record and joint (`ANNOTATION_SCHEMA`), none of them selected or smoothed."""
    mean, cov, det = (_stack(records, name) for name in ("mean", "cov", "det"))
    scale = np.ones(det.shape) if recalibration is None else recalibration.scales(torch.from_numpy(cov)).numpy()
    num_rows = mean.shape[0] * mean.shape[1]
    columns = {
        "frame": np.repeat([r.frame for r in records], len(joints)),
        "time": np.repeat([r.time_s for r in records], len(joints)),
        "person": np.repeat([r.person for r in records], len(joints)),
        "joint": repeated_names(joints, len(records)),
        **{axis: mean[..., i].ravel() for i, axis in enumerate("xyz")},
        **{name: cov[..., i, j].ravel() for name, (i, j) in COVARIANCE_ENTRIES.items()},
        "det": det.ravel(),
        "scale": scale.ravel(),
        "sigma": sigma_of(det, scale).ravel(),
        "supported": _stack(records, "supported").ravel(),
        "selected": np.zeros(num_rows, dtype=bool),
        **{name: pa.nulls(num_rows, pa.float64()) for name in SMOOTH_COLUMNS},
        "filled": np.zeros(num_rows, dtype=bool),
        "views": list_of_views(ANNOTATION_VIEW, _annotation_views(records, views), len(views)),
    }
    return _table(columns, ANNOTATION_SCHEMA)


def frame_table(records: Sequence[FrameAnnotations], views: Sequence[str]) -> pa.Table:
    """Return a table with one row per record (`FRAME_SCHEMA`)."""
    crops = [crop for record in records for crop in record.crops]
    fields = {
        "view": repeated_names(views, len(records)),
        "present": np.array([crop is not None for crop in crops], dtype=bool),
        "crop_x": np.array([crop.center[0] if crop else np.nan for crop in crops], dtype=np.float64),
        "crop_y": np.array([crop.center[1] if crop else np.nan for crop in crops], dtype=np.float64),
        "crop_side": np.array([crop.side if crop else np.nan for crop in crops], dtype=np.float64),
    }
    columns = {
        "frame": [r.frame for r in records],
        "time": [r.time_s for r in records],
        "person": [r.person for r in records],
        "log_evidence": [r.log_evidence for r in records],
        "views": list_of_views(FRAME_VIEW, fields, len(views)),
    }
    return _table(columns, FRAME_SCHEMA)


def sigma_of(det: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sigma = det^(1/6), mm, of covariances with determinant `det`, mm^6, multiplied by `scale`."""
    sigma: NDArray[np.float64] = np.maximum(det, 0) ** (1 / 6) * np.sqrt(scale)
    return sigma


def frames_from_tables(
    annotations: pa.Table, frames: pa.Table, num_joints: int, num_views: int
) -> Iterator[SelectedFrame]:
    """Yield the records of one part: the inverse of `annotation_table` and `frame_table`.

    Raises:
        StoreError: the two tables do not belong together.
    """
    num_records = frames.num_rows
    if annotations.num_rows != num_records * num_joints:
        raise StoreError(
            f"expected {num_records * num_joints} rows of annotations for {num_records} rows of frames "
            f"and {num_joints} joints, got {annotations.num_rows}"
        )
    tensors = _annotation_tensors(annotations, (num_records, num_joints, num_views))
    crops = _crops(frames, num_views)
    selected, scale = tensors.pop("selected"), tensors.pop("scale")
    smooth = [tensors.pop(name) for name in ("smooth", "sigma_smooth", "filled")]
    for i, row in enumerate(frames.select(["frame", "time", "person", "log_evidence"]).to_pylist()):
        record = FrameAnnotations(
            frame=row["frame"],
            time_s=row["time"],
            person=row["person"],
            log_evidence=row["log_evidence"],
            crops=crops[i],
            **{name: tensor[i].clone() for name, tensor in tensors.items()},
        )
        pose = SmoothPose(row["frame"], row["time"], row["person"], *(tensor[i].clone() for tensor in smooth))
        yield SelectedFrame(record, selected[i].clone(), scale[i].clone(), pose)


def matrix(table: pa.Table, name: str, num_joints: int) -> NDArray[Any]:
    """Return one column of a part's annotations as (records, J)."""
    return values_of(table.column(name)).reshape(-1, num_joints)


def covariances(table: pa.Table, num_joints: int) -> NDArray[np.float64]:
    """Return the posterior's covariances of a part's annotations, (records, J, 3, 3) mm^2."""
    cov = np.empty((table.num_rows // num_joints, num_joints, 3, 3))
    for name, (i, j) in COVARIANCE_ENTRIES.items():
        cov[..., i, j] = cov[..., j, i] = matrix(table, name, num_joints)
    return cov


def _stack(records: Sequence[FrameAnnotations], name: str) -> NDArray[Any]:
    stacked = torch.stack([getattr(record, name) for record in records])
    values: NDArray[Any] = (stacked if stacked.dtype == torch.bool else stacked.double()).numpy()
    return values


def _table(columns: dict[str, Any], schema: pa.Schema) -> pa.Table:
    return pa.table([column(columns[field.name], field.type) for field in schema], schema=schema)


def _annotation_views(records: Sequence[FrameAnnotations], views: Sequence[str]) -> dict[str, Any]:
    pixels, peaks = (_stack(records, name).transpose(0, 2, 1, 3) for name in ("pixels", "peak_pixels"))
    score, inside, peak_score = (_stack(records, n).transpose(0, 2, 1) for n in ("score", "inside", "peak_score"))
    num_rows = score.shape[0] * score.shape[1]
    return {
        "view": repeated_names(views, num_rows),
        "u": pixels[..., 0].ravel(),
        "v": pixels[..., 1].ravel(),
        "score": score.ravel(),
        "inside": inside.ravel(),
        "peak_u": peaks[..., 0].ravel(),
        "peak_v": peaks[..., 1].ravel(),
        "peak_score": peak_score.ravel(),
    }


def list_of_views(struct: pa.StructType, fields: dict[str, Any], num_views: int) -> pa.ListArray:
    """Return a column with one list of structs per row, from fields of (rows * V) values; NaN becomes null."""
    # NaN is stored as null: an average over a column in SQL then skips an absent view.
    arrays = [column(fields[field.name], field.type, nan_is_null=pa.types.is_floating(field.type)) for field in struct]
    structs = pa.StructArray.from_arrays(arrays, fields=list(struct))
    offsets = column(np.arange(0, len(structs) + 1, num_views), pa.int32())
    return pa.ListArray.from_arrays(offsets, structs, type=pa.list_(struct))


def _annotation_tensors(table: pa.Table, sizes: tuple[int, int, int]) -> dict[str, Tensor]:
    num_records, num_joints, num_views = sizes
    views = {
        name: values.reshape(num_records, num_joints, num_views).transpose(0, 2, 1)
        for name, values in view_values(table, num_views).items()
    }
    arrays = {
        "mean": np.stack([matrix(table, axis, num_joints) for axis in "xyz"], -1),
        "cov": covariances(table, num_joints),
        "supported": matrix(table, "supported", num_joints),
        "selected": matrix(table, "selected", num_joints),
        "scale": matrix(table, "scale", num_joints),
        "smooth": np.stack([matrix(table, f"{axis}_smooth", num_joints) for axis in "xyz"], -1),
        **{name: matrix(table, name, num_joints) for name in ("sigma_smooth", "filled")},
        "pixels": np.stack([views["u"], views["v"]], -1),
        "peak_pixels": np.stack([views["peak_u"], views["peak_v"]], -1),
        **{name: views[name] for name in ("inside", "score", "peak_score")},
    }
    return {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}


def _crops(table: pa.Table, num_views: int) -> list[tuple[Crop | None, ...]]:
    fields = view_values(table, num_views)
    windows = np.stack([fields["crop_x"], fields["crop_y"], fields["crop_side"]], -1).tolist()
    return [
        tuple(Crop((x, y), side) if present else None for (x, y, side), present in zip(row, flags, strict=True))
        for row, flags in zip(windows, fields["present"].tolist(), strict=True)
    ]
