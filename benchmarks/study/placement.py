"""Rigs to compare, faults to put into them, and what a harvest of a simulated person by each of them is worth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.arrays import ImageSize
from poseharvest.capture.frames import FrameSource, MultiViewFrame
from poseharvest.detectors.protocol import CroppedView, HeatmapDetector
from poseharvest.diagnosis.verdict import verdict_of
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.simulation import MEASURED, simulate
from poseharvest.simulation.camera_rigs import look_at
from poseharvest.skeleton.skeleton import Skeleton

IMAGE_SIZE: ImageSize = (1080, 1920)
DISTANCE_MM, HEIGHT_MM, TARGET_HEIGHT_MM = 4500.0, 1600.0, 900.0
FIELD_MM = 2700.0
"""What a camera shows from top to bottom at the person's distance."""


def cameras_at(azimuths_deg: Sequence[float], *, distance_mm: float = DISTANCE_MM, height_mm: float = HEIGHT_MM) -> Rig:
    """Return equal cameras around the origin that look at the middle of a person there.

    Args:
        azimuths_deg: directions in which they stand.
        distance_mm: horizontal distance from the origin; the lens is chosen so that the person stays equally large.
        height_mm: of the cameras above the floor.
    """
    cameras = []
    for number, azimuth in enumerate(np.radians(azimuths_deg)):
        where = (distance_mm * math.cos(azimuth), distance_mm * math.sin(azimuth), height_mm)
        center = torch.tensor(where, dtype=torch.float64)
        rotation = look_at(center, torch.tensor((0.0, 0.0, TARGET_HEIGHT_MM), dtype=torch.float64))
        focal_px = IMAGE_SIZE[0] * distance_mm / FIELD_MM
        middle_x, middle_y = IMAGE_SIZE[1] / 2 - 0.5, IMAGE_SIZE[0] / 2 - 0.5
        matrix = ((focal_px, 0.0, middle_x), (0.0, focal_px, middle_y), (0.0, 0.0, 1.0))
        lens = torch.tensor(matrix, dtype=torch.float64)
        cameras.append(Camera(f"cam{number + 1}", IMAGE_SIZE, lens, rotation, -rotation @ center))
    return Rig(tuple(cameras))


def ring(number: int, *, height_mm: float = HEIGHT_MM) -> Rig:
    """Return cameras that stand evenly around the person; two of them at a right angle."""
    step = 90.0 if number == 2 else 360.0 / number
    return cameras_at([step * index for index in range(number)], height_mm=height_mm)


def arc(number: int, step_deg: float) -> Rig:
    """Return cameras on one side of the person, neighbours `step_deg` apart."""
    return cameras_at([step_deg * (index - (number - 1) / 2) for index in range(number)])


def misplaced(rig: Rig, *, turn_deg: float, shift_mm: float, seed: int) -> Rig:
    """Return the cameras turned and shifted by random errors of these standard deviations along each axis."""
    generator = np.random.default_rng(seed)
    moved = []
    for camera in rig:
        assert isinstance(camera, Camera)
        x, y, z = generator.normal(0, math.radians(turn_deg), 3)
        skew = torch.tensor(((0.0, -z, y), (z, 0.0, -x), (-y, x, 0.0)), dtype=torch.float64)
        center = camera.center + torch.from_numpy(generator.normal(0, shift_mm, 3))
        rotation = torch.matrix_exp(skew) @ camera.rotation
        moved.append(replace(camera, rotation=rotation, translation=-rotation @ center))
    return Rig(tuple(moved))


@dataclass(frozen=True, eq=False)
class BelievedRig:
    """Footage whose calibration says other cameras than those that filmed it.

    Attributes:
        source: the footage.
        rig: the cameras as they are believed to be.
    """

    source: FrameSource
    rig: Rig

    @property
    def name(self) -> str:
        """Its name."""
        return self.source.name

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.source.frame_rate

    @property
    def num_frames(self) -> int:
        """How many frames there are."""
        return self.source.num_frames

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        """Stream the frames."""
        return self.source.frames(start, stop)


@dataclass(frozen=True, eq=False)
class LateView:
    """A detector for footage in which one view is late: its pictures show what was some frames earlier.

    Attributes:
        detector: for the footage in step.
        view: the late view.
        frames: by how much it is late.
    """

    detector: HeatmapDetector
    view: str
    frames: int

    @property
    def name(self) -> str:
        """Its name."""
        return self.detector.name

    @property
    def skeleton(self) -> Skeleton:
        """Its joints."""
        return self.detector.skeleton

    @property
    def heatmap_size(self) -> ImageSize:
        """(height, width) of its heatmaps."""
        return self.detector.heatmap_size

    @property
    def needs_images(self) -> bool:
        """Whether it looks at pictures."""
        return self.detector.needs_images

    def detect(self, views: Sequence[CroppedView]) -> Tensor:
        """Return the heatmaps of windows, those of the late view from earlier frames."""
        shown = [replace(one, frame=max(0, one.frame - self.frames)) if one.view == self.view else one for one in views]
        return self.detector.detect(shown)


@dataclass(frozen=True)
class Fault:
    """What is wrong with the rig.

    Attributes:
        late_frames: by how much the first camera is late.
        turn_deg: standard deviation of the cameras' directions about each axis.
        shift_mm: standard deviation of their places along each axis.
    """

    late_frames: int = 0
    turn_deg: float = 0.0
    shift_mm: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What a harvest is worth.

    Attributes:
        error_mm: mean distance of the supported joints from the truth, no alignment.
        median_mm: the median of these distances.
        sigma_mm: median of the sigma that the harvest states.
        supported: share of the joints that two views show.
        verdict: level of the harvest's verdict.
        left_out: cameras that the harvest left out itself.
    """

    error_mm: float
    median_mm: float
    sigma_mm: float
    supported: float
    verdict: str
    left_out: tuple[str, ...]


def outcome(
    rig: Rig,
    out: Path,
    *,
    seed: int,
    num_frames: int,
    fault: Fault = Fault(),
    keep_cameras: bool = True,
) -> Outcome:
    """Return what the harvest of a simulated walk by a rig is worth.

    Args:
        rig: the cameras.
        out: the harvest's folder, to make.
        seed: of the person, the motion and the detector's errors.
        num_frames: of the walk.
        fault: what is wrong with the rig.
        keep_cameras: also those that are plainly at fault; False lets the harvest leave them out.
    """
    simulation = simulate(num_frames, seed, rig=rig, errors=MEASURED, render=False)
    believed = misplaced(rig, turn_deg=fault.turn_deg, shift_mm=fault.shift_mm, seed=seed)
    detector: HeatmapDetector = simulation.detector
    if fault.late_frames:
        detector = LateView(detector, rig.names[0], fault.late_frames)
    options = HarvestOptions(keep_cameras=keep_cameras, ignore_audit=True)
    made = harvest(BelievedRig(simulation.capture, believed), detector, out, options=options)
    return judge(made, simulation.truth.positions)


def judge(made: Harvest, truth: Tensor) -> Outcome:
    """Return what a harvest is worth; `truth` are the positions (F, J, 3), mm."""
    errors, sigmas, supported = [], [], []
    for row in made.iter_selected():
        frame = row.annotations
        errors.append((frame.mean - truth[frame.frame]).norm(dim=-1)[frame.supported])
        sigmas.append(row.sigma_mm[frame.supported])
        supported.append(frame.supported)
    distance = torch.cat(errors)
    left_out = {name for fault in made.info.camera_faults if fault.is_left_out for name in fault.wrong}
    return Outcome(
        float(distance.mean()),
        float(distance.median()),
        float(torch.cat(sigmas).median()),
        float(torch.stack(supported).double().mean()),
        verdict_of(made).level,
        tuple(sorted(left_out)),
    )


@dataclass(frozen=True)
class PointSigma:
    """Standard deviations of a triangulated point, mm.

    Attributes:
        depth_mm: horizontally along the middle direction of two cameras.
        across_mm: horizontally across it.
        vertical_mm: vertically.
    """

    depth_mm: float
    across_mm: float
    vertical_mm: float


def sigma_of_two(pixel_mm: float, angle_deg: float) -> PointSigma:
    """Return the sigma of a point that two level cameras see at this angle.

    Args:
        pixel_mm: error of a view across its line of sight: pixel error x distance / focal length in pixels.
        angle_deg: between the two lines of sight.
    """
    half = math.radians(angle_deg) / 2
    return PointSigma(
        depth_mm=pixel_mm / (math.sqrt(2) * math.sin(half)),
        across_mm=pixel_mm / (math.sqrt(2) * math.cos(half)),
        vertical_mm=pixel_mm / math.sqrt(2),
    )


def sigma_of_ring(pixel_mm: float, number: int) -> PointSigma:
    """Return the sigma of a point in the middle of three or more level cameras that stand evenly around it."""
    level = pixel_mm * math.sqrt(2 / number)
    return PointSigma(level, level, pixel_mm / math.sqrt(number))
