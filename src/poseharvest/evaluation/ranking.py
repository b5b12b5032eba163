"""Measures of a joint's doubt: functions of one frame's annotations, where a higher value means less reliable.

Selection (Sec. 3.3) needs an order of reliability. The paper uses the determinant of the covariance. The alternatives
here can be computed from a harvest alone, without ground truth.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from poseharvest.annotations.records import FrameAnnotations
from poseharvest.evaluation.pairs import Floats
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.triangulation import triangulate_robust

OUTLIER_SHARE = 0.1
"""A peak farther from the projection than this share of its window's side counts as an outlier."""

Doubt = Callable[[FrameAnnotations, Sequence[StaticCamera]], Floats]
"""Function from a frame and its V cameras to one number a joint, (J,); NaN where it is not defined."""


def det(record: FrameAnnotations, cameras: Sequence[StaticCamera]) -> Floats:
    """Return the determinant of the covariance, mm^6: the paper's measure."""
    return np.asarray(record.det.numpy())


def trace(record: FrameAnnotations, cameras: Sequence[StaticCamera]) -> Floats:
    """Return the trace of the covariance, mm^2: the expected squared error, if the covariance were right."""
    return np.asarray(torch.diagonal(record.cov, dim1=-2, dim2=-1).sum(-1).numpy())


def largest_axis(record: FrameAnnotations, cameras: Sequence[StaticCamera]) -> Floats:
    """Return the largest eigenvalue of the covariance, mm^2: the spread along its worst direction."""
    return np.asarray(torch.linalg.eigvalsh(record.cov)[:, -1].numpy())


def entropy(record: FrameAnnotations, cameras: Sequence[StaticCamera]) -> Floats:
    """Return the differential entropy of a normal with the covariance, nat; it ranks as `det` does."""
    return np.asarray(1.5 * np.log(2 * np.pi * np.e) + 0.5 * np.log(np.maximum(record.det.numpy(), 1e-300)))


def low_score(record: FrameAnnotations, cameras: Sequence[StaticCamera]) -> Floats:
    """Return one minus the mean heatmap value at the projected mean, over the views whose picture holds it."""
    return 1 - _mean_over_views(record.score, record)


def low_peak(record: FrameAnnotations, cameras: Sequence[StaticCamera]) -> Floats:
    """Return one minus the mean height of the heatmaps' own maxima: the usual measure without a covariance."""
    return 1 - _mean_over_views(record.peak_score, record)


def score_drop(record: FrameAnnotations, cameras: Sequence[StaticCamera]) -> Floats:
    """Return the mean of the peak's height less the value at the projection: how far pose and views disagree."""
    return _mean_over_views(record.peak_score - record.score, record)


def peak_distance(record: FrameAnnotations, cameras: Sequence[StaticCamera]) -> Floats:
    """Return the mean distance of each view's peak from the projection, as a share of the view's window."""
    return _mean_over_views(relative_peak_distance(record), record)


def worst_peak_distance(record: FrameAnnotations, cameras: Sequence[StaticCamera]) -> Floats:
    """Return the largest distance of a view's peak from the projection, as a share of the view's window."""
    distance = relative_peak_distance(record)
    usable = record.inside & torch.isfinite(distance)
    worst = torch.where(usable, distance, -torch.inf).amax(0)
    return np.asarray(torch.where(usable.any(0), worst, torch.nan).numpy())


def left_out_shift(record: FrameAnnotations, cameras: Sequence[StaticCamera]) -> Floats:
    """Return the largest shift of the robust triangulation of the peaks when one view is left out, mm.

    NaN where the joint cannot be triangulated with all views, or without any one of them.
    """
    whole = robust_points(record, cameras)
    shifts = []
    for view in range(len(cameras)):
        keep = torch.ones(len(cameras), dtype=torch.bool)
        keep[view] = False
        rest = robust_points(record, cameras, keep)
        shift = torch.linalg.vector_norm(rest - whole, dim=-1)
        present = record.crops[view] is not None
        shifts.append(torch.where(torch.isfinite(shift) & present, shift, -torch.inf))
    largest = torch.stack(shifts).amax(0)
    return np.asarray(torch.where(torch.isfinite(largest), largest, torch.nan).numpy())


DOUBTS: dict[str, Doubt] = {
    "det": det,
    "trace": trace,
    "largest axis": largest_axis,
    "entropy": entropy,
    "score at the projection": low_score,
    "peak height": low_peak,
    "score drop": score_drop,
    "peak distance": peak_distance,
    "worst peak distance": worst_peak_distance,
    "shift without a view": left_out_shift,
}
"""All measures by the names that tables use."""


def relative_peak_distance(record: FrameAnnotations) -> Tensor:
    """Return (V, J) distances of the peaks from the projection, as shares of the windows' sides; NaN if absent."""
    sides = torch.tensor([torch.nan if crop is None else crop.side for crop in record.crops], dtype=torch.float64)
    distance: Tensor = torch.linalg.vector_norm(record.peak_pixels - record.pixels, dim=-1)
    return distance / sides[:, None]


def robust_points(record: FrameAnnotations, cameras: Sequence[StaticCamera], views: Tensor | None = None) -> Tensor:
    """Return the robust triangulation (J, 3) of the recorded peaks, mm; NaN where too few views agree.

    Args:
        record: one frame's annotations, with the peaks.
        cameras: V cameras as they stand in the frame.
        views: (V,) bool, the views to use; all if None.
    """
    weights = record.peak_score.clamp_min(0) * (1.0 if views is None else views[:, None])
    sides = torch.tensor([crop.side for crop in record.crops if crop is not None], dtype=torch.float64)
    if sides.numel() == 0:
        return torch.full_like(record.mean, torch.nan)
    threshold = OUTLIER_SHARE * float(sides.median())
    triangulation = triangulate_robust(cameras, record.peak_pixels, weights, threshold_px=threshold)
    return torch.where(triangulation.supported[:, None], triangulation.points, torch.nan)


def _mean_over_views(values: Tensor, record: FrameAnnotations) -> Floats:
    """Return the mean (J,) of (V, J) over the views in which the joint is inside the picture; NaN where none is."""
    usable = torch.where(record.inside, values, torch.nan).numpy()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)  # no view: NaN is the answer
        return np.asarray(np.nanmean(usable, axis=0))
