"""Covariances in the world as they appear in a picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.geometry.camera import StaticCamera


@dataclass(frozen=True, eq=False)
class ImageUncertainty:
    """Positions in a picture with their covariances.

    Attributes:
        pixels: (N, 2) x, y.
        cov: (N, 2, 2) px^2; zero where not `valid`.
        valid: (N,) bool, the camera's model holds there.
    """

    pixels: Tensor
    cov: Tensor
    valid: Tensor


def projection_jacobian(camera: StaticCamera, points: Tensor) -> Tensor:
    """Return (N, 2, 3) how the pixels of world points (N, 3), mm, move per millimetre; lens distortion included."""
    with torch.enable_grad():
        at = points.detach().clone().requires_grad_(True)
        pixels = camera.project(at).pixels
        rows = [torch.autograd.grad(pixels[:, axis].sum(), at, retain_graph=True)[0] for axis in (0, 1)]
    return torch.stack(rows, dim=1)


def image_uncertainty(camera: StaticCamera, mean: Tensor, cov: Tensor) -> ImageUncertainty:
    """Return the projections of Gaussians in the world; the covariance becomes J cov J^T, J the projection's Jacobian.

    Args:
        camera: the camera.
        mean: (N, 3) mm.
        cov: (N, 3, 3) mm^2.
    """
    projection = camera.project(mean)
    jacobian = projection_jacobian(camera, mean)
    in_image = jacobian @ cov.to(jacobian) @ jacobian.mT
    valid = projection.valid & torch.isfinite(in_image).all(-1).all(-1)
    return ImageUncertainty(projection.pixels, torch.where(valid[:, None, None], in_image, 0.0), valid)
