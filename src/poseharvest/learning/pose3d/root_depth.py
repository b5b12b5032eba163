"""From a window's pose to millimetres before the camera (D9): the rays of its pixels, and the depth of the root.

A single picture does not say how far away a person is. The depth of the root is given, or follows from the lengths of
the limbs: the farther the root, the longer every limb that is seen from the side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from poseharvest.errors import CalibrationError, ConfigError
from poseharvest.geometry.camera import Camera, StaticCamera
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.skeleton import Skeleton

NEAREST_MM: Final = 300.0
FARTHEST_MM: Final = 100_000.0
_NUM_DEPTHS = 129
_NUM_PASSES = 6


def viewing_slopes(camera: StaticCamera, pixels: Tensor) -> Tensor:
    """Return the points (..., 3) at depth 1 on the rays of pixels (..., 2) of the distorted picture: (x/z, y/z, 1).

    Raises:
        CalibrationError: the camera is affine: its rays are parallel.
    """
    if not isinstance(camera, Camera):
        raise CalibrationError(f'camera "{camera.name}": expected a perspective camera, got an affine one: no depth')
    direction = camera.pixel_rays(pixels).direction @ camera.rotation.T.to(pixels)
    return direction / direction[..., 2:]


def points_at_depth(slopes: Tensor, depth_mm: Tensor, root_depth_mm: Tensor) -> Tensor:
    """Return the joints (..., J, 3) in the camera's system, mm.

    Args:
        slopes: (..., J, 3) of `viewing_slopes`.
        depth_mm: (..., J) beyond the root.
        root_depth_mm: (...) of the root along the camera's axis.
    """
    return slopes * (root_depth_mm[..., None] + depth_mm).unsqueeze(-1)


def estimate_root_depth(slopes: Tensor, depth_mm: Tensor, skeleton: Skeleton, lengths: LimbLengths) -> Tensor:
    """Return the depth of the root at which the limbs come out nearest to their lengths, (...) mm.

    What is minimised is the sum of the absolute errors of the lengths, so that one wrong joint does not decide; it is
    searched for on a grid of depths from 0.3 to 100 m that is narrowed down six times.

    Args:
        slopes: (..., J, 3) of `viewing_slopes`.
        depth_mm: (..., J) beyond the root.
        skeleton: of the joints.
        lengths: of its limbs, some or all.

    Raises:
        ConfigError: there is no length at all, or one of a limb that the skeleton lacks.
    """
    pairs = _limb_ends(skeleton, lengths)
    known_mm = torch.tensor(list(lengths.mm.values())).to(slopes)
    low = torch.full(slopes.shape[:-2], NEAREST_MM).to(slopes).log()
    high = torch.full(slopes.shape[:-2], FARTHEST_MM).to(slopes).log()
    share = torch.linspace(0, 1, _NUM_DEPTHS).to(slopes)
    for _ in range(_NUM_PASSES):
        depths = (low[..., None] + (high - low)[..., None] * share).exp()
        points = points_at_depth(slopes.unsqueeze(-3), depth_mm.unsqueeze(-2), depths)
        limb_mm = (points[..., pairs[0], :] - points[..., pairs[1], :]).norm(dim=-1)
        best = (limb_mm - known_mm).abs().sum(-1).argmin(-1, keepdim=True)
        step = (high - low) / (_NUM_DEPTHS - 1)
        middle = depths.log().gather(-1, best).squeeze(-1)
        low, high = middle - step, middle + step
    return middle.exp()


def _limb_ends(skeleton: Skeleton, lengths: LimbLengths) -> Sequence[list[int]]:
    if not lengths.mm:
        raise ConfigError("root depth: expected limb lengths, got none: give the depth of the root")
    known = {(limb.parent, limb.child) for limb in skeleton.limbs}
    unknown = ["-".join(limb) for limb in lengths.mm if limb not in known]
    if unknown:
        raise ConfigError(f'limb lengths: expected limbs of "{skeleton.name}", got {", ".join(unknown)}')
    return [[skeleton.index(limb[end]) for limb in lengths.mm] for end in (0, 1)]
