"""The true scene in front of the cameras of a synthetic capture. Only the simulation reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache, partial
from typing import Any

import torch
from torch import Tensor

from poseharvest.checks import check_finite, check_shape
from poseharvest.errors import CaptureError, ConfigError
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.simulation.body import Actor, make_actor
from poseharvest.simulation.camera_rigs import STAGE_MM, studio_rig
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.skeleton import Skeleton

DEFAULT_FRAME_RATE = 25.0

BLOCK_FRAMES = 64  # a body is moved through many frames at the cost of one
_CACHED_BLOCKS = 8


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The true poses of a synthetic capture: to judge a harvest by, never to make one with.

    Attributes:
        skeleton: the joints in order.
        positions: (F, J, 3) float64, mm in the world.
    """

    skeleton: Skeleton
    positions: Tensor

    def __post_init__(self) -> None:
        check_shape("true positions", self.positions, "F J 3", J=len(self.skeleton))
        check_finite("true positions", self.positions)


@dataclass(frozen=True, eq=False)
class Scene:
    """An actor before cameras.

    Attributes:
        rig: perspective cameras that do not move.
        actor: the moving body.
        frame_rate: frames per second.

    Raises:
        CaptureError: a camera is of another kind.
        ConfigError: the frame rate is not positive.
    """

    rig: Rig
    actor: Actor
    frame_rate: float = DEFAULT_FRAME_RATE

    def __post_init__(self) -> None:
        others = [camera.name for camera in self.rig if not isinstance(camera, Camera)]
        if others:
            raise CaptureError(
                f"synthetic capture: expected perspective cameras that do not move, got others: {', '.join(others)}"
            )
        if not self.frame_rate > 0:
            raise ConfigError(f"synthetic capture: expected a positive frame rate, got {self.frame_rate}")

    def __getstate__(self) -> dict[str, Any]:
        """Return what goes to another process: the fields, without what is kept of them."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @property
    def cameras(self) -> tuple[Camera, ...]:
        """The cameras in view order."""
        return tuple(camera for camera in self.rig if isinstance(camera, Camera))

    def points(self, frame: int) -> Tensor:
        """Return all points of the body in a frame, (P, 3) mm, as `body.POINTS` orders them."""
        block, offset = divmod(frame, BLOCK_FRAMES)
        return self.block(block)[offset]

    def block(self, block: int) -> Tensor:
        """Return all points in the `BLOCK_FRAMES` frames of a block, (F, P, 3) mm."""
        return self._cached_block(block)

    def truth(self, num_frames: int) -> GroundTruth:
        """Return the true poses of the first frames."""
        points = torch.stack([self.points(frame) for frame in range(num_frames)])
        return GroundTruth(MPII16, points[:, : len(MPII16)])

    @cached_property
    def _cached_block(self) -> Callable[[int], Tensor]:
        return lru_cache(_CACHED_BLOCKS)(partial(_move, self.actor, self.frame_rate))


def _move(actor: Actor, frame_rate: float, block: int) -> Tensor:
    frames = torch.arange(block * BLOCK_FRAMES, (block + 1) * BLOCK_FRAMES, dtype=torch.float64)
    return actor.points(frames / frame_rate)


def make_scene(seed: int, rig: Rig | None = None, frame_rate: float = DEFAULT_FRAME_RATE) -> Scene:
    """Return a scene by seed: on the stage of `studio_rig` by default, at the origin of any other rig."""
    if rig is None:
        return Scene(studio_rig(), make_actor(seed, STAGE_MM), frame_rate)
    return Scene(rig, make_actor(seed), frame_rate)
