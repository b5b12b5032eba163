"""Peaks of a moving body before known cameras, with errors whose sizes are known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from pictorial_kit import STICK, STICK_POINTS, ring
from poseharvest.geometry.rig import project_all
from poseharvest.refinement.observations import Observations
from poseharvest.refinement.rigid_limbs import RigidLimbs
from poseharvest.skeleton.limb_lengths import LimbLengths

SIDE_PX = 100.0
"""About the side of a window around the figure; one pixel is about 5 mm at the figure."""

LENGTHS = LimbLengths({
    (limb.parent, limb.child): float(
        (STICK_POINTS[STICK.index(limb.parent)] - STICK_POINTS[STICK.index(limb.child)]).norm()
    )
    for limb in STICK.limbs
})


@dataclass(frozen=True, eq=False)
class Scene:
    """A turning and walking stick figure (F, J, 3), and its peaks in V views."""

    truth: Tensor
    observations: Observations

    @property
    def limbs(self) -> RigidLimbs:
        return RigidLimbs.of(STICK, LENGTHS, self.truth)


def turning_stick(num_frames: int, *, bending_mm: float = 0.0, seed: int = 0) -> Tensor:
    """(F, J, 3) the stick figure in many places and directions; its arm's length varies by `bending_mm`."""
    generator = torch.Generator().manual_seed(seed)
    middle = STICK_POINTS.mean(0)
    poses = []
    for frame in range(num_frames):
        angle = 2.4 * frame
        turn = torch.tensor([
            [math.cos(angle), -math.sin(angle), 0.0],
            [math.sin(angle), math.cos(angle), 0.0],
            [0.0, 0.0, 1.0],
        ]).double()
        points = STICK_POINTS.clone()
        arm = points[0] - points[2]
        stretch = bending_mm * torch.randn(1, generator=generator, dtype=torch.float64)
        points[0] = points[2] + arm * (1 + stretch / arm.norm())
        shift = 60 * torch.randn(3, generator=generator, dtype=torch.float64)
        poses.append((points - middle) @ turn.T + middle + shift)
    return torch.stack(poses)


def observed(truth: Tensor, error_px: Tensor, num_views: int) -> Observations:
    """The peaks where the joints appear, moved by errors (F, V, J, 2)."""
    cameras = ring(num_views)
    pixels = torch.stack([project_all(cameras, points).pixels for points in truth]) + error_px
    return Observations(
        pixels=pixels,
        is_seen=torch.ones(pixels.shape[:3], dtype=torch.bool),
        height=torch.ones(pixels.shape[:3], dtype=torch.float64),
        side_px=torch.full(pixels.shape[:2], SIDE_PX, dtype=torch.float64),
        cameras=(tuple(cameras),) * len(truth),
    )


def scene(
    num_frames: int = 60, *, num_views: int = 4, sigma_px: float = 1.0, bending_mm: float = 0.0, seed: int = 0
) -> Scene:
    truth = turning_stick(num_frames, bending_mm=bending_mm, seed=seed)
    generator = torch.Generator().manual_seed(seed + 100)
    error = sigma_px * torch.randn(num_frames, num_views, len(STICK), 2, generator=generator, dtype=torch.float64)
    return Scene(truth, observed(truth, error, num_views))
