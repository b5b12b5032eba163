"""How far a detector's peaks lie off to one side: measured by showing it the mirrored picture.

A detector whose peaks lie d to the right of every joint does so in the mirrored picture too; mirrored back, those
peaks lie d to the left. Half their distance is d, whatever the person does. A whole capture of peaks that are half a
pixel off moves every joint by millimetres, and no spread between views shows it. Nothing like it exists for up and
down: a person upside down is no picture that a detector knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from poseharvest.detectors.protocol import CroppedView, HeatmapDetector
from poseharvest.errors import DetectorError
from poseharvest.geometry.crop import Crop
from poseharvest.heatmaps.flip import flip_heatmaps
from poseharvest.heatmaps.maps import map_peaks


@dataclass(frozen=True)
class SideBias:
    """How far to the right of the joints the peaks lie.

    Attributes:
        mean_px: pixels of the heatmap; negative to the left.
        standard_error_px: of that mean; the views, not the joints, count as independent.
        num_joints: joints that it was measured on.
    """

    mean_px: float
    standard_error_px: float
    num_joints: int


def mirrored_view(view: CroppedView) -> CroppedView:
    """Return the same window of the mirrored picture.

    Raises:
        DetectorError: the view comes without its picture.
    """
    if view.image is None:
        raise DetectorError(f'bias: view "{view.view}", frame {view.frame}: expected a picture, got None')
    x, y = view.crop.center
    width = view.image.shape[1]
    crop = Crop((width - 1 - x, y), view.crop.side)
    return replace(view, crop=crop, image=np.ascontiguousarray(view.image[:, ::-1]))


def measure_side_bias(
    detector: HeatmapDetector, views: Sequence[CroppedView], *, min_score: float = 0.35, max_distance_px: float = 1.0
) -> SideBias:
    """Return how far to the right of the joints the detector's peaks lie.

    Args:
        detector: any that looks at pictures.
        views: windows of people; twenty or more.
        min_score: joints with a lower peak, in either picture, are not used.
        max_distance_px: joints whose two peaks lie further off their middle than this, in pixels of the heatmap, are
            two different opinions, not a bias, and are not used.

    Raises:
        DetectorError: fewer than two views show a joint that both pictures agree on.
    """
    peaks = map_peaks(detector.detect(views))
    seen_mirrored = map_peaks(flip_heatmaps(detector.detect([mirrored_view(v) for v in views]), detector.skeleton))
    half = (peaks.pixels - seen_mirrored.pixels) / 2
    used = (torch.minimum(peaks.score, seen_mirrored.score) >= min_score) & (half.norm(dim=-1) <= max_distance_px)
    counts = used.sum(1)
    if int((counts > 0).sum()) < 2:
        raise DetectorError("bias: expected two views or more with joints found in the mirrored picture too, got fewer")
    sums = (half[..., 0] * used).sum(1)
    mean = float(sums.sum() / counts.sum())
    # Of a ratio of sums over views: joints of one view err together.
    spread = (sums - mean * counts)[counts > 0]
    error = float(spread.square().sum().sqrt() / counts.sum())
    return SideBias(mean, error, int(counts.sum()))
