"""A point that a person has dragged to its place in some pictures: the most likely position, and its covariance.

The estimate before is a Gaussian, the dragged pixels have an error of their own, and both together have one most
likely point. It is found by Gauss-Newton steps, so that the update is exact for the projection at that point.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from poseharvest.checks import check_finite, check_shape
from poseharvest.errors import ShapeError
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.image_covariance import projection_jacobian

DRAG_SIGMA_PX: Final = 3.0
"""Standard deviation of a dragged pixel along x and along y, pixels of the picture."""

CONTRADICTION_SIGMAS: Final = 4.0
"""A dragged pixel contradicts the others if the point lies so many standard deviations from it, or farther."""

_MAX_STEPS = 50
_MAX_HALVINGS = 12
_CONVERGED_MM = 1e-6
_LEAST_VARIANCE_MM2 = 1e-6  # makes a covariance of rank two invertible
_LARGEST_FACTOR = 1e12
_NUM_BISECTIONS = 40


@dataclass(frozen=True, eq=False)
class DraggedPoint:
    """The position after a correction.

    Attributes:
        mean: (3,) float64, mm in the world.
        cov: (3, 3) float64, mm^2.
        residual_px: (V,) distance from the dragged pixel to the projection of `mean`; NaN where nothing was dragged.
        contradicts: (V,) bool, True where that distance is CONTRADICTION_SIGMAS or more.
        widening: factor by which the covariance before was widened, 1 or more.
    """

    mean: Tensor
    cov: Tensor
    residual_px: Tensor
    contradicts: Tensor
    widening: float


def drag_point(
    cameras: Sequence[StaticCamera], mean: Tensor, cov: Tensor, pixels: Tensor, *, sigma_px: float = DRAG_SIGMA_PX
) -> DraggedPoint:
    """Return the most likely point by an estimate and by pixels to which a person has dragged its projections.

    A person drags what is wrong, so the covariance before may be too narrow for the correction. If the pixels lie
    farther from the estimate than is to be expected by both errors, that covariance is multiplied by the factor that
    makes them as far as is expected (the ratio of Birge, 1932); otherwise it is taken as it is. What no point at all
    explains, where the views contradict one another, does not count.

    Args:
        cameras: V cameras.
        mean: (3,) the estimate before, mm.
        cov: (3, 3) its covariance, mm^2.
        pixels: (V, 2) x, y in the distorted pictures; NaN where nothing was dragged.
        sigma_px: standard deviation of a dragged pixel along x and along y.

    Raises:
        ShapeError: sizes do not fit, nothing was dragged, the estimate is not finite, or a camera in whose picture it
            was dragged does not see it.
    """
    mean, cov, pixels = mean.double(), cov.double(), pixels.double()
    check_shape("mean", mean, "3")
    check_shape("cov", cov, "3 3")
    check_shape("pixels", pixels, "V 2", V=len(cameras))
    check_finite("mean", mean)
    check_finite("cov", cov)
    dragged = torch.isfinite(pixels).all(-1)
    used = [camera for camera, is_used in zip(cameras, dragged.tolist(), strict=True) if is_used]
    if not used:
        raise ShapeError("pixels: expected a dragged position in at least one view, got none")
    measured = pixels[dragged].reshape(-1)
    cov = cov + _LEAST_VARIANCE_MM2 * torch.eye(3, dtype=cov.dtype)
    widening = _widening(_Drag(used, measured, sigma_px), mean, cov)
    drag = _Drag(used, measured, sigma_px, mean, torch.linalg.inv(widening * cov))
    found = drag.most_likely()
    check_finite("dragged position", found)
    residual = torch.full((len(cameras),), torch.nan, dtype=torch.float64)
    residual[dragged] = torch.linalg.vector_norm(drag.residual(found).reshape(-1, 2), dim=-1)
    contradicts = residual.nan_to_num(0.0) >= CONTRADICTION_SIGMAS * sigma_px
    return DraggedPoint(found, _symmetric(torch.linalg.inv(drag.information(found))), residual, contradicts, widening)


class _Drag:
    """The sum of squares that the most likely point makes least.

    Args:
        cameras: those in whose pictures the point was dragged.
        measured: (2 V,) the pixels, x and y of each view in turn.
        sigma_px: their standard deviation.
        mean: (3,) the estimate before.
        precision: (3, 3) the inverse of its covariance.
    """

    def __init__(
        self,
        cameras: Sequence[StaticCamera],
        measured: Tensor,
        sigma_px: float,
        mean: Tensor | None = None,
        precision: Tensor | None = None,
    ) -> None:
        self.cameras, self.measured, self.sigma_px = cameras, measured, sigma_px
        self.mean = torch.zeros(3, dtype=torch.float64) if mean is None else mean
        self.precision = torch.zeros(3, 3, dtype=torch.float64) if precision is None else precision

    def sees(self, point: Tensor) -> bool:
        return all(bool(camera.project(point[None]).valid.all()) for camera in self.cameras)

    def residual(self, point: Tensor) -> Tensor:
        """Return (2 V,) from the projections of a point to the pixels."""
        return self.measured - torch.cat([camera.project(point[None]).pixels[0] for camera in self.cameras])

    def jacobian(self, point: Tensor) -> Tensor:
        """Return (2 V, 3) pixels per millimetre."""
        return torch.cat([projection_jacobian(camera, point[None])[0] for camera in self.cameras])

    def information(self, point: Tensor) -> Tensor:
        jacobian = self.jacobian(point)
        return self.precision + jacobian.T @ jacobian / self.sigma_px**2

    def squares(self, point: Tensor) -> float:
        if not self.sees(point):
            return float("inf")
        offset = point - self.mean
        return float(offset @ self.precision @ offset + (self.residual(point) / self.sigma_px).square().sum())

    def most_likely(self) -> Tensor:
        """Return the point (3,) by Gauss-Newton from the estimate before, each step halved until it helps."""
        point, value = self.mean, self.squares(self.mean)
        for _ in range(_MAX_STEPS):
            downhill = self.jacobian(point).T @ self.residual(point) / self.sigma_px**2
            downhill = downhill - self.precision @ (point - self.mean)
            step = torch.linalg.solve(self.information(point), downhill)
            for _ in range(_MAX_HALVINGS):
                if (there := self.squares(point + step)) <= value:
                    break
                step = step / 2
            else:
                return point
            point, value = point + step, there
            if float(step.abs().max()) < _CONVERGED_MM:
                break
        return point


def _widening(drag: _Drag, mean: Tensor, cov: Tensor) -> float:
    """Return the factor for the covariance that makes the pixels as far from the estimate as is to be expected."""
    if not drag.sees(mean):
        raise ShapeError(
            "mean: a camera in whose picture the joint was dragged does not see its harvested position: "
            "drag it in another view"
        )
    residual, jacobian = drag.residual(mean) / drag.sigma_px, drag.jacobian(mean) / drag.sigma_px
    spread, noise = jacobian @ cov @ jacobian.T, torch.eye(len(residual), dtype=residual.dtype)
    basis, _ = torch.linalg.qr(jacobian)
    unexplained = float(residual.square().sum() - (basis.T @ residual).square().sum())  # by any point at all
    freedom = int(basis.shape[1])

    def excess(factor: float) -> float:
        return float(residual @ torch.linalg.solve(factor * spread + noise, residual)) - unexplained - freedom

    if excess(1.0) <= 0:
        return 1.0
    high = 2.0
    while excess(high) > 0 and high < _LARGEST_FACTOR:
        high *= 2
    low = high / 2
    for _ in range(_NUM_BISECTIONS):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return high


def _symmetric(matrix: Tensor) -> Tensor:
    return (matrix + matrix.mT) / 2
