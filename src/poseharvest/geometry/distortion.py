"""Lens distortion: Brown-Conrady (4, 5 or 8 coefficients, OpenCV's order) and the fisheye model of Kannala and Brandt.

Both map *normalised* image points (x / z, y / z), so they know nothing of pixels. Brown-Conrady is a polynomial and
folds back on itself far outside the picture; points beyond the fold are reported as not valid instead of being
projected into the picture from the wrong side.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from poseharvest.errors import CalibrationError

DistortionModel = Literal["none", "brown_conrady", "fisheye"]

_NUM_COEFFICIENTS = {"none": (0,), "brown_conrady": (4, 5, 8), "fisheye": (4,)}
_MAX_RADIUS = 20.0  # tan of 87 degrees: no pinhole picture reaches further
_MAX_THETA = np.pi / 2
_NEWTON_STEPS = 25


@dataclass(frozen=True)
class Distorted:
    """Distorted points and whether the model holds there.

    Attributes:
        points: (..., 2) normalised.
        valid: (...) bool, False beyond the radius at which the model folds back.
    """

    points: Tensor
    valid: Tensor


@dataclass(frozen=True)
class Distortion:
    """A lens's distortion.

    Attributes:
        model: "none", "brown_conrady" or "fisheye".
        coefficients: k1 k2 p1 p2 [k3 [k4 k5 k6]] for Brown-Conrady, k1 k2 k3 k4 for fisheye, as in OpenCV.
    """

    model: DistortionModel = "none"
    coefficients: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.model not in _NUM_COEFFICIENTS:
            raise CalibrationError(f"distortion model: expected one of {sorted(_NUM_COEFFICIENTS)}, got {self.model!r}")
        allowed = _NUM_COEFFICIENTS[self.model]
        if len(self.coefficients) not in allowed:
            raise CalibrationError(
                f"{self.model} distortion: expected {' or '.join(map(str, allowed))} coefficients, "
                f"got {len(self.coefficients)}"
            )
        if not all(np.isfinite(self.coefficients)):
            raise CalibrationError(f"{self.model} distortion: expected finite coefficients, got {self.coefficients}")

    @cached_property
    def max_radius(self) -> float:
        """Largest undistorted radius (tan of the angle to the axis) up to which the model is one to one."""
        if self.model == "fisheye":
            return float("inf")
        radii = np.linspace(0.0, _MAX_RADIUS, 20001)
        k = np.asarray(self._padded)
        r2 = radii**2
        denominator = 1 + r2 * (k[5] + r2 * (k[6] + r2 * k[7]))
        numerator = 1 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))
        with np.errstate(divide="ignore", invalid="ignore"):
            distorted = radii * numerator / denominator
        falling = np.flatnonzero((np.diff(distorted) <= 0) | (denominator[1:] <= 0))
        return float(radii[falling[0]]) if falling.size else float("inf")

    @property
    def _padded(self) -> tuple[float, ...]:
        return self.coefficients + (0.0,) * (8 - len(self.coefficients))

    def distort(self, points: Tensor) -> Distorted:
        """Return where the lens shows the normalised `points` (..., 2)."""
        if self.model == "none":
            return Distorted(points, torch.ones_like(points[..., 0], dtype=torch.bool))
        if self.model == "fisheye":
            return self._distort_fisheye(points)
        radius_squared = points.square().sum(-1)
        return Distorted(self._brown_conrady(points), radius_squared < self.max_radius**2)

    def undistort(self, points: Tensor) -> Distorted:
        """Return the normalised points (..., 2) that `distort` maps onto `points`, by Newton's method.

        Points that no ray reaches (outside the model's range) come back with `valid` False.
        """
        if self.model == "none":
            return Distorted(points, torch.ones_like(points[..., 0], dtype=torch.bool))
        if self.model == "fisheye":
            return self._undistort_fisheye(points)
        guess = points.clone()
        for _ in range(_NEWTON_STEPS):
            residual = self._brown_conrady(guess) - points
            guess = guess - torch.linalg.solve(self._jacobian(guess), residual.unsqueeze(-1)).squeeze(-1)
        tolerance = 1e-4 if points.dtype == torch.float32 else 1e-9
        error = (self._brown_conrady(guess) - points).abs().amax(-1)
        return Distorted(guess, (error < tolerance) & (guess.square().sum(-1) < self.max_radius**2))

    def _brown_conrady(self, points: Tensor) -> Tensor:
        k1, k2, p1, p2, k3, k4, k5, k6 = self._padded
        x, y = points.unbind(-1)
        r2 = x * x + y * y
        radial = (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1 + r2 * (k4 + r2 * (k5 + r2 * k6)))
        return torch.stack(
            (
                x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
                y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
            ),
            -1,
        )

    def _jacobian(self, points: Tensor) -> Tensor:
        step = 1e-3 if points.dtype == torch.float32 else 1e-6
        columns = []
        for axis in range(2):
            shift = torch.zeros(2, dtype=points.dtype, device=points.device)
            shift[axis] = step
            columns.append((self._brown_conrady(points + shift) - self._brown_conrady(points - shift)) / (2 * step))
        return torch.stack(columns, -1)

    def _fisheye_angle(self, theta: Tensor) -> Tensor:
        k1, k2, k3, k4 = self.coefficients
        t2 = theta * theta
        return theta * (1 + t2 * (k1 + t2 * (k2 + t2 * (k3 + t2 * k4))))

    def _distort_fisheye(self, points: Tensor) -> Distorted:
        radius = torch.linalg.vector_norm(points, dim=-1)
        theta = torch.atan(radius)
        scale = torch.where(radius > 1e-8, self._fisheye_angle(theta) / radius.clamp_min(1e-8), 1.0)
        return Distorted(points * scale.unsqueeze(-1), torch.ones_like(radius, dtype=torch.bool))

    def _undistort_fisheye(self, points: Tensor) -> Distorted:
        distorted_angle = torch.linalg.vector_norm(points, dim=-1)
        theta = distorted_angle.clamp(max=_MAX_THETA)
        step = 1e-4
        for _ in range(_NEWTON_STEPS):
            slope = (self._fisheye_angle(theta + step) - self._fisheye_angle(theta - step)) / (2 * step)
            theta = theta - (self._fisheye_angle(theta) - distorted_angle) / slope
        valid = (theta >= 0) & (theta < _MAX_THETA) & ((self._fisheye_angle(theta) - distorted_angle).abs() < 1e-5)
        scale = torch.where(
            distorted_angle > 1e-8, torch.tan(theta) / distorted_angle.clamp_min(1e-8), torch.ones_like(theta)
        )
        return Distorted(points * scale.unsqueeze(-1), valid)
