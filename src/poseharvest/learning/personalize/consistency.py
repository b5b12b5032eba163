"""How well a harvest agrees with itself, without any truth: small is good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.geometry.triangulation import triangulate_without_each_view

OUTLIER_SHARE = 0.1
"""A peak farther from the pose's projection than this share of its window's side contradicts it."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Consistency:
    """How well a harvest agrees with itself on some frames. Small is good everywhere.

    Attributes:
        peak_distance_px: median distance from a view's heatmap maximum to the projected pose.
        contradicting_percent: maxima farther off than a tenth of the window.
        disagreement: mean distance as a share of the window's side, each cut at a tenth.
        left_out_disagreement: the same distance from what the other views' maxima triangulate, so that no view is
            compared with a pose that it had a part in; a tenth where the others do not agree. NaN with fewer than three
            views.
        uncertainty_mm: median over joints of det(cov)^(1/6), the radius of the marginal.
        limb_spread_percent: 5th to 95th percentile of a limb's length over its median, mean over limbs.
        num_poses: people in frames.
    """

    peak_distance_px: float
    contradicting_percent: float
    disagreement: float
    left_out_disagreement: float
    uncertainty_mm: float
    limb_spread_percent: float
    num_poses: int

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers in plain data."""
        return asdict(self)


def rating_of(numbers: Mapping[str, Any]) -> float:
    """Return what rounds are judged by, from the numbers of a `Consistency`: left-out views where there are enough."""
    left_out = float(numbers.get("left_out_disagreement", float("nan")))
    return left_out if np.isfinite(left_out) else float(numbers["disagreement"])


@dataclass(frozen=True, eq=False)
class JudgedRecord:
    """One person in one frame, and how far the views are from agreeing there, measured once.

    Attributes:
        record: the annotations.
        relative: (V, J) distance of each maximum from the projected pose, as a share of the window; at most a tenth.
        left_out: (V, J) as `left_out_shares` returns it.
    """

    record: FrameAnnotations
    relative: Floats
    left_out: Floats

    @classmethod
    def of(cls, harvest: Harvest, record: FrameAnnotations) -> JudgedRecord:
        """Measure a record of a harvest."""
        relative = np.minimum(_peak_distance(record) / _sides(record), OUTLIER_SHARE)
        return cls(record, relative, left_out_shares(harvest, record))


def agreement(judged: Sequence[JudgedRecord]) -> dict[str, float]:
    """Return what rounds are judged by, of some records: `rating_of` reads it."""
    return {
        "disagreement": mean_of(np.concatenate([one.relative.ravel() for one in judged])),
        "left_out_disagreement": mean_of(np.concatenate([one.left_out.ravel() for one in judged])),
    }


def consistency(takes: Sequence[tuple[Harvest, Sequence[JudgedRecord]]]) -> Consistency:
    """Return how well harvests agree with themselves on some of their records."""
    judged = [one for _, of_take in takes for one in of_take]
    records = [one.record for one in judged]
    distance = np.concatenate([_peak_distance(record).ravel() for record in records])
    relative = np.concatenate([(_peak_distance(record) / _sides(record)).ravel() for record in records])
    known = np.isfinite(distance)
    spreads = [_limb_spread(take, [one.record for one in of_take]) for take, of_take in takes if of_take]
    return Consistency(
        peak_distance_px=float(np.median(distance[known])) if known.any() else float("nan"),
        contradicting_percent=100 * mean_of(np.where(known, relative > OUTLIER_SHARE, np.nan)),
        **agreement(judged),
        uncertainty_mm=_uncertainty(records),
        limb_spread_percent=mean_of(np.array(spreads)),
        num_poses=len(records),
    )


def left_out_shares(harvest: Harvest, record: FrameAnnotations) -> Floats:
    """Return (V, J): how far each view's maximum lies from what the others triangulate, as a share of its window.

    At most `OUTLIER_SHARE`, which also stands where the others do not agree; NaN where the view has no maximum, and
    everywhere with fewer than three views.
    """
    cameras, peaks = harvest.rig.at(record.frame), record.peak_pixels
    sides = _sides(record)
    if len(cameras) < 3 or not np.isfinite(sides).any():
        return np.full(peaks.shape[:2], np.nan)
    weights = torch.nan_to_num(record.peak_score).clamp_min(0)
    threshold_px = OUTLIER_SHARE * float(np.nanmedian(sides))
    points = triangulate_without_each_view(cameras, peaks, weights, threshold_px=threshold_px)
    rows = []
    for camera, found, own, side in zip(cameras, points, peaks, sides[:, 0], strict=True):
        projection = camera.project(torch.nan_to_num(found))
        is_known = torch.isfinite(found).all(-1) & projection.valid
        share = torch.linalg.vector_norm(projection.pixels - own, dim=-1) / float(side)
        share = torch.where(is_known, share, OUTLIER_SHARE).clamp_max(OUTLIER_SHARE)
        rows.append(torch.where(torch.isfinite(own).all(-1), share, torch.nan))
    return np.asarray(torch.stack(rows))


def _peak_distance(record: FrameAnnotations) -> Floats:
    """Return (V, J) pixels; NaN where the view is absent or does not see the joint."""
    distance = torch.linalg.vector_norm(record.peak_pixels - record.pixels, dim=-1)
    judged = record.inside & record.supported
    return np.asarray(torch.where(judged, distance, torch.nan))


def _sides(record: FrameAnnotations) -> Floats:
    """Return (V, 1) sides of the windows, pixels."""
    return np.array([[np.nan if crop is None else crop.side] for crop in record.crops])


def _uncertainty(records: Sequence[FrameAnnotations]) -> float:
    radii = [np.asarray(r.det.clamp_min(0)[r.supported]) ** (1 / 6) for r in records]
    joined = np.concatenate(radii)
    return float(np.median(joined)) if joined.size else float("nan")


def _limb_spread(harvest: Harvest, records: Sequence[FrameAnnotations]) -> float:
    mean = np.stack([np.asarray(torch.where(r.supported[:, None], r.mean, torch.nan)) for r in records])
    spreads = []
    for limb in harvest.skeleton.limbs:
        parent, child = (harvest.skeleton.index(joint) for joint in (limb.parent, limb.child))
        length = np.linalg.norm(mean[:, parent] - mean[:, child], axis=-1)
        length = length[np.isfinite(length)]
        if length.size:
            low, middle, high = np.quantile(length, (0.05, 0.5, 0.95))
            spreads.append(100 * (high - low) / middle)
    return float(np.mean(spreads)) if spreads else float("nan")


def mean_of(values: Floats) -> float:
    """Return the mean of the finite values, NaN if there are none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
