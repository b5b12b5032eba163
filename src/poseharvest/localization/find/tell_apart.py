"""Heatmaps of one person cleared of the peaks that others leave in the same window.

A network answers to everybody in its window. Where the window holds several people of whom it is known about where they
are, a peak that lies on another person's joint, nearer to it than to the own one, is theirs: it is taken out, so that
it neither draws the person away nor counts as evidence. What lies elsewhere stays, wherever it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.crop import Crop
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.limits import CONFIDENT_PEAK, MIN_JOINTS
from poseharvest.localization.partial_pose import PartialPose
from poseharvest.skeleton.skeleton import Skeleton

_REACH = 1 / 16  # of the window's side: within it of another's joint a peak may be that joint's
_SHARPNESS = 1 / 48  # of the window's side: over which it passes from one person to the other

_LEFT_OF_PEAK = 0.5
_BODY_WIDTH = 0.08  # of somebody's extent: as far from the middle of a limb a peak may lie on it


def told_apart(
    maps: Heatmaps, person: PartialPose, others: Sequence[PartialPose], cameras: Sequence[StaticCamera]
) -> Heatmaps:
    """Return a person's heatmaps of all views without the peaks of others.

    Args:
        maps: of the person's windows.
        person: where they are expected.
        others: where the others are.
        cameras: V cameras as they stand in this frame.
    """
    if not others:
        return maps
    values = maps.values.clone()
    for view, (crop, camera) in enumerate(zip(maps.crops, cameras, strict=True)):
        if crop is not None:
            theirs = torch.stack([_projected(other, camera) for other in others])
            values[view] = clear_of_others(values[view], crop, _projected(person, camera), theirs)
    return Heatmaps(values, maps.crops)


def share_taken_out(whole: Heatmaps, own: Heatmaps) -> float:
    """Return the share of the peaks in a person's windows that were taken out as other people's.

    Args:
        whole: (V, J, H, W) heatmaps as the network gave them.
        own: the same, told apart.
    """
    if own is whole:
        return 0.0
    before, after = (maps.values.flatten(-2).amax(-1) for maps in (whole, own))
    peaks = before > CONFIDENT_PEAK
    taken = peaks & (after < _LEFT_OF_PEAK * before)
    return float(taken.sum()) / max(1, int(peaks.sum()))


def num_own_views(
    members: Sequence[Candidate], others: Sequence[PartialPose], cameras: Sequence[StaticCamera], skeleton: Skeleton
) -> int:
    """Return in how many views somebody shows four joints or more where nobody else is.

    A network that is asked for a person where none is answers with the limbs of those who are near: a left ankle at
    another's wrist. What one view shows and two such views agree on is nobody.

    Args:
        members: what the views see of the person, at most one a view.
        others: where the others are.
        cameras: V cameras as they stand in this frame.
        skeleton: its limbs.
    """
    limbs = torch.tensor([[skeleton.index(limb.parent), skeleton.index(limb.child)] for limb in skeleton.limbs])
    number = 0
    for member in members:
        peaks = member.pixels[member.scores > CONFIDENT_PEAK]
        theirs = torch.zeros(len(peaks), dtype=torch.bool)
        for other in others:
            theirs |= _on_limbs(peaks, _projected(other, cameras[member.view]), limbs)
        number += int((~theirs).sum()) >= MIN_JOINTS
    return number


def _on_limbs(peaks: Tensor, joints: Tensor, limbs: Tensor) -> Tensor:
    """Return (N,) bool: peaks (N, 2) lie on the limbs (L, 2) of somebody with joints (J, 2), pixels; NaN is nowhere."""
    known = joints[~joints.isnan().any(1)]
    if len(known) == 0:
        return torch.zeros(len(peaks), dtype=torch.bool)
    reach = _BODY_WIDTH * float((known.amax(0) - known.amin(0)).max())
    start, end = joints[limbs[:, 0]], joints[limbs[:, 1]]
    along = end - start
    share = ((peaks[:, None] - start) * along).sum(-1) / along.square().sum(-1).clamp_min(1e-9)
    nearest = start + share.clamp(0, 1)[..., None] * along
    distance = torch.linalg.vector_norm(peaks[:, None] - nearest, dim=-1).nan_to_num(torch.inf)
    on: Tensor = (distance < reach).any(1)
    return on


def _projected(person: PartialPose, camera: StaticCamera) -> Tensor:
    """Return (J, 2) where a camera sees the joints, pixels; NaN where not known or behind it."""
    seen = camera.project(person.points)
    return torch.where((person.known & seen.valid)[:, None], seen.pixels, torch.nan)


def clear_of_others(values: Tensor, crop: Crop, own: Tensor, others: Tensor) -> Tensor:
    """Return the heatmaps (J, H, W) of one view without the peaks of others.

    Args:
        values: (J, H, W) heatmaps of the window.
        crop: the window.
        own: (J, 2) where the person's joints are expected, pixels of the picture; NaN where not known.
        others: (K, J, 2) where those of the others are expected; NaN where not known.
    """
    if len(others) == 0:
        return values
    height, width = values.shape[-2:]
    scale = max(height, width)
    to_own = _distances(crop.to_window(own, (height, width)), (height, width)) / scale
    to_others = _distances(crop.to_window(others, (height, width)), (height, width)).amin(0) / scale
    on_other = torch.exp(-(to_others / _REACH).square() / 2)
    # From 0 where the own joint is as near, to 1 where the other's is much nearer.
    theirs = torch.tanh((to_own - to_others).clamp_min(0) / _SHARPNESS).nan_to_num(0)
    factor = (1 - on_other.nan_to_num(0) * theirs).to(values)
    return torch.where(values > 0, values * factor, values)


def _distances(points: Tensor, size: tuple[int, int]) -> Tensor:
    """Return (..., J, H, W) distances of every pixel from points (..., J, 2), infinite where they are NaN."""
    height, width = size
    dx = torch.arange(width, dtype=torch.float64) - points[..., :1]
    dy = torch.arange(height, dtype=torch.float64) - points[..., 1:]
    distance = torch.hypot(dy.unsqueeze(-1), dx.unsqueeze(-2))
    return torch.where(torch.isnan(distance), torch.inf, distance)
