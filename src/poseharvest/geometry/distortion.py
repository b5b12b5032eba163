"""Lens distortion: Brown-Conrady (4, 5, 8 or 12 coefficients, OpenCV's order), and Kannala and Brandt's fisheye.

Both map *normalised* image points (x / z, y / z) and do not depend on pixels. Both are polynomials that fold back on
themselves far outside the picture. Points beyond the fold are not valid: the polynomial would project them into the
picture from the wrong side. The fold is that of the radial part, because the tangential and prism terms are small
beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from poseharvest.arrays import FloatArray
from poseharvest.errors import CalibrationError

DistortionModel = Literal["none", "brown_conrady", "fisheye"]

_NUM_COEFFICIENTS = {"none": (0,), "brown_conrady": (4, 5, 8, 12), "fisheye": (4,)}
_MAX_ANGLE = {
    "brown_conrady": float(np.arctan(20.0)),
    "fisheye": float(np.pi / 2),
}  # a pinhole picture never reaches 87 degrees
_TABLE_SIZE = 8192
_NEWTON_STEPS = 8  # four reach rounding error, from a table that is accurate to 1e-3
_TINY = 1e-12


@dataclass(frozen=True)
class Distorted:
    """Distorted points and whether the model holds there.

    Attributes:
        points: (..., 2) normalised. Finite, meaningless where not `valid`.
        valid: (...) bool, False beyond the radius at which the model folds back.
    """

    points: Tensor
    valid: Tensor


@dataclass(frozen=True)
class _RadialTable:
    """Angles to the optical axis and their distorted radii, both increasing, up to the fold."""

    angles: FloatArray
    radii: FloatArray


@dataclass(frozen=True)
class Distortion:
    """The distortion of a lens.

    Attributes:
        model: "none", "brown_conrady" or "fisheye".
        coefficients: k1 k2 p1 p2 [k3 [k4 k5 k6 [s1 s2 s3 s4]]] for Brown-Conrady (s: a thin prism), k1 k2 k3 k4 for
            fisheye, as in OpenCV.
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
        """Largest undistorted radius (tan of the angle to the axis) up to which the model is one to one.

        At most 20 for Brown-Conrady: this is far beyond any picture, and its sixth power is still finite.
        """
        if self.model == "none":
            return float("inf")
        return float(np.tan(self._table.angles[-1]))

    @cached_property
    def _table(self) -> _RadialTable:
        angles = np.linspace(0.0, _MAX_ANGLE[self.model], _TABLE_SIZE)
        if self.model == "fisheye":
            k1, k2, k3, k4 = self.coefficients
            t2 = angles**2
            radii, regular = angles * (1 + t2 * (k1 + t2 * (k2 + t2 * (k3 + t2 * k4)))), np.ones_like(angles)
        else:
            k = self._padded
            r2 = np.tan(angles) ** 2
            regular = 1 + r2 * (k[5] + r2 * (k[6] + r2 * k[7]))
            numerator = 1 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))
            radii = np.sqrt(r2) * numerator / np.where(regular > 0, regular, 1.0)
        folded = np.flatnonzero((np.diff(radii) <= 0) | (regular[1:] <= 0))
        end = int(folded[0]) + 1 if folded.size else _TABLE_SIZE
        return _RadialTable(angles[:end], radii[:end])

    @cached_property
    def _padded(self) -> tuple[float, ...]:
        return self.coefficients + (0.0,) * (12 - len(self.coefficients))

    @cached_property
    def _prism(self) -> tuple[float, ...]:
        return self._padded[8:]

    def distort(self, points: Tensor) -> Distorted:
        """Return the distorted positions of the normalised `points` (..., 2)."""
        if self.model == "none":
            return Distorted(points, torch.ones_like(points[..., 0], dtype=torch.bool))
        if self.model == "fisheye":
            return self._distort_fisheye(points)
        x, y = points.unbind(-1)
        return Distorted(self._brown_conrady(points), x * x + y * y < self.max_radius**2)

    def undistort(self, points: Tensor) -> Distorted:
        """Return the normalised points (..., 2) that `distort` maps onto `points`.

        The radial part is inverted by a table, the rest by Newton's method. Points outside the range of the model have
        no ray: their `valid` is False.
        """
        if self.model == "none":
            return Distorted(points, torch.ones_like(points[..., 0], dtype=torch.bool))
        radius = torch.linalg.vector_norm(points, dim=-1)
        angle = torch.zeros_like(radius)  # to the axis, interpolated in the table
        radii, angles = (torch.as_tensor(part).to(radius) for part in (self._table.radii, self._table.angles))
        if radii.numel() >= 2:
            right = torch.searchsorted(radii, radius.contiguous()).clamp(1, radii.numel() - 1)
            low, high = radii[right - 1], radii[right]
            share = ((radius - low) / (high - low).clamp_min(_TINY)).clamp(0, 1)
            angle = angles[right - 1] + share * (angles[right] - angles[right - 1])
        if self.model == "fisheye":
            return self._undistort_fisheye(points, radius, angle)
        return self._undistort_brown_conrady(points, radius, angle)

    def _brown_conrady(self, points: Tensor) -> Tensor:
        k1, k2, p1, p2, k3, *rest = self._padded[:8]
        x, y = points.unbind(-1)
        r2 = torch.addcmul(x * x, y, y)
        # Without this limit, the sixth power of a radius near 90 degrees would overflow float32.
        bounded = r2.clamp(max=self.max_radius**2)
        radial = _polynomial(bounded, k1, k2, k3)
        if any(rest):
            radial = radial / _polynomial(bounded, *rest)
        # x (radial + 2 p1 y + 2 p2 x) + p2 r^2, and y times the same + p1 r^2
        factor = radial.add(y, alpha=2 * p1).add_(x, alpha=2 * p2)
        distorted = (torch.addcmul(p2 * r2, x, factor), torch.addcmul(p1 * r2, y, factor))
        if any(self._prism):
            s1, s2, s3, s4 = self._prism
            distorted = (distorted[0] + bounded * (s1 + s2 * bounded), distorted[1] + bounded * (s3 + s4 * bounded))
        return torch.stack(distorted).movedim(0, -1)  # four times as fast as a stack along the last axis

    def _undistort_brown_conrady(self, points: Tensor, radius: Tensor, angle: Tensor) -> Distorted:
        guess = points * (torch.tan(angle) / radius.clamp_min(_TINY)).unsqueeze(-1)
        guess = self._inverted_in_loops(points, guess) if _is_plain(points) else self._inverted(points, guess)
        tolerance = 1e-5 if points.dtype == torch.float32 else 1e-10
        error = (self._brown_conrady(guess) - points).abs().amax(-1)
        reached = (error < tolerance * (1 + radius)) & (guess.square().sum(-1) < self.max_radius**2)
        return Distorted(torch.where(reached.unsqueeze(-1), guess, points), reached)

    def _inverted(self, points: Tensor, guess: Tensor) -> Tensor:
        """Return the guess (..., 2) after Newton steps towards distort(guess) = points, by operations on tensors."""
        return _repeat(lambda earlier: self._newton_step(earlier, points), guess)

    def _inverted_in_loops(self, points: Tensor, guess: Tensor) -> Tensor:
        """Return the same by a compiled loop, up to rounding."""
        from poseharvest.geometry.distortion_loops import undistort_points

        found = guess.reshape(-1, 2).clone(memory_format=torch.contiguous_format)
        targets = points.reshape(-1, 2).contiguous()
        undistort_points(np.array(self._padded), self.max_radius, targets.numpy(), found.numpy(), _NEWTON_STEPS)
        return found.reshape(guess.shape)

    def _newton_step(self, guess: Tensor, target: Tensor) -> Tensor:
        """Return `guess` after one Newton step towards distort(guess) = target, with the analytic 2 x 2 Jacobian."""
        k1, k2, p1, p2, k3, k4, k5, k6 = self._padded[:8]
        s1, s2, s3, s4 = self._prism
        x, y = guess.unbind(-1)
        r2 = x * x + y * y
        top, bottom = 1 + r2 * (k1 + r2 * (k2 + r2 * k3)), 1 + r2 * (k4 + r2 * (k5 + r2 * k6))
        top_slope, bottom_slope = k1 + r2 * (2 * k2 + 3 * k3 * r2), k4 + r2 * (2 * k5 + 3 * k6 * r2)
        radial, slope = top / bottom, (top_slope * bottom - top * bottom_slope) / (bottom * bottom)
        xx = radial + 2 * x * x * slope + 2 * p1 * y + 6 * p2 * x + 2 * x * (s1 + 2 * s2 * r2)
        yx = 2 * x * y * slope + 2 * p1 * x + 2 * p2 * y
        xy = yx + 2 * y * (s1 + 2 * s2 * r2)  # of x by y
        yx = yx + 2 * x * (s3 + 2 * s4 * r2)
        yy = radial + 2 * y * y * slope + 6 * p1 * y + 2 * p2 * x + 2 * y * (s3 + 2 * s4 * r2)
        residual_x, residual_y = (self._brown_conrady(guess) - target).unbind(-1)
        determinant = xx * yy - xy * yx
        step = torch.stack((yy * residual_x - xy * residual_y, xx * residual_y - yx * residual_x), -1)
        step = step / determinant.unsqueeze(-1)
        return torch.where(torch.isfinite(step), guess - step, guess)

    def _fisheye_radius(self, angle: Tensor) -> Tensor:
        k1, k2, k3, k4 = self.coefficients
        t2 = angle * angle
        return angle * (1 + t2 * (k1 + t2 * (k2 + t2 * (k3 + t2 * k4))))

    def _distort_fisheye(self, points: Tensor) -> Distorted:
        radius = torch.linalg.vector_norm(points, dim=-1)
        angle = torch.atan(radius)
        scale = torch.where(radius > _TINY, self._fisheye_radius(angle) / radius.clamp_min(_TINY), 1.0)
        return Distorted(points * scale.unsqueeze(-1), angle < self._table.angles[-1])

    def _undistort_fisheye(self, points: Tensor, radius: Tensor, angle: Tensor) -> Distorted:
        k1, k2, k3, k4 = self.coefficients

        def newton_step(angle: Tensor) -> Tensor:
            t2 = angle * angle
            slope = 1 + t2 * (3 * k1 + t2 * (5 * k2 + t2 * (7 * k3 + t2 * 9 * k4)))
            step = (self._fisheye_radius(angle) - radius) / slope
            return torch.where(torch.isfinite(step), angle - step, angle)

        angle = _repeat(newton_step, angle)
        tolerance = 1e-5 if points.dtype == torch.float32 else 1e-10
        reached = ((self._fisheye_radius(angle) - radius).abs() < tolerance) & (angle >= 0)
        reached = reached & (angle < self._table.angles[-1])
        scale = torch.where(radius > _TINY, torch.tan(angle) / radius.clamp_min(_TINY), 1.0)
        return Distorted(torch.where(reached.unsqueeze(-1), points * scale.unsqueeze(-1), points), reached)


def _is_plain(points: Tensor) -> bool:
    return points.dtype == torch.float64 and points.device.type == "cpu" and not points.requires_grad


def _repeat(step: Callable[[Tensor], Tensor], start: Tensor) -> Tensor:
    """Return `start` after all Newton steps, computed with as few of them as give the same result.

    Once all points stay where they are, further steps change nothing. Rounding lets some points jump to and fro between
    two neighbouring numbers for ever. Then the number of steps that are left says at which of the two they end.
    """
    before = now = start
    for num_left in reversed(range(_NEWTON_STEPS)):
        after = step(now)
        if torch.equal(after, now):
            return after
        if torch.equal(after, before):
            return now if num_left % 2 else after
        before, now = now, after
    return now


def _polynomial(r2: Tensor, *coefficients: float) -> Tensor:
    """Return 1 + c1 r^2 + c2 r^4 + ... of the squared radius."""
    degree = max((i for i, c in enumerate(coefficients, 1) if c), default=0)
    value = torch.zeros_like(r2)
    for c in reversed(coefficients[:degree]):
        value = value.add_(c).mul_(r2)
    return value.add_(1)
