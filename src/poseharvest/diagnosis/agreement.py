"""For each camera, the distance between its heatmap peaks and the pose inferred from all cameras."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.annotations.records import FrameAnnotations
from poseharvest.diagnosis.histogram import LogHistogram
from poseharvest.diagnosis.spread import Spread, spreads
from poseharvest.geometry.rig import Rig, all_pixels_per_mm

DISAGREE_MM = 100.0
"""A peak disagrees if its distance from the projected joint is larger than this length at the person, mm."""


@dataclass(frozen=True, eq=False)
class ViewSummary:
    """Statistics of one camera over the whole harvest.

    Attributes:
        name: name of the view.
        num: number of moments (records of one person in one frame).
        num_absent: number of moments without a picture or window.
        longest_gap: largest number of consecutive absent moments.
        distance_px: spread of the distance from the heatmap's peak to the projected joint, all joints, pixels.
        threshold_px: median over the moments of DISAGREE_MM at the place of the person, pixels.
        disagree_share: share of the visible joints whose peak disagrees; NaN if no joint is visible.
        joint_median_px: (J,) median distance of every joint, pixels; NaN where it is never visible.
        joint_disagree_share: (J,) `disagree_share` of every joint.
        mean_score: mean of the heatmaps at the projected joints.
        mean_peak_score: mean of the maxima of the heatmaps.
    """

    name: str
    num: int
    num_absent: int
    longest_gap: int
    distance_px: Spread
    threshold_px: float
    disagree_share: float
    joint_median_px: NDArray[np.float64]
    joint_disagree_share: NDArray[np.float64]
    mean_score: float
    mean_peak_score: float

    @property
    def best_quarter_mm(self) -> float:
        """Lower quartile of the distance, mm at the place of the person; NaN if no joint is visible."""
        return self.distance_px.q25 / self.threshold_px * DISAGREE_MM if self.threshold_px > 0 else math.nan


class ViewTally:
    """Compares heatmap peaks with poses, over a stream of records."""

    def __init__(self, rig: Rig, num_joints: int) -> None:
        self._rig = rig
        shape = (len(rig), num_joints)
        self._distances = LogHistogram(len(rig) * num_joints)
        self._scales = LogHistogram(len(rig))
        self._disagree, self._num_visible = (np.zeros(shape, dtype=np.int64) for _ in range(2))
        self._score_sum, self._peak_sum = (np.zeros(len(rig)) for _ in range(2))
        self._num = 0
        self._absent, self._gap, self._longest_gap = (np.zeros(len(rig), dtype=np.int64) for _ in range(3))

    def add(self, frame: FrameAnnotations) -> None:
        """Compare one person in one frame."""
        distance = (frame.peak_pixels - frame.pixels).norm(dim=-1).numpy()
        absent = np.array([crop is None for crop in frame.crops])
        visible = frame.inside.numpy() & frame.supported.numpy() & np.isfinite(distance) & ~absent[:, None]
        visible &= frame.peak_score.numpy() > 0  # the maximum of an empty heatmap lies anywhere
        body = frame.mean[frame.supported] if bool(frame.supported.any()) else frame.mean
        center = torch.mean(body, dim=0)
        scale = all_pixels_per_mm(self._rig.at(frame.frame), center).numpy()
        self._distances.add(np.nan_to_num(distance).reshape(-1), visible.reshape(-1))
        self._scales.add(np.nan_to_num(scale * DISAGREE_MM), np.isfinite(scale) & ~absent)
        self._disagree += visible & (np.nan_to_num(distance) > np.nan_to_num(scale * DISAGREE_MM, nan=np.inf)[:, None])
        self._num_visible += visible
        self._score_sum += np.where(visible, frame.score.numpy(), 0).sum(1)
        self._peak_sum += np.where(visible, frame.peak_score.numpy(), 0).sum(1)
        self._num += 1
        self._absent += absent
        self._gap = np.where(absent, self._gap + 1, 0)
        self._longest_gap = np.maximum(self._longest_gap, self._gap)

    def pooled(self) -> Spread:
        """Return the spread of the distance over all views and joints, pixels."""
        return spreads(self._distances.pooled())[0]

    def summary(self) -> tuple[ViewSummary, ...]:
        """Return the statistics of every view."""
        num_views, num_joints = self._num_visible.shape
        num_visible = self._num_visible.sum(1)
        medians = self._distances.quantile(0.5).reshape(num_views, num_joints)
        distances = spreads(self._distances.pooled_by(num_joints))
        thresholds = self._scales.quantile(0.5)
        return tuple(
            ViewSummary(
                name=name,
                num=self._num,
                num_absent=int(self._absent[v]),
                longest_gap=int(self._longest_gap[v]),
                distance_px=distances[v],
                threshold_px=float(thresholds[v]),
                disagree_share=_share(self._disagree[v].sum(), num_visible[v]),
                joint_median_px=medians[v],
                joint_disagree_share=np.array(list(map(_share, self._disagree[v], self._num_visible[v]))),
                mean_score=_share(self._score_sum[v], num_visible[v]),
                mean_peak_score=_share(self._peak_sum[v], num_visible[v]),
            )
            for v, name in enumerate(self._rig.names)
        )


def _share(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else float("nan")
