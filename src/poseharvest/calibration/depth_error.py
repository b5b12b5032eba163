"""Check of the distances between cameras: the error in depth at a place for one pixel of error in every view."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from poseharvest.findings import Finding
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import PixelError, Rig, pixel_error

MAX_DEPTH_ERROR_MM = 30.0
"""Largest accepted error in depth for one pixel of error in every view, mm."""

MIN_ANGLE_DEG = 15.0
"""Smallest accepted value of the largest angle between the directions of two cameras, degrees."""

_PARALLEL = 1e-4  # smallest eigenvalue per camera for axes with a common point
_ASSUMED_DISTANCE_MM = 4000.0  # of the person from the cameras, if the axes have no common point
_TWO_CAUSES_RATIO = 4.0  # of the errors in depth and across: above this, the angles are the cause, not the pixels


def audit_depth(rig: Rig, frame: int = 0) -> PixelError | None:
    """Return the uncertainty at the place where the cameras look; None if fewer than two cameras see it."""
    cameras = [camera for camera in rig.at(frame) if isinstance(camera, Camera)]
    return pixel_error(cameras, place_looked_at(cameras)) if len(cameras) >= 2 else None


def place_looked_at(cameras: Sequence[Camera]) -> Tensor:
    """Return the point (3,) nearest to the optical axes, mm; for parallel axes, 4 m in front of the cameras."""
    centers = torch.stack([camera.center.double() for camera in cameras])
    axes = torch.stack([camera.rotation[2].double() for camera in cameras])
    across = torch.eye(3, dtype=torch.float64) - axes.unsqueeze(-1) * axes.unsqueeze(-2)
    normal = across.sum(0)
    ahead = torch.nn.functional.normalize(axes.mean(0), dim=0) * _ASSUMED_DISTANCE_MM
    if float(torch.linalg.eigvalsh(normal)[0]) < _PARALLEL * len(cameras):
        return centers.mean(0) + ahead
    point: Tensor = torch.linalg.solve(normal, (across @ centers.unsqueeze(-1)).sum(0)).squeeze(-1)
    return point if bool((((point - centers) * axes).sum(-1) > 0).all()) else centers.mean(0) + ahead


def depth_finding(error: PixelError, place: str) -> Finding | None:
    """Return a finding if the depth at a place is uncertain, else None.

    Cameras too close together give a warning. Pixels that are large in every direction, because of small pictures or a
    large distance, give a note.

    Args:
        error: the uncertainty at the place.
        place: description for the message, such as "where the cameras look".
    """
    close = error.widest_angle_deg < MIN_ANGLE_DEG
    if not close and error.worst_mm <= MAX_DEPTH_ERROR_MM:
        return None
    message = (
        f"{place}, one pixel of error in every view means {error.worst_mm:.0f} mm in depth "
        f"(expected at most {MAX_DEPTH_ERROR_MM:.0f})"
    )
    if not close and error.worst_mm < _TWO_CAUSES_RATIO * error.best_mm:
        advice = f"a pixel measures {error.best_mm:.0f} mm even across: use larger pictures, or film from nearer"
        return Finding("note", "depth", f"{message}: {advice}")
    advice = (
        f"the cameras stand too close together, at most {error.widest_angle_deg:.0f} degrees apart "
        f"(expected {MIN_ANGLE_DEG:.0f} or more): set them farther apart, best 60 to 120 degrees, or add one"
    )
    return Finding("warning", "depth", f"{message}: {advice}")
