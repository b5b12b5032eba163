"""What a harvest holds of one frame and one person, before it is written as rows."""

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
        supported: (J,) bool, two views show the joint at its own place; False where its place is unsure.
        log_evidence: log of the frame's evidence, the sum over all poses of likelihood times prior.
        pixels: (V, J, 2) float64, where the mean appears in every picture, pixels as seen (distorted);
            NaN where that means nothing: behind the camera, beyond its lens model, or absurdly far outside.
        inside: (V, J) bool, the projection is in front of the camera, within the picture, and the view is present.
        score: (V, J) float64, the view's heatmap at the projection; 0 where not inside its crop.
        peak_pixels: (V, J, 2) float64, the heatmap's own maximum, pixels of the picture; NaN in an absent view.
        peak_score: (V, J) float64, the heatmap's value at its maximum; 0 in an absent view.
        crops: one a view, the window that the detector saw; None in an absent view.
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
        """(J,) bool, some view shows something of the joint, be it little; where False, its place is a guess."""
        return (self.peak_score > 0).any(0)

    @property
    def det(self) -> Tensor:
        """(J,) determinants of the covariances, mm^6: the paper's measure of confidence (Sec. 3.3)."""
        det: Tensor = torch.linalg.det(self.cov)
        return det
