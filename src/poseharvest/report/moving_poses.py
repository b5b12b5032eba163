"""The 3D view's content: poses of a bounded number of frames, the cameras and the floor, in few bytes."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.annotations.records import FrameAnnotations
from poseharvest.geometry.camera import AffineCamera, StaticCamera
from poseharvest.geometry.rig import Rig
from poseharvest.report.ellipses import matrix_root
from poseharvest.report.packed_numbers import LARGEST, packed_int16
from poseharvest.skeleton.skeleton import Skeleton

MAX_FRAMES = 600
ROOT_STEP_MM = 0.1
"""Roots of the covariances are rounded to this step; none is larger than 3.2 m."""

_UPPER = ([0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2])
_AFFINE_DISTANCE_MM = 4000.0
_SHORTEST_MM = 1.0
_SNAP_COSINE = np.cos(np.deg2rad(25))


@dataclass(frozen=True, eq=False)
class PoseSample:
    """One person in one frame of the 3D view.

    Attributes:
        frame: the frame.
        time_s: its time.
        person: the person.
        mean: (J, 3) float32, mm.
        root: (J, 6) float32, upper triangle of the covariance's symmetric root, mm.
        state: (J,) 0 unseen by every camera, 1 not selected, 2 selected.
    """

    frame: int
    time_s: float
    person: int
    mean: NDArray[np.float32]
    root: NDArray[np.float32]
    state: NDArray[np.uint8]

    @property
    def center(self) -> NDArray[np.float64]:
        """(3,) middle of the joints that some camera sees, or of all joints if none does, mm."""
        visible = self.state > 0
        middle: NDArray[np.float64] = (self.mean[visible] if visible.any() else self.mean).mean(0).astype(np.float64)
        return middle


@dataclass(frozen=True)
class CameraShape:
    """A camera as drawn: its place, its orientation and its field of view.

    Attributes:
        name: the view.
        center: optical centre, mm; for an affine camera a point on its line of sight.
        axes: the camera's x, y and z axes in the world.
        half_fov: tangents of half its horizontal and vertical field of view; an affine camera gets a narrow one.
    """

    name: str
    center: tuple[float, ...]
    axes: tuple[tuple[float, ...], ...]
    half_fov: tuple[float, float]


@dataclass(frozen=True)
class Stage:
    """The floor under the people and the direction in which they look; used for drawing only.

    Attributes:
        up: unit vector from the ankles to the shoulders, snapped to the world's nearest axis within 25 degrees.
        floor_mm: position of the floor along `up`: the 2 % quantile over frames of the lowest joint's height.
        facing: unit vector on the floor, the direction in which the body looks on average.
    """

    up: tuple[float, ...]
    floor_mm: float
    facing: tuple[float, ...]


class MotionTally:
    """Keeps every k-th frame of a stream, at most MAX_FRAMES of them, from which the stage is found.

    Args:
        frames: first and last frame of the harvest.
    """

    def __init__(self, frames: tuple[int, int]) -> None:
        self._first = frames[0]
        self.stride = max(1, -(-(frames[1] - frames[0] + 1) // MAX_FRAMES))
        self.samples: list[PoseSample] = []

    def add(self, frame: FrameAnnotations, selected: NDArray[np.bool_]) -> None:
        """Keep one person in one frame, if the frame is one of those shown."""
        if (frame.frame - self._first) % self.stride:
            return
        self.samples.append(pose_sample(frame, selected))


def pose_sample(frame: FrameAnnotations, selected: NDArray[np.bool_]) -> PoseSample:
    """Return one person in one frame as the 3D view draws it; `selected` is (J,)."""
    root = matrix_root(frame.cov).numpy()[:, _UPPER[0], _UPPER[1]]
    state = np.where(frame.supported.numpy(), 1 + selected.astype(np.uint8), 0)
    return PoseSample(
        frame=frame.frame,
        time_s=frame.time_s,
        person=frame.person,
        mean=frame.mean.numpy().astype(np.float32),
        root=root.astype(np.float32),
        state=state.astype(np.uint8),
    )


@dataclass(frozen=True)
class PackedMotion:
    """Poses as base64 of little-endian integers, for the page's script.

    Attributes:
        origin_mm: subtracted from every position before rounding.
        step_mm: rounding of the positions.
        root_step_mm: rounding of the covariances' roots.
        means: (S, J, 3) int16.
        roots: (S, J, 6) int16.
        states: (S, J) uint8, as `PoseSample.state`.
    """

    origin_mm: tuple[float, ...]
    step_mm: float
    root_step_mm: float
    means: str
    roots: str
    states: str


def pack_motion(samples: list[PoseSample]) -> PackedMotion:
    """Return the poses quantised: positions to half a millimetre or better in a space of 32 m, coarser in a larger."""
    means = np.stack([sample.mean for sample in samples]).astype(np.float64)
    low, high = means.min((0, 1)), means.max((0, 1))
    origin = (low + high) / 2
    step = max(0.1, float((high - low).max()) / 2 / (LARGEST - 1))
    roots = np.stack([sample.root for sample in samples]) / ROOT_STEP_MM
    states = np.stack([sample.state for sample in samples])
    return PackedMotion(
        origin_mm=tuple(origin.tolist()),
        step_mm=step,
        root_step_mm=ROOT_STEP_MM,
        means=packed_int16(np.round((means - origin) / step)),
        roots=packed_int16(np.clip(np.round(roots), -LARGEST, LARGEST)),
        states=base64.b64encode(states.astype(np.uint8).tobytes()).decode("ascii"),
    )


def camera_shape(name: str, camera: StaticCamera, target: NDArray[np.float64]) -> CameraShape:
    """Return how a camera is drawn; an affine one stands 4 m before `target`, mm, on its line of sight."""
    height, width = camera.image_size
    middle_x, middle_y, right, bottom = (width - 1) / 2, (height - 1) / 2, width - 0.5, height - 0.5
    pixels = [(middle_x, middle_y), (-0.5, middle_y), (right, middle_y), (middle_x, -0.5), (middle_x, bottom)]
    rays = camera.pixel_rays(torch.tensor(pixels, dtype=torch.float64))
    ahead, *edges = rays.direction.numpy()
    if isinstance(camera, AffineCamera):
        x = _unit(camera.px_from_world[0, :3].double().numpy())
        half_fov, center = (0.2, 0.2 * height / width), target - _AFFINE_DISTANCE_MM * ahead
    else:
        x = _unit(edges[1] - edges[0])
        half_fov, center = (_half_tangent(*edges[:2]), _half_tangent(*edges[2:])), rays.origin[0].numpy()
    axes = tuple(tuple(axis.tolist()) for axis in (x, np.cross(ahead, x), ahead))
    return CameraShape(name, tuple(center.tolist()), axes, half_fov)


def camera_shapes(rig: Rig, frame: int, target: NDArray[np.float64]) -> tuple[CameraShape, ...]:
    """Return the cameras of a rig as they stand in `frame`."""
    return tuple(camera_shape(name, camera, target) for name, camera in zip(rig.names, rig.at(frame), strict=True))


def find_stage(samples: list[PoseSample], skeleton: Skeleton) -> Stage:
    """Return the floor and the direction of view that the poses suggest; joints that no camera sees do not count."""
    positions = np.stack([np.where(sample.state[:, None] > 0, sample.mean, np.nan) for sample in samples])
    up = _up(positions.astype(np.float64), skeleton)
    heights = (positions @ up)[np.isfinite(positions).all(-1).any(-1)]
    floor = float(np.quantile(np.nanmin(heights, axis=1), 0.02)) if len(heights) else 0.0
    return Stage(tuple(up.tolist()), floor, tuple(_facing(positions, up, skeleton).tolist()))


def _up(positions: NDArray[np.float64], skeleton: Skeleton) -> NDArray[np.float64]:
    low = [j for j, name in enumerate(skeleton.joints) if "ankle" in name or "foot" in name]
    high = [j for j, name in enumerate(skeleton.joints) if "shoulder" in name or "head" in name or "neck" in name]
    spans = positions[:, high].mean(1) - positions[:, low].mean(1) if low and high else np.empty((0, 3))
    spans = spans[np.isfinite(spans).all(1)]
    span = np.median(spans, axis=0) if len(spans) else np.zeros(3)
    if np.linalg.norm(span) < _SHORTEST_MM:
        return np.array([0.0, 0.0, 1.0])
    up = _unit(span)
    axis = int(np.abs(up).argmax())
    return np.sign(up[axis]) * np.eye(3)[axis] if abs(up[axis]) > _SNAP_COSINE else up


def _facing(positions: NDArray[np.floating], up: NDArray[np.float64], skeleton: Skeleton) -> NDArray[np.float64]:
    """Return the cross product of left and up; without left and right joints, any direction on the floor."""
    toward_left = np.zeros(3)
    for left, right in skeleton.flip_pairs:
        widths = positions[:, skeleton.index(left)] - positions[:, skeleton.index(right)]
        toward_left += widths[np.isfinite(widths).all(1)].sum(0)
    facing = np.cross(toward_left, up)
    return _unit(facing if np.linalg.norm(facing) > _SHORTEST_MM else np.cross(np.roll(up, 1), up))


def _half_tangent(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.tan(np.arccos(np.clip(one @ other, -0.9, 1)) / 2))


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    unit: NDArray[np.float64] = vector / np.linalg.norm(vector)
    return unit
