"""How much a label counts: as much as its place is certain, and rare postures as much as frequent ones.

What is not certain may be held to the network's own answer, where that agrees with the label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import SelectedFrame
from poseharvest.geometry.image_covariance import ImageUncertainty, image_uncertainty
from poseharvest.selection.telling_poses import MOST_COMPARED, SURE_MM, Postures, certainties, telling_poses

TARGET_SIGMA_PX: Final = 1.0
"""s0, pixels of the heatmap: the width of the target. A label as uncertain as that counts half."""

HELD_REGION: Final = 4.605
"""Squared Mahalanobis distance in a picture within which 90 % lie (chi-square with two degrees of freedom)."""

NETWORK_SIGMA_MM: Final = SURE_MM
"""s0 of a place in space, mm: about the error of a network that sees one picture. A label as unsure counts half."""

MOST_RARE: Final = 4.0
"""How many times as much as the mean a frame counts at most, and by which its weight is divided at least."""

_FEWEST = 1e-6  # like postures


@dataclass(frozen=True, eq=False)
class LabelTrust:
    """How much the labels of one person in one frame are trusted.

    Attributes:
        certainty: (V, J) 0 to 1, how much a label counts.
        held: (V, J) 0 to 1, how much the joint is held to the network's own answer instead: what is left of 1 where
            that answer lies within the label's 90 % region, 0 elsewhere.
    """

    certainty: Tensor
    held: Tensor


def label_trust(harvest: Harvest, rows: Sequence[SelectedFrame]) -> Mapping[tuple[int, int], LabelTrust]:
    """Return how much the labels of each frame and person are trusted: s0^2 / (s0^2 + sigma^2).

    Sigma is the standard deviation of the joint's projection in pixels of the heatmap, the mean of both directions, by
    the calibrated covariance. A joint whose projection has no covariance counts nothing. The network's own answer is
    its heatmap's maximum, as the harvest holds it; it may lie outside of the region by the width of the target.

    Args:
        harvest: with the cameras and the size of the heatmaps.
        rows: frames of it.
    """
    height, width = harvest.info.detector.heatmap_size
    found = {}
    for row in rows:
        record = row.annotations
        views = []
        for view, (camera, crop) in enumerate(zip(harvest.rig.at(record.frame), record.crops, strict=True)):
            projected = image_uncertainty(camera, record.mean, row.calibrated_cov)
            scale = 0.0 if crop is None else max(height, width) / crop.side  # pixels of the heatmap per picture pixel
            views.append(_trust_of_view(projected, record.peak_pixels[view], scale))
        certainty, held = (torch.stack(values) for values in zip(*views, strict=True))
        found[record.frame, record.person] = LabelTrust(certainty, held)
    return found


def _trust_of_view(seen: ImageUncertainty, peaks: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Return the certainty (J,) and how much each joint is held to the network's answer (J,), in one view."""
    in_heatmap = scale**2 * seen.cov
    variance = in_heatmap.diagonal(dim1=-2, dim2=-1).mean(-1)
    weight = TARGET_SIGMA_PX**2 / (TARGET_SIGMA_PX**2 + variance)
    known = seen.valid & (scale > 0)
    offset = scale * (peaks.to(seen.pixels) - seen.pixels)
    spread = in_heatmap + TARGET_SIGMA_PX**2 * torch.eye(2, dtype=in_heatmap.dtype)
    squares = (offset * torch.linalg.solve(spread, offset)).sum(-1)  # of the Mahalanobis distance
    agrees = known & (squares <= HELD_REGION)  # false where there is no maximum
    nothing = torch.zeros_like(weight)
    return torch.where(known, weight, nothing), torch.where(agrees, 1 - weight, nothing)


def certainties_in_space(row: SelectedFrame) -> Tensor:
    """Return (J,) weights of the joints of one person in one frame, for a network that learns their places in space.

    s0^2 / (s0^2 + sigma^2), where sigma^2 is the mean variance of the three coordinates by the calibrated covariance,
    mm^2, and s0 is `NETWORK_SIGMA_MM`. A joint without a finite covariance counts nothing.
    """
    variance = row.calibrated_cov.diagonal(dim1=-2, dim2=-1).mean(-1)
    weight = NETWORK_SIGMA_MM**2 / (NETWORK_SIGMA_MM**2 + variance)
    return torch.where(torch.isfinite(variance), weight, torch.zeros_like(weight))


def rarities(rows: Sequence[SelectedFrame]) -> list[float]:
    """Return the weight of each frame against the density of its posture; their mean is 1.

    The density is the number of frames in like postures, each counted by how alike they are
    (`selection.telling_poses`).

    Args:
        rows: frames of one subject, from one capture or several.
    """
    if len(rows) < 2:
        return [1.0] * len(rows)
    postures = _postures(rows)
    others = postures.thinned_out(max(1, len(rows) // MOST_COMPARED))
    weights = 1 / np.maximum(postures.likeness(others).sum(1), _FEWEST)
    limited = np.clip(weights / weights.mean(), 1 / MOST_RARE, MOST_RARE)
    result: list[float] = (limited / limited.mean()).tolist()
    return result


def most_telling(takes: Sequence[Sequence[SelectedFrame]], share: float) -> list[list[SelectedFrame]]:
    """Return of several takes together that share of the frames, at least one, which tells most, in their order.

    Where fewer tell all that there is to tell, others are added that lie evenly over the rest.

    Args:
        takes: frames of one subject.
        share: above 0 to 1.
    """
    rows = [row for take in takes for row in take]
    if not rows:
        return [[] for _ in takes]
    postures = _postures(rows)
    certainty = certainties(np.stack([row.sigma_mm.numpy() for row in rows]), postures.known)
    count = max(1, round(share * len(rows)))
    chosen = set(telling_poses(postures, certainty, count).order.tolist())
    others = [number for number in range(len(rows)) if number not in chosen]
    added = np.linspace(0, max(len(others) - 1, 0), count - len(chosen)).round().astype(int).tolist()
    chosen |= {others[number] for number in added}
    numbers = iter(range(len(rows)))
    return [[row for row in take if next(numbers) in chosen] for take in takes]


def _postures(rows: Sequence[SelectedFrame]) -> Postures:
    mean = np.stack([row.annotations.mean.double().numpy() for row in rows])
    return Postures.of(mean, np.stack([row.annotations.supported.numpy() for row in rows]))
