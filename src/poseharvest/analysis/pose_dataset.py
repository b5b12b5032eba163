"""A harvest as a data set of PyTorch: a sample per frame and person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor
from torch.utils.data import Dataset

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import covariances, matrix
from poseharvest.annotations.schema import COVARIANCE_ENTRIES
from poseharvest.storage.columns import view_values

_COLUMNS = ("frame", "person", "x", "y", "z", *COVARIANCE_ENTRIES, "scale", "selected", "views")


class PoseSample(NamedTuple):
    """One person in one frame; of a batch, each field has the batch as its first axis.

    Attributes:
        positions: (J, 3) float32, mm in the world.
        covariances: (J, 3, 3) float32, mm^2, recalibrated where the harvest is.
        selected: (J,) bool, True where the joint is reliable enough to be learned.
        pixels: (V, J, 2) float32, projections into the distorted pictures; 0 where they are outside.
        inside: (V, J) bool, True where the projection lies in a picture that was there.
        frame: index in the capture, from 0.
        person: number of the person.
    """

    positions: Tensor
    covariances: Tensor
    selected: Tensor
    pixels: Tensor
    inside: Tensor
    frame: Tensor
    person: Tensor


@dataclass(frozen=True, eq=False)
class PoseDataset(Dataset[PoseSample]):
    """N samples, in order of frame and person. All are in memory: 1.5 kB each for 17 joints in four views.

    Attributes:
        samples: the fields of all samples, with N as their first axis.
        joint_names: the J joints.
        view_names: the V views.
    """

    samples: PoseSample
    joint_names: tuple[str, ...]
    view_names: tuple[str, ...]

    @classmethod
    def of(cls, harvest: Harvest) -> PoseDataset:
        """Return the data set of a harvest; joints that are not supported are in it, and not selected."""
        num_joints, num_views = len(harvest.skeleton), len(harvest.view_names)
        parts = [_samples(table, num_joints, num_views) for table in harvest.columns(_COLUMNS)]
        parts = parts or [_nothing(num_joints, num_views)]
        whole = PoseSample(*(torch.cat(fields) for fields in zip(*parts, strict=True)))
        return cls(whole, harvest.skeleton.joints, harvest.view_names)

    def __len__(self) -> int:
        return len(self.samples.frame)

    def __getitem__(self, index: int) -> PoseSample:
        return PoseSample(*(field[index] for field in self.samples))


def _samples(table: pa.Table, num_joints: int, num_views: int) -> PoseSample:
    """Return the samples of one part."""
    views = {
        name: values.reshape(-1, num_joints, num_views).transpose(0, 2, 1)
        for name, values in view_values(table, num_views).items()
    }
    inside = views["inside"].astype(np.bool_)
    pixels = np.where(inside[..., None], np.stack([views["u"], views["v"]], -1), 0.0)
    scale = matrix(table, "scale", num_joints)[..., None, None]
    frame, person = (matrix(table, name, num_joints)[:, 0].astype(np.int64) for name in ("frame", "person"))
    means = np.stack([matrix(table, axis, num_joints) for axis in "xyz"], -1)
    return PoseSample(
        torch.from_numpy(means).float(),
        torch.from_numpy(covariances(table, num_joints) * scale).float(),
        torch.from_numpy(np.array(matrix(table, "selected", num_joints))),
        torch.from_numpy(pixels).float(),
        torch.from_numpy(np.array(inside)),
        torch.from_numpy(frame),
        torch.from_numpy(person),
    )


def _nothing(num_joints: int, num_views: int) -> PoseSample:
    numbers = torch.zeros(0, dtype=torch.int64)
    return PoseSample(
        torch.zeros(0, num_joints, 3),
        torch.zeros(0, num_joints, 3, 3),
        torch.zeros(0, num_joints, dtype=torch.bool),
        torch.zeros(0, num_views, num_joints, 2),
        torch.zeros(0, num_views, num_joints, dtype=torch.bool),
        numbers,
        numbers,
    )
