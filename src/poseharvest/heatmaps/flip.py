"""Mirroring heatmaps and points left to right, with the joints of the two sides swapped."""

from __future__ import annotations

import torch
from torch import Tensor

from poseharvest.skeleton.skeleton import Skeleton


def flip_heatmaps(values: Tensor, skeleton: Skeleton) -> Tensor:
    """Return the heatmaps (..., J, H, W) of the mirrored picture. Applied twice, it gives the original."""
    return values.flip(-1)[..., list(skeleton.flip_permutation), :, :]


def flip_points(points: Tensor, skeleton: Skeleton, *, width: int) -> Tensor:
    """Return the joints (..., J, 2) in the mirrored picture of `width` pixels. Applied twice, it gives the original."""
    mirrored = torch.stack((width - 1 - points[..., 0], points[..., 1]), -1)
    return mirrored[..., list(skeleton.flip_permutation), :]
