"""The other ways to a 3D pose from the very same heatmaps, to be compared with: single peaks and single joints.

Every baseline is a function of one frame's evidence, the heatmaps, cameras and middle of the bounding cube, and of the
subject's model, which those on single peaks leave alone. None sees the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor

from poseharvest.geometry.triangulation import triangulate, triangulate_robust
from poseharvest.heatmaps.maps import Heatmaps, heatmap_peaks
from poseharvest.pictorial.evidence import FrameEvidence
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.pictorial.posterior import cube, grid_moments
from poseharvest.pictorial.unary import Unaries, back_project
from study.double_counting import double_counted_marginals
from study.max_product import most_probable_pose

OUTLIER_SHARE = 0.1
"""Of the robust triangulation: share of the window's side beyond which a peak is an outlier."""

# Of the peak's height. Sharper, the mean falls onto the grid; softer, the 4096 pixels of background pull at it. Of 8 to
# 60, 14 was the most accurate on Gaussians of sigma 1 to 2 px on 64 x 64 maps: 0.02 to 0.2 px.
_SOFTMAX_SHARPNESS = 14.0


Baseline = Callable[[FrameEvidence, PictorialStructures], Tensor]
"""From one frame and the subject's model to the joints' positions (J, 3), mm; NaN where it gives none."""


def weighted_dlt(frame: FrameEvidence, model: PictorialStructures) -> Tensor:
    """Return (J, 3): the heatmaps' peaks triangulated linearly, weighted by their heights; NaN where impossible."""
    peaks = heatmap_peaks(frame.heatmaps.values, frame.heatmaps.crops)
    found = triangulate(frame.cameras, peaks.pixels, peaks.score.clamp_min(0))
    return torch.where(found.supported[:, None], found.points, torch.nan)


def robust_triangulation(frame: FrameEvidence, model: PictorialStructures) -> Tensor:
    """Return (J, 3): the peaks that agree triangulated, all pairs of views tried; NaN where none agree."""
    peaks = heatmap_peaks(frame.heatmaps.values, frame.heatmaps.crops)
    sides = torch.tensor([crop.side for crop in frame.heatmaps.crops if crop is not None], dtype=torch.float64)
    threshold = OUTLIER_SHARE * float(sides.median())
    found = triangulate_robust(frame.cameras, peaks.pixels, peaks.score.clamp_min(0), threshold_px=threshold)
    return torch.where(found.supported[:, None], found.points, torch.nan)


def soft_argmax_dlt(frame: FrameEvidence, model: PictorialStructures) -> Tensor:
    """Return (J, 3): as `weighted_dlt`, of the heatmaps' softmax means in place of their maxima."""
    values, crops = frame.heatmaps.values.double(), frame.heatmaps.crops
    height, width = frame.heatmaps.size
    peak = values.flatten(2).amax(-1).clamp_min(0)
    height_of_peak = torch.where(peak > 0, peak, 1.0)[..., None, None]
    share = torch.softmax((_SOFTMAX_SHARPNESS * values / height_of_peak).flatten(2), -1).reshape(values.shape)
    x = (share.sum(-2) * torch.arange(width)).sum(-1)
    y = (share.sum(-1) * torch.arange(height)).sum(-1)
    pixels = torch.full((*x.shape, 2), torch.nan, dtype=torch.float64)
    for number, crop in enumerate(crops):
        if crop is not None:
            pixels[number] = crop.to_image(torch.stack((x[number], y[number]), -1), frame.heatmaps.size)
    found = triangulate(frame.cameras, pixels, peak)
    return torch.where(found.supported[:, None], found.points, torch.nan)


def unary_mean(frame: FrameEvidence, model: PictorialStructures) -> Tensor:
    """Return (J, 3): the mean of each joint's likelihood of Eq. (3) alone, without a skeleton."""
    unaries = unaries_of(frame, model)
    flat = unaries.log_values.flatten(1).double()
    marginals = torch.softmax(flat, -1).reshape(unaries.log_values.shape)
    return grid_moments(marginals, unaries.volume).mean


def max_product(frame: FrameEvidence, model: PictorialStructures) -> Tensor:
    """Return (J, 3): the single most probable pose of Eq. (4), at voxel centres."""
    return most_probable_pose(unaries_of(frame, model), model.tree, model.shells)


def double_counting(frame: FrameEvidence, model: PictorialStructures) -> Tensor:
    """Return (J, 3): means of beliefs into which each joint's own message returns, as in the authors' demo."""
    return _double_counted(unaries_of(frame, model), model)


def double_counting_as_chosen(frame: FrameEvidence, model: PictorialStructures) -> Tensor:
    """Return (J, 3): the same, from the likelihood that the model's options choose."""
    values, crops = frame.heatmaps.values.float(), frame.heatmaps.crops
    present = torch.tensor([crop is not None for crop in crops], device=values.device)
    made = model.options.likelihood.maps(values, present)
    return _double_counted(_back_projected(Heatmaps(made, crops), frame, model), model)


def sum_product_mean(frame: FrameEvidence, model: PictorialStructures) -> Tensor:
    """Return (J, 3): ours, the means of the true marginals of Eq. (4), from the paper's likelihood and the floor."""
    return _plain(model).infer(frame.heatmaps, frame.cameras, frame.center).mean


def sum_product_mean_as_chosen(frame: FrameEvidence, model: PictorialStructures) -> Tensor:
    """Return (J, 3): the same, from the likelihood that the model's options choose."""
    return model.infer(frame.heatmaps, frame.cameras, frame.center).mean


BASELINES: dict[str, Baseline] = {
    "weighted DLT": weighted_dlt,
    "robust triangulation": robust_triangulation,
    "soft-argmax DLT": soft_argmax_dlt,
    "unaries without skeleton": unary_mean,
    "max-product": max_product,
    "double-counting messages": double_counting,
    "ours": sum_product_mean,
}
"""By the names that tables use, ours last."""

AS_CHOSEN: dict[str, Baseline] = {
    "double counting, likelihood as chosen": double_counting_as_chosen,
    "ours, likelihood as chosen": sum_product_mean_as_chosen,
}
"""Those that differ from the two above for a model with a `height_power` or a `sharpen`."""


@lru_cache(maxsize=1)
def unaries_of(frame: FrameEvidence, model: PictorialStructures) -> Unaries:
    """Return the likelihoods of Eq. (3) with the model's floor, on its grid.

    Those of the last frame are kept: the methods ask for them one after the other.
    """
    return _back_projected(Heatmaps(frame.heatmaps.values.float(), frame.heatmaps.crops), frame, model)


def _back_projected(heatmaps: Heatmaps, frame: FrameEvidence, model: PictorialStructures) -> Unaries:
    volume = cube(frame.center.float(), model.edge_mm, model.resolution)
    return back_project(heatmaps, frame.cameras, volume, model.options.floor)


def _double_counted(unaries: Unaries, model: PictorialStructures) -> Tensor:
    beliefs = double_counted_marginals(unaries.log_values, model.tree, model.shells)
    return grid_moments(beliefs, unaries.volume).mean


@lru_cache(maxsize=1)
def _plain(model: PictorialStructures) -> PictorialStructures:
    """Return the same body with the heatmaps as they are."""
    options = replace(model.options, height_power=0.0, sharpen=1.0)
    return PictorialStructures(model.skeleton, model.lengths, options)
