"""Removal of other people's peaks from the heatmaps of one person.

A network gives peaks to all people in its window. Where the other people are is roughly known. A peak that lies on
another person's joint, and nearer to it than to the person's own joint, is removed. So it neither draws the person away
nor counts as evidence. All other peaks stay.
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
from poseharvest.localization.sighting import PartialPose
from poseharvest.skeleton.skeleton import Skeleton

_REACH = 1 / 16  # of the window's side: a peak so near to another person's joint may be that joint
_SHARPNESS = 1 / 48  # of the window's side: width of the transition between the two people

_REMAINING_SHARE = 0.5  # of a peak's height, below which it counts as removed
_BODY_WIDTH = 0.08  # of a person's extent: largest distance of a peak from the axis of a limb it lies on


def remove_others(
    maps: Heatmaps, person: PartialPose, others: Sequence[PartialPose], cameras: Sequence[StaticCamera]
) -> Heatmaps:
    """Return a person's heatmaps of all views without the peaks of others.

    Args:
        maps: heatmaps of the person's windows.
        person: where the person is expected.
        others: where the other people are.
        cameras: V cameras as they stand in this frame.
    """
    if not others:
        return maps
    values = maps.values.clone()
    for view, (crop, camera) in enumerate(zip(maps.crops, cameras, strict=True)):
        if crop is not None:
            theirs = torch.stack([_project_joints(other, camera) for other in others])
            values[view] = remove_others_from_view(values[view], crop, _project_joints(person, camera), theirs)
    return Heatmaps(values, maps.crops)


def removed_share(whole: Heatmaps, own: Heatmaps) -> float:
    """Return the share of the peaks in a person's windows that were removed as other people's, 0 to 1.

    Args:
        whole: (V, J, H, W) heatmaps as the network gave them.
        own: the same heatmaps after `remove_others`.
    """
    if own is whole:
        return 0.0
    before, after = (maps.values.flatten(-2).amax(-1) for maps in (whole, own))
    peaks = before > CONFIDENT_PEAK
    removed = peaks & (after < _REMAINING_SHARE * before)
    return float(removed.sum()) / max(1, int(peaks.sum()))


def num_own_views(
    members: Sequence[Candidate], others: Sequence[PartialPose], cameras: Sequence[StaticCamera], skeleton: Skeleton
) -> int:
    """Return in how many views a person shows four joints or more that do not lie on other people.

    A network that looks where no person is finds joints on the limbs of people near by, such as a left ankle at
    another person's wrist. Views that agree on such joints do not show a new person.

    Args:
        members: the views' candidates for the person, at most one a view.
        others: where the other people are.
        cameras: V cameras as they stand in this frame.
        skeleton: its limbs.
    """
    limbs = torch.tensor([[skeleton.index(limb.parent), skeleton.index(limb.child)] for limb in skeleton.limbs])
    number = 0
    for member in members:
        peaks = member.pixels[member.scores > CONFIDENT_PEAK]
        theirs = torch.zeros(len(peaks), dtype=torch.bool)
        for other in others:
            theirs |= _lie_on_limbs(peaks, _project_joints(other, cameras[member.view]), limbs)
        number += int((~theirs).sum()) >= MIN_JOINTS
    return number


def _lie_on_limbs(peaks: Tensor, joints: Tensor, limbs: Tensor) -> Tensor:
    """Return (N,) bool: peaks (N, 2) lie on the limbs (L, 2) of a person with joints (J, 2), pixels or NaN."""
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


def _project_joints(person: PartialPose, camera: StaticCamera) -> Tensor:
    """Return (J, 2) where a camera sees the joints, pixels; NaN where not known or behind it."""
    projection = camera.project(person.points)
    return torch.where((person.known & projection.valid)[:, None], projection.pixels, torch.nan)


def remove_others_from_view(values: Tensor, crop: Crop, own: Tensor, others: Tensor) -> Tensor:
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
