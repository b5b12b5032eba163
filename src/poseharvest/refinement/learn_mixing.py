"""How much the marginal counts beside the fit, by the peaks of left-out views (choice D17).

Each view of some frames is left out of both, of the sums on the grid and of the fit. The mixture of what the others say
that predicts its peaks best is the subject's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice

import torch

from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.pictorial.evidence import FrameEvidence
from poseharvest.pictorial.posterior import JointPosterior
from poseharvest.refinement.covariance_scale import LeftOutPeaks, PosesOfOthers
from poseharvest.refinement.observations import observe
from poseharvest.refinement.pose_fit import fit_poses, is_held
from poseharvest.refinement.refine import Mixing, Refinement

MOST_FRAMES = 8
"""Frames that are enough: each costs an inference for every view."""

_HALF_AT = (2.0, 4.0, 8.0, 16.0, 32.0, math.inf)
_LEAST_PEAKS = 30
_INFERRED_TOGETHER = 16  # frames of which copies without a view are in memory at once
_LEAST_VIEWS = 3  # so that two are left

Infer = Callable[[Sequence[FrameEvidence]], Sequence[JointPosterior]]


def learn_mixing(frames: Sequence[FrameEvidence], infer: Infer, refinement: Refinement) -> Refinement:
    """Return what was learned with the mixture that predicts left-out views best.

    With two views, or fewer than 30 peaks to predict, it stays as it was.

    Args:
        frames: some of those that teach, each with V views.
        infer: returns the posteriors of frames on the grid.
        refinement: what was learned so far.
    """
    if not refinement.is_trusted or not frames or len(frames[0].cameras) < _LEAST_VIEWS:
        return refinement
    likelihoods, count = torch.zeros(len(_HALF_AT), dtype=torch.float64), 0
    num_views, together = len(frames[0].cameras), max(1, _INFERRED_TOGETHER // len(frames))
    for first in range(0, num_views, together):
        views = range(first, min(first + together, num_views))
        posteriors = iter(infer([_without(frame, view) for view in views for frame in frames]))
        for view in views:
            all_peaks = _predict(frames, view, list(islice(posteriors, len(frames))), refinement)
            likelihoods += torch.stack([peaks.log_likelihood(refinement.noise) for peaks in all_peaks])
            count += len(all_peaks[0].residual)
    if count < _LEAST_PEAKS:
        return refinement
    return replace(refinement, mixing=replace(refinement.mixing, half_at=_HALF_AT[int(likelihoods.argmax())]))


def _predict(
    frames: Sequence[FrameEvidence], view: int, posteriors: Sequence[JointPosterior], refinement: Refinement
) -> list[LeftOutPeaks]:
    """Return the peaks of a view as the `posteriors` of the other views predict them, for every mixture."""
    means = torch.stack([posterior.mean for posterior in posteriors]).double()
    seen = observe(frames, means)
    fit = fit_poses(seen.without(view), means, refinement.noise, refinement.limbs)
    of_fit, offset = refinement.covariances(fit), means - fit.points
    mixing, found = Mixing.between(fit, offset, of_fit), []
    for half_at in _HALF_AT:
        mixed = replace(mixing, half_at=half_at).mix(fit, offset, of_fit)
        poses = PosesOfOthers(fit.points + mixed.offset, mixed.cov, is_held(fit.linear))
        found.append(LeftOutPeaks.of(view, seen, poses, refinement.noise))
    return found


def _without(frame: FrameEvidence, view: int) -> FrameEvidence:
    """Return the frame as if a view had no picture."""
    values = frame.heatmaps.values.clone()
    values[view] = 0
    crops = tuple(None if number == view else crop for number, crop in enumerate(frame.heatmaps.crops))
    return replace(frame, heatmaps=Heatmaps(values, crops))
