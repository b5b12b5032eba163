"""Several people before one rig: they cross in the middle of the stage, touch, and hide each other.

There are two detectors. `CrowdDetector` behaves like a network: all people in a window give peaks in its heatmaps.
`CrowdKeypoints` behaves like keypoint files: it lists the people of each picture in random order. Hidden people are
missing, and two people behind each other are sometimes merged into one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from poseharvest.arrays import ImageSize
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.keypoints import draw_people
from poseharvest.detectors.protocol import CroppedView
from poseharvest.errors import ConfigError
from poseharvest.geometry.crop import Crop
from poseharvest.geometry.distortion import Distortion
from poseharvest.geometry.rig import Rig
from poseharvest.simulation.body import make_actor
from poseharvest.simulation.camera_rigs import random_rig
from poseharvest.simulation.crossing import crossings
from poseharvest.simulation.detector_errors import REALISTIC, DetectorErrors
from poseharvest.simulation.scene import DEFAULT_FRAME_RATE, GroundTruth, Scene
from poseharvest.simulation.simulated_detector import SimulatedDetector
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.skeleton import Skeleton

_WIDER = 1.7  # a rig for one person, with lenses that show the paths of several
_SEEDS_APART = 1000
_KIND = 3  # of draw, beside those of the other simulations
_FOUND = 0.12  # height of a peak from which a keypoint is reported
_FEWEST_JOINTS = 5
_ATTENTION_REACH = 0.2  # of the window's side
_LEAST_ATTENTION = 0.4
_SHORT_OF_MERGING = 0.12  # median joint distance over the person's extent


@dataclass(frozen=True, eq=False)
class CrowdDetector:
    """A `HeatmapDetector`: the maps of a window show all people in it.

    It gives lower peaks to people away from the window's middle, like a network trained with the person in the middle.

    Attributes:
        each: one detector for every person.
    """

    each: tuple[SimulatedDetector, ...]
    name: str = field(default="simulated crowd", init=False)
    skeleton: Skeleton = field(default=MPII16, init=False)
    needs_images: bool = field(default=False, init=False)

    @property
    def heatmap_size(self) -> ImageSize:
        """(height, width) of its maps."""
        return self.each[0].heatmap_size

    def detect(self, views: Sequence[CroppedView]) -> Tensor:
        """Return the heatmaps (B, 16, H, W) float32 of B windows."""
        if len(self.each) == 1:
            return self.each[0].detect(views)
        heatmaps = [one.detect(views) * self._attention(one, views) for one in self.each]
        return torch.stack(heatmaps).amax(0)

    def _attention(self, one: SimulatedDetector, views: Sequence[CroppedView]) -> Tensor:
        """Return (B, 1, 1, 1) the factor on a person's peaks in each window, 0 to 1."""
        attention = []
        for view in views:
            observed = one.observer.observe(one.scene.rig.names.index(view.view), view.frame)
            places = observed.places[:, 0]
            middle = (places.min(0) + places.max(0)) / 2
            aside = np.hypot(*(middle - view.crop.center)) / view.crop.side
            attention.append(
                _LEAST_ATTENTION + (1 - _LEAST_ATTENTION) * math.exp(-((aside / _ATTENTION_REACH) ** 2) / 2)
            )
        return torch.tensor(attention).reshape(-1, 1, 1, 1)


@dataclass(frozen=True, eq=False)
class CrowdKeypoints:
    """A `HeatmapDetector` and `KeypointSource`: people found in whole pictures.

    Attributes:
        crowd: the detector of every person.
        rig: the cameras.
        seed: seed of the random errors below.
        merge_rate: probability that two people at the same place of a picture are merged, each joint from one of them.
        miss_rate: probability that a person is not found in a picture at all.
        stray_rate: probability that a picture lists one additional person, with joints anywhere in it.
    """

    crowd: CrowdDetector
    rig: Rig
    seed: int = 0
    merge_rate: float = 0.3
    miss_rate: float = 0.03
    stray_rate: float = 0.05
    name: str = field(default="simulated keypoints", init=False)
    needs_images: bool = field(default=False, init=False)

    @property
    def skeleton(self) -> Skeleton:
        """The joints in channel order."""
        return self.crowd.skeleton

    @property
    def heatmap_size(self) -> ImageSize:
        """(height, width) of its maps."""
        return self.crowd.heatmap_size

    def people(self, view: str, picture: int) -> list[Tensor]:
        """Return (J, 3) x, y, score of every detected person, in random order."""
        number = self.rig.names.index(view)
        generator = np.random.default_rng((self.seed, number, _KIND, picture))
        keypoints = [_keypoints(one, number, picture) for one in self.crowd.each]
        detected = [one for one in keypoints if generator.random() >= self.miss_rate]
        detected = _merge_overlapping(detected, self.merge_rate, generator)
        if generator.random() < self.stray_rate:
            detected.append(_stray(generator, self.rig.camera(view).image_size))
        people = [torch.from_numpy(one) for one in detected if (one[:, 2] > 0).sum() >= _FEWEST_JOINTS]
        return [people[i] for i in generator.permutation(len(people))]

    def draw(self, people: Sequence[Tensor], crop: Crop) -> Tensor:
        """Return the heatmaps of some people in a window."""
        return draw_people(people, crop, self.heatmap_size, num_joints=len(self.skeleton))

    def detect(self, views: Sequence[CroppedView]) -> Tensor:
        """Return the heatmaps (B, 16, H, W) float32 of B windows, with all people in them."""
        return torch.stack([self.draw(self.people(view.view, view.picture), view.crop) for view in views])


def _keypoints(one: SimulatedDetector, view: int, frame: int) -> np.ndarray:
    observed = one.observer.observe(view, frame)
    score = observed.heights[:, 0]
    return np.concatenate((observed.places[:, 0], np.where(score < _FOUND, 0.0, score)[:, None]), 1)


def _merge_overlapping(people: list[np.ndarray], rate: float, generator: np.random.Generator) -> list[np.ndarray]:
    """Merge people who lie on top of each other into one, with probability `rate`."""
    merged: list[np.ndarray] = []
    for person in people:
        near = next((i for i, other in enumerate(merged) if _on_top(person, other)), None)
        strikes, takes = generator.random() < rate, generator.random(len(person)) < 0.5
        if near is None or not strikes:
            merged.append(person)
        else:
            merged[near] = np.where(takes[:, None], person, merged[near])
    return merged


def _on_top(a: np.ndarray, b: np.ndarray) -> bool:
    both = (a[:, 2] > 0) & (b[:, 2] > 0)
    if both.sum() < _FEWEST_JOINTS:
        return False
    extent = max(np.ptp(a[both, :2], axis=0).max(), np.ptp(b[both, :2], axis=0).max())
    return bool(np.median(np.linalg.norm(a[both, :2] - b[both, :2], axis=1)) < _SHORT_OF_MERGING * extent)


def _stray(generator: np.random.Generator, size: ImageSize) -> np.ndarray:
    joints = generator.random((len(MPII16), 3)) * (0.3 * size[1], 0.5 * size[0], 0.5)
    joints[:, :2] += generator.random(2) * (0.7 * size[1], 0.5 * size[0])
    return np.asarray(joints)


@dataclass(frozen=True, eq=False)
class CrowdCapture:
    """A `FrameSource` without pictures.

    Attributes:
        rig: the cameras.
        num_frames: number of frames.
        frame_rate: frames per second.
    """

    rig: Rig
    num_frames: int
    frame_rate: float = DEFAULT_FRAME_RATE
    name: str = field(default="synthetic crowd", init=False)

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        """Stream the frames `start` to `stop` (exclusive) in order."""
        stop = self.num_frames if stop is None else min(stop, self.num_frames)
        return (MultiViewFrame(i, i / self.frame_rate, (None,) * len(self.rig)) for i in range(start, stop))


class CrowdSimulation(NamedTuple):
    """A capture of several people, two detectors for it, and the truth to judge by, one entry a person."""

    capture: CrowdCapture
    detector: CrowdDetector
    keypoints: CrowdKeypoints
    truth: tuple[GroundTruth, ...]

    def alone(self, person: int) -> tuple[CrowdDetector, CrowdKeypoints]:
        """Return the detectors of a capture in which that person moves the same way without other people."""
        detector = CrowdDetector((replace(self.detector.each[person], others=()),))
        return detector, replace(self.keypoints, crowd=detector)


def simulate_crowd(
    num_people: int,
    num_frames: int,
    seed: int = 0,
    *,
    num_views: int = 5,
    errors: DetectorErrors = REALISTIC,
) -> CrowdSimulation:
    """Return people who cross and touch in the middle of a stage twice in six seconds, all by seed.

    Args:
        num_people: 1 or more.
        num_frames: length of the capture.
        seed: of the people, the rig and the detectors' errors.
        num_views: cameras around the stage.
        errors: the detector's errors for every person.
    """
    if num_people < 1:
        raise ConfigError(f"synthetic crowd: expected at least one person, got {num_people}")
    rig = wide_rig(num_views, seed)
    scenes = tuple(
        Scene(rig, make_actor(_SEEDS_APART * seed + i, crossing=crossing))
        for i, crossing in enumerate(crossings(num_people))
    )
    each = tuple(
        SimulatedDetector(scene, errors, _SEEDS_APART * seed + i, others=tuple(o for o in scenes if o is not scene))
        for i, scene in enumerate(scenes)
    )
    detector = CrowdDetector(each)
    truth = tuple(scene.truth(num_frames) for scene in scenes)
    return CrowdSimulation(CrowdCapture(rig, num_frames), detector, CrowdKeypoints(detector, rig, seed), truth)


def wide_rig(num_views: int, seed: int) -> Rig:
    """Return cameras on an uneven ring whose pictures show a stage of more than four metres."""
    zoom = torch.tensor([[1 / _WIDER, 1, 1], [1, 1 / _WIDER, 1], [1, 1, 1]], dtype=torch.float64)
    rig = random_rig(num_views, torch.Generator().manual_seed(seed))
    return Rig(
        tuple(
            replace(camera, px_from_cam=camera.px_from_cam * zoom, distortion=Distortion())
            for camera in Scene(rig, make_actor(0)).cameras
        )
    )
