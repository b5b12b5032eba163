"""A synthetic capture: rendered pictures of a scene, and the simulated detector for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from poseharvest.arrays import Image
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.errors import CaptureError, ConfigError
from poseharvest.geometry.rig import Rig
from poseharvest.simulation.body_pictures import Renderer
from poseharvest.simulation.detector_errors import REALISTIC, DetectorErrors
from poseharvest.simulation.round_cones import body_cones
from poseharvest.simulation.scene import DEFAULT_FRAME_RATE, GroundTruth, Scene, make_scene
from poseharvest.simulation.simulated_detector import SimulatedDetector


@dataclass(frozen=True, eq=False)
class SyntheticCapture:
    """A `FrameSource` that renders its pictures when they are read.

    Attributes:
        scene: the filmed scene.
        num_frames: number of frames.
        render: False gives frames without pictures, for detectors that need none.
    """

    scene: Scene
    num_frames: int
    render: bool = True
    name: str = field(default="synthetic", init=False)

    def __post_init__(self) -> None:
        if self.num_frames < 1:
            raise ConfigError(f"synthetic capture: expected at least one frame, got {self.num_frames}")

    @cached_property
    def _renderers(self) -> tuple[Renderer, ...]:
        return tuple(Renderer(camera) for camera in self.scene.cameras)

    @property
    def rig(self) -> Rig:
        """Its cameras."""
        return self.scene.rig

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.scene.frame_rate

    @property
    def truth(self) -> GroundTruth:
        """The true poses. They are not part of a `FrameSource`: inference must not use them."""
        return self.scene.truth(self.num_frames)

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        """Stream the frames `start` to `stop` (exclusive) in order.

        Raises:
            CaptureError: the capture does not have these frames.
        """
        stop = self.num_frames if stop is None else stop
        if not 0 <= start <= stop <= self.num_frames:
            raise CaptureError(
                f"synthetic capture: expected frames within 0 to {self.num_frames}, got {start} to {stop}"
            )
        return (MultiViewFrame(i, i / self.frame_rate, self._pictures(i)) for i in range(start, stop))

    def _pictures(self, frame: int) -> tuple[Image | None, ...]:
        if not self.render:
            return (None,) * len(self._renderers)
        cones = body_cones(self.scene.points(frame).numpy(), self.scene.actor.body.stature_mm)
        return tuple(renderer.picture(cones) for renderer in self._renderers)


class Simulation(NamedTuple):
    """A capture, a detector for it, and the truth for evaluation; inference must not use the truth."""

    capture: SyntheticCapture
    detector: SimulatedDetector
    truth: GroundTruth


def simulate(
    num_frames: int,
    seed: int = 0,
    *,
    rig: Rig | None = None,
    errors: DetectorErrors = REALISTIC,
    render: bool = True,
    frame_rate: float = DEFAULT_FRAME_RATE,
) -> Simulation:
    """Return a synthetic capture with its detector and its truth, all by seed.

    Args:
        num_frames: length of the capture.
        seed: seed of the person, the motion and the detector's errors.
        rig: perspective cameras around the world's origin; by default those of `studio_rig` around their own stage.
        errors: the detector's errors.
        render: False to leave the pictures out.
        frame_rate: frames per second.
    """
    scene = make_scene(seed, rig, frame_rate)
    capture = SyntheticCapture(scene, num_frames, render)
    return Simulation(capture, SimulatedDetector(scene, errors, seed), capture.truth)
