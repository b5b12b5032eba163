"""A person's pose after smoothing over time, and the table of those in frames without a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from poseharvest.annotations.schema import FILLED_SCHEMA
from poseharvest.checks import check_shape
from poseharvest.storage.columns import column, repeated_names, values_of


@dataclass(frozen=True, eq=False)
class SmoothPose:
    """One person in one frame, smoothed over time.

    Attributes:
        frame: index in the capture, from 0.
        time_s: seconds from the capture's start.
        person: number of the person, from 0.
        mean: (J, 3) float64 positions, mm in the world; NaN where there is none.
        sigma_mm: (J,) float64, det^(1/6) of their covariances, mm; NaN where there is none.
        filled: (J,) bool, True where the joint was not measured in this frame, but before and after it.
    """

    frame: int
    time_s: float
    person: int
    mean: Tensor
    sigma_mm: Tensor
    filled: Tensor

    def __post_init__(self) -> None:
        sizes = check_shape("smooth mean", self.mean, "J 3")
        check_shape("smooth sigma", self.sigma_mm, "J", **sizes)
        check_shape("filled", self.filled, "J", **sizes)

    @property
    def has_position(self) -> Tensor:
        """(J,) bool, True where there is a position."""
        return torch.isfinite(self.sigma_mm)


def filled_table(poses: Sequence[SmoothPose], joints: Sequence[str]) -> pa.Table:
    """Return a table with one row per pose and joint (`FILLED_SCHEMA`)."""
    empty = torch.zeros(0, len(joints), 3, dtype=torch.float64)
    mean = torch.stack([pose.mean for pose in poses]) if poses else empty
    sigma = torch.stack([pose.sigma_mm for pose in poses]) if poses else empty[..., 0]
    filled = torch.stack([pose.filled for pose in poses]) if poses else empty[..., 0].bool()
    columns = {
        "frame": np.repeat([pose.frame for pose in poses], len(joints)),
        "time": np.repeat([pose.time_s for pose in poses], len(joints)),
        "person": np.repeat([pose.person for pose in poses], len(joints)),
        **{f"{axis}_smooth": mean[..., i].numpy().ravel() for i, axis in enumerate("xyz")},
        "sigma_smooth": sigma.numpy().ravel(),
        "filled": filled.numpy().ravel(),
    }
    arrays = [
        repeated_names(joints, len(poses))
        if field.name == "joint"
        else column(columns[field.name], field.type, nan_is_null=pa.types.is_floating(field.type))
        for field in FILLED_SCHEMA
    ]
    return pa.table(arrays, schema=FILLED_SCHEMA)


def poses_of_table(table: pa.Table, num_joints: int) -> list[SmoothPose]:
    """Return the poses of a table: the inverse of `filled_table`."""
    columns = {
        name: values_of(table.column(name)).reshape(-1, num_joints) for name in table.column_names if name != "joint"
    }
    mean = torch.from_numpy(np.stack([columns[f"{axis}_smooth"] for axis in "xyz"], -1))
    sigma, filled = (torch.from_numpy(np.array(columns[name])) for name in ("sigma_smooth", "filled"))
    return [
        SmoothPose(int(columns["frame"][i, 0]), float(columns["time"][i, 0]), int(columns["person"][i, 0]), *pose)
        for i, pose in enumerate(zip(mean, sigma, filled, strict=True))
    ]
