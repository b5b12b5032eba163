"""How far cameras and what they show disagree: one number for all views together, robust against wrong detections.

The joints are triangulated from all views on which most agree (`triangulate_robust`), and every view's distance from
their projection counts log(1 + (r / s)^2), with s the detector's usual error. A few wrong peaks therefore count little,
and a camera that is wrong throughout counts much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from poseharvest.diagnosis.shown_joints import Floats, ShownJoints
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.rig import all_pixels_per_mm, project_all
from poseharvest.geometry.triangulation import triangulate_robust

_GATE = 4.0  # usual errors: a peak farther from its joint is not triangulated
_USUAL_SHARES = (0.004, 0.02)  # range of the usual error over the person's extent
_START_SHARE = 0.01
_FARTHEST = 100.0  # usual errors; a larger distance counts no more


@dataclass(frozen=True, eq=False)
class Yardstick:
    """What a distance in a picture means for the person.

    Attributes:
        error_px: (V,) the detector's usual error s in each view, pixels.
        extent_px: (V,) the person's extent in each view, pixels.
    """

    error_px: Floats
    extent_px: Floats

    def cost(self, view: int, distance_px: Floats) -> Floats:
        """Return log(1 + (r / s)^2) of distances r in a view; NaN stays NaN."""
        costs: Floats = np.log1p(np.minimum(distance_px / self.error_px[view], _FARTHEST) ** 2)
        return costs


def triangulated(cameras: Sequence[StaticCamera], shown: ShownJoints, gate_px: float) -> Floats:
    """Return (T, J, 3) joints on which most of the views agree, mm; NaN where no two do.

    Args:
        cameras: V cameras.
        shown: what the V views show.
        gate_px: a view whose pixel is further from the projected joint does not count for it, pixels.
    """
    num_views, num_frames, num_joints = shown.pixels.shape[:3]
    pixels = torch.as_tensor(shown.pixels.reshape(num_views, -1, 2))
    weights = torch.isfinite(pixels).all(-1).double()
    fit = triangulate_robust(cameras, pixels, weights, threshold_px=gate_px)
    points = torch.where(fit.supported.unsqueeze(-1), fit.points, torch.nan)
    return points.numpy().reshape(num_frames, num_joints, 3)


def projected(camera: StaticCamera, points: Floats) -> Floats:
    """Return (..., 2) pixels of points (..., 3), mm; NaN for an unknown point, far away for one behind the camera."""
    known = np.isfinite(points).all(-1, keepdims=True)
    projection = project_all([camera], torch.as_tensor(np.where(known, points, 0.0)))
    pixels = torch.where(projection.valid.unsqueeze(-1), projection.pixels.double(), 1e6)[0].numpy()
    return np.where(known, pixels, np.nan)


def distances(camera: StaticCamera, points: Floats, pixels: Floats) -> Floats:
    """Return (...) pixels between projected points (..., 3) and what a view shows (..., 2); NaN where unknown."""
    apart: Floats = np.linalg.norm(projected(camera, points) - pixels, axis=-1)
    return apart


def median_of_known(values: Floats, default: float) -> float:
    """Return the median of the finite values, or `default` if there are none."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else default


def yardstick(cameras: Sequence[StaticCamera], shown: ShownJoints) -> Yardstick | None:
    """Return the scale of distances, learned from the views that agree best; None if no two views agree on anything."""
    spans = [_extent_px(shown.pixels[view]) for view in range(len(cameras))]
    if not np.isfinite(spans).any():
        return None
    points = triangulated(cameras, shown, gate_px=float(np.nanmedian(spans)) * _GATE * _START_SHARE)
    known = np.isfinite(points).all(-1).any(-1)
    if not known.any():
        return None
    middle = torch.as_tensor(np.nanmedian(points.reshape(-1, 3), axis=0))
    scale = all_pixels_per_mm(cameras, middle).numpy()  # of the given cameras, right or wrong
    extents = np.nanmax(points[known], axis=1) - np.nanmin(points[known], axis=1)
    extent_mm = float(np.median(extents, axis=0).max())
    usual = np.nanmedian(np.where(np.isfinite(spans), spans, np.nan))
    extent_px = np.where(np.isfinite(scale) & (scale > 0), scale * extent_mm, usual)
    gate_px = _GATE * _START_SHARE * float(np.median(extent_px))
    rests = [[other for other in range(len(cameras)) if other != view] for view in range(len(cameras))]
    errors = [_usual_share(cameras, shown, rest, extent_px, gate_px) for rest in (rests if len(cameras) > 2 else [])]
    finite = [error for error in errors if np.isfinite(error)]
    share = float(np.clip(min(finite, default=_START_SHARE), *_USUAL_SHARES))
    return Yardstick(extent_px * share, extent_px)


def disagreement(cameras: Sequence[StaticCamera], shown: ShownJoints, measure: Yardstick) -> Floats:
    """Return (V, T, J) costs of the distances of all views from the joints that most of them agree on."""
    points = triangulated(cameras, shown, gate_px=_GATE * float(np.median(measure.error_px)))
    return np.stack([
        measure.cost(view, distances(camera, points, shown.pixels[view])) for view, camera in enumerate(cameras)
    ])


def _usual_share(
    cameras: Sequence[StaticCamera], shown: ShownJoints, views: Sequence[int], extent_px: Floats, gate_px: float
) -> float:
    """Return the median distance of some views from their own joints, over the person's extent; NaN if unknown."""
    some = [cameras[view] for view in views]
    points = triangulated(some, ShownJoints(shown.frames, shown.pixels[list(views)]), gate_px)
    parts = [
        distances(camera, points, shown.pixels[view]) / extent_px[view]
        for camera, view in zip(some, views, strict=True)
    ]
    known = np.concatenate([part[np.isfinite(part)] for part in parts])
    # Each view draws the joints towards itself.
    free = 2 * len(views) / (2 * len(views) - 3)
    return float(np.median(known)) * free**0.5 if len(known) else float("nan")


def _extent_px(pixels: Floats) -> float:
    """Return the median over the frames of the longer side of the box around (T, J, 2) pixels; NaN if unknown."""
    known = np.isfinite(pixels).all(-1).sum(-1) > 1
    if not known.any():
        return float("nan")
    sides = np.nanmax(pixels[known], axis=1) - np.nanmin(pixels[known], axis=1)
    return float(np.median(sides.max(-1)))
