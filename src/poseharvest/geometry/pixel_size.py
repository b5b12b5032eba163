"""What a pixel measures in the world: across the line of sight of one camera, and in depth for several together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.geometry.camera import StaticCamera


@dataclass(frozen=True)
class PixelError:
    """What one pixel of error in every view does to a point that they triangulate.

    Attributes:
        worst_mm: standard deviation along the direction that the views know least, mainly depth, mm.
        best_mm: standard deviation along the direction that they know best, mm.
        widest_angle_deg: the largest angle at which two of the views' lines of sight meet in the point.
        views: how many views see the point.
    """

    worst_mm: float
    best_mm: float
    widest_angle_deg: float
    views: int


def pixels_per_mm(camera: StaticCamera, point: Tensor) -> float:
    """Return how many pixels one millimetre across the line of sight measures at the world point (3,), mm.

    The root mean square over the two directions of the picture; NaN where the camera's model does not hold.
    """
    steps = _pixels_of_steps(camera, point)
    return float("nan") if steps is None else float((steps.square().sum() / 2).sqrt())


def pixel_error(cameras: Sequence[StaticCamera], point: Tensor) -> PixelError | None:
    """Return what a pixel of error in every view means at the world point (3,), mm.

    Every view errs by a standard deviation of one pixel in x and in y, on its own; the point's covariance is then the
    inverse of the sum of J^T J over the views' Jacobians J.

    Returns:
        the error; None if fewer than two views see the point or their lines of sight coincide.
    """
    every = [steps for camera in cameras if (steps := _pixels_of_steps(camera, point)) is not None]
    if len(every) < 2:
        return None
    jacobians = torch.stack(every).double()  # (V, 3, 2): a row a direction of the world
    information = torch.linalg.eigvalsh((jacobians @ jacobians.mT).sum(0))
    if not bool(information[0] > torch.finfo(torch.float64).eps * information[-1]):
        return None
    sights = torch.linalg.cross(jacobians[..., 0], jacobians[..., 1], dim=-1)
    sights = torch.nn.functional.normalize(sights, dim=-1)
    cosines = (sights @ sights.T).abs().clamp(max=1)
    worst, best = (float(information[i].rsqrt()) for i in (0, -1))
    return PixelError(worst, best, float(torch.rad2deg(torch.acos(cosines.min()))), len(every))


def _pixels_of_steps(camera: StaticCamera, point: Tensor) -> Tensor | None:
    """Return (3, 2) how the pixel moves for a step of one mm along each world axis; None where the model fails."""
    ahead = torch.eye(3, dtype=point.dtype)
    projection = camera.project(torch.cat((point + ahead, point - ahead)))
    if not bool(projection.valid.all()):
        return None
    return (projection.pixels[:3] - projection.pixels[3:]) / 2
