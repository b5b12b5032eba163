"""Distance of estimated poses from true ones, and its correlation with the uncertainty, if the truth is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.checks import check_shape
from poseharvest.errors import HarvestError


@dataclass(frozen=True)
class PoseErrors:
    """Errors of a harvest of one person against the truth, in the world as it is: alignment "none".

    Attributes:
        mean_mm: mean distance over all supported joints of all frames (MPJPE without alignment), mm.
        median_mm: median of the same.
        selected_mean_mm: mean over the selected joints; NaN if none is.
        num_joints: number of judged joints.
        rank_correlation: Spearman's rank correlation of det(cov) and the error: 1 if the order is the same. NaN with
            fewer than two joints, or if all errors or all determinants are equal.
    """

    mean_mm: float
    median_mm: float
    selected_mean_mm: float
    num_joints: int
    rank_correlation: float


def pose_errors(harvest: Harvest, truth: Tensor) -> PoseErrors:
    """Return the errors of a harvest against true positions.

    Args:
        harvest: a harvest of one person.
        truth: (F, J, 3) mm, all frames of the capture, joints in the harvest's order.

    Raises:
        HarvestError: the harvest holds several people, a frame that the truth lacks, or no supported joint.
    """
    if harvest.info.counts.persons > 1:
        raise HarvestError(f"pose errors: expected a harvest of one person, got {harvest.info.counts.persons}")
    check_shape("truth", truth, "F J 3", J=len(harvest.skeleton))
    errors, dets, selection = [], [], []
    for row in harvest.iter_selected():
        record = row.annotations
        if record.frame >= truth.shape[0]:
            raise HarvestError(f"truth: expected frame {record.frame}, got {truth.shape[0]} frames")
        error = torch.linalg.vector_norm(record.mean - truth[record.frame].double(), dim=-1)
        errors.append(error[record.supported])
        dets.append(record.det[record.supported])
        selection.append(torch.as_tensor(row.selected)[record.supported])
    error, det, selected = (torch.cat(parts).numpy() for parts in (errors, dets, selection))
    if error.size == 0:
        raise HarvestError("pose errors: no joint of the harvest is supported")
    return PoseErrors(
        mean_mm=float(error.mean()),
        median_mm=float(np.median(error)),
        selected_mean_mm=float(error[selected].mean()) if selected.any() else math.nan,
        num_joints=error.size,
        rank_correlation=_rank_correlation(det, error),
    )


def _rank_correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    if np.unique(a).size < 2 or np.unique(b).size < 2:
        return math.nan
    return float(spearmanr(a, b).statistic)
