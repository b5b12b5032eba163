"""Captures of the studio: a subject performs an action before a rig, frame by frame, with known truth."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch

from poseharvest.arrays import Image
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.errors import CaptureError, ConfigError
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.simulation.camera_rigs import STAGE_MM, studio_rig
from poseharvest.simulation.scene import DEFAULT_FRAME_RATE, GroundTruth
from poseharvest.skeleton.definitions import MPII16
from poseharvest.studio.actions import action_by_name
from poseharvest.studio.body_shapes import BodyShape, draw_shape
from poseharvest.studio.casting import make_view
from poseharvest.studio.figure import Dressed
from poseharvest.studio.kinematics import Floats
from poseharvest.studio.performance import Performance, Performer, Stage
from poseharvest.studio.quality import Quality, develop, draw_quality, exposed
from poseharvest.studio.render import Backdrop, draw_backdrop, draw_person
from poseharvest.studio.room import Plot, Room, draw_room
from poseharvest.studio.wardrobe import Outfit, draw_outfit
from poseharvest.studio.worlds import World, world_by_name

_CLEAR_SAMPLES = 80  # moments of a performance; furniture stays away from their places
_BLOCK_FRAMES = 64


@dataclass(frozen=True, eq=False)
class CaptureOptions:
    """How a capture is filmed.

    Attributes:
        rig: perspective cameras around the world's origin; None takes those of Human3.6M around their own stage.
        frame_rate: frames per second.
        device: where the pictures are drawn.
        starts_s: how much later each camera was started, seconds: its first picture shows that moment. Empty for
            cameras that were started together.
    """

    rig: Rig | None = None
    frame_rate: float = DEFAULT_FRAME_RATE
    device: str = "cpu"
    starts_s: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.frame_rate > 0:
            raise ConfigError(f"studio capture: expected a positive frame rate, got {self.frame_rate}")
        if self.starts_s and len(self.starts_s) != len(self.rig or studio_rig()):
            raise ConfigError(f"studio capture: expected a start of each camera, got {len(self.starts_s)}")
        others = [camera.name for camera in self.rig or () if not isinstance(camera, Camera)]
        if others:
            raise CaptureError(
                f"studio capture: expected perspective cameras that do not move, got others: {', '.join(others)}"
            )


@dataclass(frozen=True, eq=False)
class _Filmed:
    """The scene before the cameras."""

    person: Dressed
    performance: Performance
    room: Room
    offset: Floats  # (3,) of the performance in the world, mm
    qualities: tuple[Quality, ...]
    seed: int

    def points(self, frames: range, frame_rate: float, start_s: float = 0.0) -> Floats:
        """Return the points (F, P, 3) of the person, mm in the world, as a camera sees them that starts later."""
        times = np.array(frames, dtype=np.float64) / frame_rate + start_s
        return np.asarray(self.performance.points(times) + self.offset)


@dataclass(frozen=True, eq=False)
class StudioCapture:
    """A `FrameSource` that draws its pictures when they are read. It does not hold the truth.

    Attributes:
        name: world, subject and action.
        rig: its cameras.
        frame_rate: frames per second.
        num_frames: number of frames.
        device: where the pictures are drawn.
        starts_s: how much later each camera was started, seconds.
    """

    name: str
    rig: Rig
    frame_rate: float
    num_frames: int
    device: str
    starts_s: tuple[float, ...]
    _filmed: _Filmed

    @cached_property
    def _backdrops(self) -> tuple[Backdrop, ...]:
        return tuple(draw_backdrop(self._filmed.room, make_view(camera, self.device)) for camera in _cameras(self.rig))

    @cached_property
    def _gains(self) -> tuple[float, ...]:
        return tuple(exposed(backdrop.colors.cpu().numpy()) for backdrop in self._backdrops)

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        """Stream the frames `start` to `stop` (exclusive) in order.

        Raises:
            CaptureError: the capture does not have these frames.
        """
        stop = self.num_frames if stop is None else stop
        if not 0 <= start <= stop <= self.num_frames:
            raise CaptureError(f"{self.name}: expected frames within 0 to {self.num_frames}, got {start} to {stop}")
        return self._stream(start, stop)

    def _stream(self, start: int, stop: int) -> Iterator[MultiViewFrame]:
        for first in range(start, stop, _BLOCK_FRAMES):
            block = range(first, min(first + _BLOCK_FRAMES, stop))
            by_start = {start: self._filmed.points(block, self.frame_rate, start) for start in set(self.starts_s)}
            for number, frame in enumerate(block):
                points = [by_start[start][number] for start in self.starts_s]
                pictures = tuple(self._picture(frame, view, seen) for view, seen in enumerate(points))
                yield MultiViewFrame(frame, frame / self.frame_rate, pictures)

    def _picture(self, frame: int, view: int, points: Floats) -> Image:
        filmed = self._filmed
        colors = draw_person(self._backdrops[view], filmed.person, points).colors.cpu().numpy()
        noise = np.random.default_rng((filmed.seed, 3, frame, view))
        return develop(self._gains[view] * colors, filmed.qualities[view], noise)


class Shoot(NamedTuple):
    """A capture and the truth for evaluation; inference must not use the truth."""

    capture: StudioCapture
    truth: GroundTruth


def studio_capture(
    world: str | World,
    subject: int,
    action: str | Performance,
    num_frames: int,
    seed: int = 0,
    options: CaptureOptions | None = None,
) -> Shoot:
    """Return a capture with its truth, all by seed.

    Args:
        world: "generic", "target" or a world of your own.
        subject: number of the person: the same number has the same body, and in one world the same clothes.
        action: one of the paper's fifteen by name, or a motion of your own (`bvh_performance`).
        num_frames: length of the capture.
        seed: seed of the motion, the room, the light and the cameras' noise.
        options: rig, frame rate and device.

    Raises:
        ConfigError: the world or action is unknown, or the number of frames is less than one.
    """
    chosen_world, options = world_by_name(world), options or CaptureOptions()
    if num_frames < 1:
        raise ConfigError(f"studio capture: expected at least one frame, got {num_frames}")
    shape, outfit = studio_subject(chosen_world, subject)
    performance = Performer(shape, action_by_name(action), seed) if isinstance(action, str) else action
    rig = options.rig or studio_rig()
    rng = np.random.default_rng((seed, 2, zlib.crc32(chosen_world.name.encode())))
    offset = np.array((*STAGE_MM, 0.0)) if options.rig is None else np.zeros(3)
    plot = _plot(rig, performance, outfit, offset, (num_frames - 1) / options.frame_rate, rng)
    filmed = _Filmed(
        person=Dressed(performance.shape, outfit),
        performance=performance,
        room=draw_room(chosen_world.rooms, chosen_world.light, plot, rng),
        offset=offset,
        qualities=tuple(draw_quality(chosen_world.quality, max(camera.image_size), rng) for camera in rig),
        seed=seed,
    )
    what = action if isinstance(action, str) else "motion"
    name = f"{chosen_world.name}-subject{subject}-{what}-seed{seed}"
    starts_s = options.starts_s or (0.0,) * len(rig)
    capture = StudioCapture(name, rig, options.frame_rate, num_frames, options.device, starts_s, filmed)
    positions = filmed.points(range(num_frames), options.frame_rate)[:, : len(MPII16)]
    return Shoot(capture, GroundTruth(MPII16, torch.from_numpy(positions)))


def studio_subject(world: World, subject: int) -> tuple[BodyShape, Outfit]:
    """Return the body of a subject and its clothes in a world."""
    rng = np.random.default_rng((subject, 1, zlib.crc32(world.name.encode())))
    return draw_shape(world.shapes, rng), draw_outfit(world.wardrobe, rng)


def _plot(
    rig: Rig, performance: Performance, outfit: Outfit, offset: Floats, seconds: float, rng: np.random.Generator
) -> Plot:
    """Return the plot of a room that holds the cameras and the person."""
    points = performance.points(np.linspace(0.0, seconds, _CLEAR_SAMPLES)) + offset
    places = points[..., :2].reshape(-1, 2)
    cameras = np.stack([camera.center.numpy() for camera in _cameras(rig)])
    low = np.minimum(cameras[:, :2].min(0), places.min(0)) - rng.uniform(900, 2000, 2)
    high = np.maximum(cameras[:, :2].max(0), places.max(0)) + rng.uniform(900, 2000, 2)
    ceiling = max(float(cameras[:, 2].max()) + 700.0, float(rng.uniform(3000, 4000)))
    stage = performance.stage
    moved = Stage(
        seat=None if stage.seat is None else (stage.seat[0] + offset[0], stage.seat[1] + offset[1], stage.seat[2]),
        seat_mm=stage.seat_mm,
        table=None if stage.table is None else (stage.table[0] + offset[0], stage.table[1] + offset[1]),
    )
    return Plot((low[0], low[1]), (high[0], high[1], ceiling), places, moved, outfit)


def _cameras(rig: Rig) -> tuple[Camera, ...]:
    return tuple(camera for camera in rig if isinstance(camera, Camera))
