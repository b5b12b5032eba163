"""Before and after on the same frames, without any truth: what changed, and do the cameras agree better?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.errors import TrainingError

OUTLIER_SHARE = 0.1
"""A peak farther from the pose's projection than this share of its window's side contradicts it."""

Floats = NDArray[np.float64]
Records = Mapping[tuple[int, int], FrameAnnotations]


@dataclass(frozen=True)
class Consistency:
    """How well a harvest agrees with itself on some frames. Small is good everywhere.

    Attributes:
        peak_distance_px: median distance from a view's heatmap maximum to the projected pose.
        contradicting_percent: maxima farther off than a tenth of the window.
        disagreement: mean distance as a share of the window's side, each cut at a tenth; rounds are judged by it.
        uncertainty_mm: median over joints of det(cov)^(1/6), the radius of the marginal.
        limb_spread_percent: 5th to 95th percentile of a limb's length over its median, mean over limbs.
        num_poses: people in frames.
    """

    peak_distance_px: float
    contradicting_percent: float
    disagreement: float
    uncertainty_mm: float
    limb_spread_percent: float
    num_poses: int

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers in plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """Two harvests of the same frames.

    Attributes:
        before: by the network that was given.
        after: by the one that was fine-tuned.
        pose_change_mm: mean distance between their joints.
        joint_change_mm: the same by joint; joints that no pose of both harvests supports are left out.
    """

    before: Consistency
    after: Consistency
    pose_change_mm: float
    joint_change_mm: Mapping[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison in plain data."""
        return {
            "before": self.before.as_dict(),
            "after": self.after.as_dict(),
            "pose_change_mm": self.pose_change_mm,
            "joint_change_mm": dict(self.joint_change_mm),
        }


def compare(before: Harvest, after: Harvest, frames: range) -> Comparison:
    """Return what changed on some frames.

    Raises:
        TrainingError: the harvests have no person in common in these frames.
    """
    old, new = _records(before, frames), _records(after, frames)
    both = sorted(old.keys() & new.keys())
    if not both:
        raise TrainingError(
            f"comparison: expected a person that both harvests hold in frames {frames.start} to {frames.stop - 1}, "
            f"got none ({len(old)} poses before, {len(new)} after)"
        )
    change = torch.stack([_change(old[key], new[key]) for key in both]).numpy()
    by_joint = {joint: _mean(change[:, k]) for k, joint in enumerate(before.skeleton.joints)}
    by_joint = {joint: mean for joint, mean in by_joint.items() if np.isfinite(mean)}
    return Comparison(
        before=consistency(before, [old[key] for key in both]),
        after=consistency(after, [new[key] for key in both]),
        pose_change_mm=_mean(change),
        joint_change_mm=by_joint,
    )


def consistency(harvest: Harvest, records: list[FrameAnnotations]) -> Consistency:
    """Return how well a harvest agrees with itself on some of its records."""
    distance = np.concatenate([_peak_distance(record).ravel() for record in records])
    relative = np.concatenate([(_peak_distance(record) / _sides(record)).ravel() for record in records])
    known = np.isfinite(distance)
    return Consistency(
        peak_distance_px=float(np.median(distance[known])) if known.any() else float("nan"),
        contradicting_percent=100 * _mean(np.where(known, relative > OUTLIER_SHARE, np.nan)),
        disagreement=_mean(np.minimum(relative, OUTLIER_SHARE)),
        uncertainty_mm=_uncertainty(records),
        limb_spread_percent=_limb_spread(harvest, records),
        num_poses=len(records),
    )


def _records(harvest: Harvest, frames: range) -> Records:
    return {(r.frame, r.person): r for r in harvest.iter_frames() if r.frame in frames}


def _change(old: FrameAnnotations, new: FrameAnnotations) -> Tensor:
    distance: Tensor = torch.linalg.vector_norm(old.mean - new.mean, dim=-1)
    return torch.where(old.supported & new.supported, distance, torch.nan)


def _peak_distance(record: FrameAnnotations) -> Floats:
    """Return (V, J) pixels; NaN where the view is absent or does not see the joint."""
    distance = torch.linalg.vector_norm(record.peak_pixels - record.pixels, dim=-1)
    judged = record.inside & record.supported
    return np.asarray(torch.where(judged, distance, torch.nan))


def _sides(record: FrameAnnotations) -> Floats:
    """Return (V, 1) sides of the windows, pixels."""
    return np.array([[np.nan if crop is None else crop.side] for crop in record.crops])


def _uncertainty(records: list[FrameAnnotations]) -> float:
    radii = [np.asarray(r.det.clamp_min(0)[r.supported]) ** (1 / 6) for r in records]
    joined = np.concatenate(radii)
    return float(np.median(joined)) if joined.size else float("nan")


def _limb_spread(harvest: Harvest, records: list[FrameAnnotations]) -> float:
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


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
