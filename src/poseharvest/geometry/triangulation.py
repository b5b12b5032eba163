"""Triangulation: the point nearest to the lines of sight of a joint, plain and robust.

This baseline uses one pixel per view. The bounding volume and the limb lengths start from it (docs/method.md, choices
D4 and D5). It uses only `project` and `pixel_rays` of a camera, so distorted, fisheye and affine cameras need no
special case. Every function works in float64.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.checks import check_finite, check_shape
from poseharvest.errors import ShapeError
from poseharvest.geometry.camera import Rays, StaticCamera
from poseharvest.geometry.rig import project_all, project_each

_NUM_REWEIGHTINGS = 2
_NUM_REFITS = 3
_MAX_VIEWS_PAIRED = 10  # 45 pairs at most, so that the cost grows linearly with the number of views
_MIN_ANGLE_RAD = math.radians(1.0)
_PROBE_MM = 1.0


@dataclass(frozen=True, eq=False)
class Triangulation:
    """Triangulated points. All tensors are float64 or bool.

    Attributes:
        points: (J, 3) mm; the origin where not `supported`.
        supported: (J,) bool: at least two used views see the point, from directions that differ by 1 degree or more.
        residual_px: (V, J) distance from the input pixel to the projection of the point, pixels; infinite where the
            point is not `supported`, the pixel is not finite, or the point is behind the camera.
        inliers: (V, J) bool: the views that were used.
    """

    points: Tensor
    supported: Tensor
    residual_px: Tensor
    inliers: Tensor


def triangulate(cameras: Sequence[StaticCamera], pixels: Tensor, weights: Tensor) -> Triangulation:
    """Return the points with the least weighted squared pixel error, to first order.

    This is the reweighted linear method of Hartley and Sturm, "Triangulation" (1997), on rays: a weighted linear solve,
    which is repeated. Each repetition converts the distances to the lines of sight from mm to pixels, at the point of
    the solve before.

    Args:
        cameras: V cameras.
        pixels: (V, J, 2) x, y in the distorted pictures; NaN or infinite where a view has no pixel.
        weights: (V, J) of the squared error; a view with a weight of zero or less is not used.

    Raises:
        ShapeError: sizes do not fit, or a weight is not finite.
    """
    pixels, weights = _checked(cameras, pixels, weights)
    rays, usable = _rays(cameras, pixels, weights)
    return _fit(cameras, pixels, rays, weights * usable)


def triangulate_robust(
    cameras: Sequence[StaticCamera], pixels: Tensor, weights: Tensor, *, threshold_px: float | Tensor
) -> Triangulation:
    """Return the points that most views agree on, each triangulated from its inlier views alone.

    For every joint, all pairs among its ten views of largest weight give a candidate point. The candidate with the
    largest truncated weight over all views wins. Its inliers are triangulated together, and the inliers are then
    determined anew. The result is deterministic.

    Args:
        cameras: V cameras.
        pixels: (V, J, 2) x, y in the distorted pictures; NaN or infinite where a view has no pixel.
        weights: (V, J); a view with a weight of zero or less is not used.
        threshold_px: a view whose pixel is further than this from the projection of the point is an outlier, pixels.
            One number, or (J,) one a point.

    Raises:
        ShapeError: sizes do not fit, a weight is not finite, or a threshold is not positive.
    """
    pixels, weights = _checked(cameras, pixels, weights)
    threshold_px = torch.as_tensor(threshold_px, dtype=pixels.dtype, device=pixels.device)
    if threshold_px.ndim > 0:
        check_shape("threshold_px", threshold_px, "J", J=pixels.shape[1])
    if not bool((threshold_px > 0).all()):
        raise ShapeError(f"threshold_px: expected a positive number of pixels, got {float(threshold_px.min())}")
    rays, usable = _rays(cameras, pixels, weights)
    weights = weights * usable
    start = _best_pair_points(cameras, pixels, rays, weights, threshold_px)
    agrees = usable & (_reprojection_error(cameras, start, pixels) < threshold_px)
    for _ in range(_NUM_REFITS):
        fit = _fit(cameras, pixels, rays, weights * agrees)
        closer = usable & (fit.residual_px < threshold_px)
        # A refit with fewer than two inliers is not an improvement: keep the views before it.
        updated = torch.where(closer.sum(0) >= 2, closer, agrees)
        if torch.equal(updated, agrees):
            return fit
        agrees = updated
    return _fit(cameras, pixels, rays, weights * agrees)


def triangulate_without_each_view(
    cameras: Sequence[StaticCamera], pixels: Tensor, weights: Tensor, *, threshold_px: float
) -> Tensor:
    """Return (V, J, 3) mm: for each view, what the others triangulate robustly; NaN where they disagree.

    Args:
        cameras: V cameras.
        pixels: (V, J, 2) x, y; NaN where a view has no pixel.
        weights: (V, J) of the squared error.
        threshold_px: as `triangulate_robust` has it.
    """
    points = []
    for view in range(len(cameras)):
        keep = torch.ones(len(cameras), 1, dtype=weights.dtype)
        keep[view] = 0
        triangulation = triangulate_robust(cameras, pixels, weights * keep, threshold_px=threshold_px)
        points.append(torch.where(triangulation.supported[:, None], triangulation.points, torch.nan))
    return torch.stack(points)


def _checked(cameras: Sequence[StaticCamera], pixels: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    sizes = check_shape("pixels", pixels, "V J 2", V=len(cameras))
    check_shape("weights", weights, "V J", **sizes)
    check_finite("weights", weights)
    return pixels.double(), weights.double().clamp_min(0.0)


def _rays(cameras: Sequence[StaticCamera], pixels: Tensor, weights: Tensor) -> tuple[Rays, Tensor]:
    """Return the lines of sight (V, J, ...), and (V, J) bool: True where a line is usable."""
    finite = torch.isfinite(pixels).all(-1)
    clean = torch.where(finite.unsqueeze(-1), pixels, torch.zeros_like(pixels))
    parts = [camera.pixel_rays(px) for camera, px in zip(cameras, clean, strict=True)]
    valid = torch.stack([p.valid for p in parts])
    # An unused line must not turn a weighted sum into NaN by NaN * 0.
    origin = torch.stack([p.origin for p in parts]).nan_to_num()
    direction = torch.stack([p.direction for p in parts]).nan_to_num()
    return Rays(origin, direction, valid), finite & valid & (weights > 0)


def _fit(cameras: Sequence[StaticCamera], pixels: Tensor, rays: Rays, weights: Tensor) -> Triangulation:
    used = weights > 0
    points = _nearest_points(rays, weights)
    for _ in range(_NUM_REWEIGHTINGS):
        scale = _pixels_per_mm(cameras, points, rays.direction)
        points = _nearest_points(rays, weights * scale.square())
    residual = _reprojection_error(cameras, points, pixels)
    # Supported are points of which two lines that see them differ by more than the smallest angle allowed.
    is_seen = used & torch.isfinite(residual)
    cosine = torch.einsum("ajk,bjk->abj", rays.direction, rays.direction)
    is_wide = (1 - cosine.square()) >= math.sin(_MIN_ANGLE_RAD) ** 2
    supported = (is_wide & is_seen.unsqueeze(0) & is_seen.unsqueeze(1)).flatten(0, 1).any(0)
    points = torch.where(supported.unsqueeze(-1), points, torch.zeros_like(points))
    return Triangulation(points, supported, torch.where(supported, residual, torch.inf), used)


def _nearest_points(rays: Rays, weights: Tensor) -> Tensor:
    """Return the (..., 3) points of least weighted squared distance to rays (V, ..., 3); weights are (V, ...)."""
    normalised = weights / weights.amax(0).clamp_min(torch.finfo(weights.dtype).tiny)
    identity = torch.eye(3, dtype=weights.dtype, device=weights.device)
    across = identity - rays.direction.unsqueeze(-1) * rays.direction.unsqueeze(-2)  # (V, ..., 3, 3)
    across = across * normalised[..., None, None]
    right = (across @ rays.origin.unsqueeze(-1)).sum(0)
    # The ridge makes a single line solvable; at 1e-12 of the weight it moves a supported point by less than 1e-6 mm.
    points: Tensor = torch.linalg.solve(across.sum(0) + 1e-12 * identity, right)
    return points.squeeze(-1)


def _pixels_per_mm(cameras: Sequence[StaticCamera], points: Tensor, directions: Tensor) -> Tensor:
    """Return (V, J) pixels per mm: the shift of the projection when a point (J, 3) leaves its line of sight.

    Zero where a camera does not see the point.
    """
    helper = torch.zeros_like(directions).scatter_(-1, directions.abs().argmin(-1, keepdim=True), 1.0)
    aside = torch.nn.functional.normalize(torch.linalg.cross(directions, helper, dim=-1), dim=-1) * _PROBE_MM
    ends = project_each(cameras, torch.stack((points - aside, points + aside), 1))
    moved = torch.linalg.vector_norm(ends.pixels[:, 1] - ends.pixels[:, 0], dim=-1) / (2 * _PROBE_MM)
    return torch.where(ends.valid.all(1), moved, 0)


def _reprojection_error(cameras: Sequence[StaticCamera], points: Tensor, pixels: Tensor) -> Tensor:
    """Return (V, ..., J) pixel distances of points (..., J, 3) to pixels (V, J, 2), infinite where undefined."""
    projection = project_all(cameras, points)
    observed = pixels.reshape(len(cameras), *[1] * (points.ndim - 2), *pixels.shape[1:])
    error = torch.linalg.vector_norm(projection.pixels - observed, dim=-1)
    return torch.where(projection.valid & torch.isfinite(error), error, torch.inf)


def _best_pair_points(
    cameras: Sequence[StaticCamera], pixels: Tensor, rays: Rays, weights: Tensor, threshold_px: Tensor
) -> Tensor:
    """Return (J, 3): for every joint the intersection of two views with the largest truncated weight."""
    num_paired = min(len(cameras), _MAX_VIEWS_PAIRED)
    if num_paired < 2:
        return torch.zeros_like(pixels[0, :, :1]).expand(-1, 3)
    heaviest = weights.argsort(dim=0, descending=True, stable=True)[:num_paired]  # (K, J)
    pairs = torch.combinations(torch.arange(num_paired, device=pixels.device)).T  # (2, P)
    views = heaviest[pairs]  # (2, P, J)
    joints = torch.arange(pixels.shape[1], device=pixels.device)
    pair_rays = Rays(rays.origin[views, joints], rays.direction[views, joints], rays.valid[views, joints])
    candidates = _nearest_points(pair_rays, torch.ones_like(views, dtype=pixels.dtype))  # (P, J, 3)
    error = _reprojection_error(cameras, candidates, pixels) / threshold_px  # (V, P, J)
    gain = (weights.unsqueeze(1) * (1 - error.square()).clamp_min(0.0)).sum(0)
    sine_squared = 1 - (pair_rays.direction[0] * pair_rays.direction[1]).sum(-1).square()
    gain = torch.where(sine_squared >= math.sin(_MIN_ANGLE_RAD) ** 2, gain, torch.full_like(gain, -1.0))
    return candidates[gain.argmax(0), joints]
