"""The record of one person in one frame, before it is written as rows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.checks import check_finite, check_shape
from poseharvest.errors import ShapeError
from poseharvest.geometry.crop import Crop


@dataclass(frozen=True, eq=False)
class FrameAnnotations:
    """The 3D pose of one person in one frame, and its 2D annotations in every view. All tensors on the CPU.

    Attributes:
        frame: index in the capture, from 0.
        time_s: seconds from the capture's start.
        person: number of the person, from 0.
        mean: (J, 3) float64, means of the marginals, mm in the world.
        cov: (J, 3, 3) float64, covariances of the marginals, mm^2.
        supported: (J,) bool, True if two views show the joint near its mean; False if its position is uncertain.
        log_evidence: log of the frame's evidence, the sum over all poses of likelihood times prior.
        pixels: (V, J, 2) float64, projection of the mean into every distorted picture, pixels; NaN if it is not valid:
            behind the camera, outside the range of the lens model, or extremely far outside the picture.
        inside: (V, J) bool, True if the view is present and the projection lies in its picture.
        score: (V, J) float64, value of the heatmap at the projection; 0 outside the window of the view.
        peak_pixels: (V, J, 2) float64, position of the maximum of the heatmap, pixels of the picture; NaN in an absent
            view.
        peak_score: (V, J) float64, value of the heatmap at its maximum; 0 in an absent view.
        crops: for each view the window that the detector used; None for an absent view.
    """

    frame: int
    time_s: float
    person: int
    mean: Tensor
    cov: Tensor
    supported: Tensor
    log_evidence: float
    pixels: Tensor
    inside: Tensor
    score: Tensor
    peak_pixels: Tensor
    peak_score: Tensor
    crops: tuple[Crop | None, ...]

    def __post_init__(self) -> None:
        sizes = check_shape("mean", self.mean, "J 3")
        check_shape("cov", self.cov, "J 3 3", **sizes)
        check_shape("supported", self.supported, "J", **sizes)
        sizes = check_shape("pixels", self.pixels, "V J 2", **sizes)
        for name in ("inside", "score", "peak_score"):
            check_shape(name, getattr(self, name), "V J", **sizes)
        check_shape("peak_pixels", self.peak_pixels, "V J 2", **sizes)
        if len(self.crops) != sizes["V"]:
            raise ShapeError(f"crops: expected {sizes['V']}, got {len(self.crops)}")
        for name in ("mean", "cov", "score", "peak_score"):
            check_finite(name, getattr(self, name))

    @property
    def is_shown(self) -> Tensor:
        """(J,) bool, True if the joint has evidence in at least one view; without it, the position is a guess."""
        return (self.peak_score > 0).any(0)

    @property
    def det(self) -> Tensor:
        """(J,) determinants of the covariances, mm^6: the paper's measure of confidence (Sec. 3.3)."""
        det: Tensor = torch.linalg.det(self.cov)
        return det
