"""Calibration of the size of covariances by a monotone map, which is fitted on footage with known poses.

The size of a covariance C is sigma = det(C)^(1/6), mm: the radius of the sphere with the volume of its ellipsoid. A
recalibration maps sigma to a new value by an increasing curve and multiplies C by the square of the ratio. So the
ellipsoid keeps its shape and its axes. The order of two joints by determinant is never reversed, but two joints may
become equal.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator
from torch import Tensor

from poseharvest.checks import check_shape
from poseharvest.reading.documents import load_json
from poseharvest.reading.foreign_records import checked

FORMAT_NAME: Final = "poseharvest recalibration"


class Recalibration(BaseModel):
    """An increasing curve from sigma to calibrated sigma, piecewise linear in the logarithms of both.

    Below the first knot and above the last, the ratio is constant.
    """

    model_config = ConfigDict(frozen=True)

    format: Literal["poseharvest recalibration"] = FORMAT_NAME
    version: Literal[1] = 1
    sigma_mm: tuple[FiniteFloat, ...] = Field(min_length=1, description="knots, increasing, mm")
    calibrated_mm: tuple[FiniteFloat, ...] = Field(min_length=1, description="calibrated sigma of each knot, mm")
    level: FiniteFloat = Field(gt=0, lt=1, description="share of the true positions that the fitted ellipsoids contain")
    num_values: int = Field(ge=1, description="number of joints with known position in the fit")
    fitted_on: str = Field(description="a description of the footage of the fit")

    @model_validator(mode="after")
    def _check_curve(self) -> Recalibration:
        if len(self.sigma_mm) != len(self.calibrated_mm):
            raise ValueError(f"expected one calibrated_mm a knot, {len(self.sigma_mm)}, got {len(self.calibrated_mm)}")
        if self.sigma_mm[0] <= 0 or self.calibrated_mm[0] <= 0:
            raise ValueError("expected positive sigmas")
        if any(a >= b for a, b in pairwise(self.sigma_mm)):
            raise ValueError("sigma_mm must rise from knot to knot")
        if any(a > b for a, b in pairwise(self.calibrated_mm)):
            raise ValueError("calibrated_mm must not fall from knot to knot")
        return self

    def factors(self, sigma_mm: Tensor) -> Tensor:
        """Return the ratio of calibrated sigma to sigma, (...), for positive sigmas (...), mm."""
        knots, values = np.log(self.sigma_mm), np.log(self.calibrated_mm)
        clamped = sigma_mm.double().clamp_min(torch.finfo(torch.float64).tiny).log().numpy()
        ratio = np.interp(clamped, knots, values) - np.clip(clamped, knots[0], knots[-1])
        return torch.from_numpy(np.asarray(np.exp(ratio)))

    def scales(self, cov: Tensor) -> Tensor:
        """Return the factors (...), float64, for covariances (..., 3, 3), mm^2.

        The factor is 1 for a covariance whose determinant is not positive.
        """
        flat = cov.reshape(-1, *cov.shape[-2:])
        check_shape("covariances", flat, "N 3 3")
        det: Tensor = torch.linalg.det(flat.double())
        usable = torch.isfinite(det) & (det > 0)
        sigma = torch.where(usable, det, 1.0) ** (1 / 6)
        return torch.where(usable, self.factors(sigma).square(), 1.0).reshape(cov.shape[:-2])

    def apply(self, cov: Tensor) -> Tensor:
        """Return calibrated covariances (..., 3, 3), mm^2; without a positive determinant they are not changed."""
        return cov * self.scales(cov)[..., None, None].to(cov)

    def write(self, path: Path) -> None:
        """Write the recalibration as JSON."""
        path.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Recalibration:
        """Return the recalibration of a JSON file.

        Raises:
            FormatError: the file cannot be read or is not a recalibration; the message names the file and the key.
        """
        where = f"{path}: is no recalibration"
        return checked(cls, load_json(path, where=where), where)
