"""The size of a covariance in millimetres, and the same covariance as it appears in a picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Ellipse:
    """A contour of a 2D Gaussian.

    Attributes:
        major: longer semi-axis, in the covariance's unit.
        minor: shorter semi-axis.
        angle_deg: direction of the longer one, from x towards y.
    """

    major: float
    minor: float
    angle_deg: float


def sigma_mm(cov: Tensor) -> Tensor:
    """Return (...) det^(1/6) of (..., 3, 3) covariances: the standard deviation of the round Gaussian of equal volume.

    It is the geometric mean of the standard deviations along the three axes, so it orders joints exactly as the
    determinant of Sec. 3.3 does, but reads in millimetres. Rounding below zero gives 0.

    >>> sigma_mm(torch.diag(torch.tensor([1.0, 4.0, 16.0]))).item()
    2.0
    """
    a, b, c = cov.unbind(-2)
    det = (a * torch.linalg.cross(b, c)).sum(-1)  # a library's routine waits for its threads, matrix by matrix
    sigma: Tensor = det.clamp(min=0).pow(1 / 6)
    return sigma


def worst_sigma_mm(cov: Tensor) -> Tensor:
    """Return (...) the standard deviation of (..., 3, 3) covariances along their longest axis."""
    sigma: Tensor = torch.linalg.eigvalsh(cov)[..., -1].clamp(min=0).sqrt()
    return sigma


def matrix_root(cov: Tensor) -> Tensor:
    """Return the symmetric (..., 3, 3) root S of covariances, S @ S = cov; negative rounding counts as zero."""
    values, vectors = torch.linalg.eigh(cov)
    root: Tensor = (vectors * values.clamp(min=0).sqrt().unsqueeze(-2)) @ vectors.mT
    return root


def ellipse_of(cov: Tensor, num_sigmas: float) -> Ellipse:
    """Return the contour of a (2, 2) covariance at `num_sigmas` standard deviations."""
    values, vectors = torch.linalg.eigh(cov)
    minor, major = (num_sigmas * values.clamp(min=0).sqrt()).tolist()
    x, y = vectors[:, 1]
    return Ellipse(major, minor, float(torch.rad2deg(torch.atan2(y, x))))
