"""How pictures must be turned so that people stand upright in them: found from the calibration and the network.

The direction of up in the world is unknown, and so is each camera's own roll. But the calibration gives the roll of
every camera relative to the others, so only a few sets of turns are possible. The likeliest set is tried first. A
network gives much higher peaks to people who stand upright, which shows whether the set is right.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.detectors.remembered import RememberingDetector
from poseharvest.detectors.turned import QUARTER_TURNS, TurnedDetector
from poseharvest.geometry.camera import AffineCamera, Camera, StaticCamera
from poseharvest.geometry.crop import Crop
from poseharvest.heatmaps.maps import map_peaks
from poseharvest.localization.find.look_again import locate
from poseharvest.localization.find.observation import detect_views, windows_on

Turns = tuple[int, ...]
"""Degrees clockwise, one a view."""

_NUM_DIRECTIONS = 1000
_MIN_SHARE = 0.004  # of all directions; a set of turns with fewer only lies on the border between others
_TURN_PENALTY = 0.1  # for each turned picture
_HIGH_PEAKS = 0.4  # mean of the higher half of the peaks, from which a window shows a person
_CLEARLY = 1.3  # times the mean score over all four turns
_BETTER = 1.1  # times the score of the turns that the cameras suggest


@dataclass(frozen=True)
class Verdict:
    """Turns for the pictures of a rig.

    Attributes:
        turns: of each view.
        is_sure: the network clearly shows a person who stands upright.
    """

    turns: Turns
    is_sure: bool


@dataclass(frozen=True, eq=False)
class Upright:
    """A network that sees people upright.

    Attributes:
        verdict: how the pictures must be turned.
        detector: the network with turned pictures. It still holds its heatmaps of the first frame.
    """

    verdict: Verdict
    detector: HeatmapDetector


def possible_turns(cameras: Sequence[StaticCamera]) -> list[Turns]:
    """Return the sets of turns that make all cameras upright for some direction of up, the likeliest first.

    Cameras look more ahead than up or down, so the direction of up is nearly parallel to a side of most pictures. If
    two sets are equal in that, the set that turns fewer pictures comes first. A camera of an unknown class counts as
    upright.
    """
    directions = torch.stack([_project_directions(camera, _directions(_NUM_DIRECTIONS)) for camera in cameras])
    steps = _quarter_turns(directions)
    fit = directions.abs().amax(-1).sum(0) - _TURN_PENALTY * (steps > 0).sum(0)
    choices, number, counts = torch.unique(steps, dim=1, return_inverse=True, return_counts=True)
    best = torch.full(counts.shape, -torch.inf, dtype=fit.dtype).scatter_reduce(0, number, fit, "amax")
    order = [one for one in best.argsort(descending=True).tolist() if counts[one] >= _MIN_SHARE * _NUM_DIRECTIONS]
    return [tuple(QUARTER_TURNS[step] for step in choices[:, one].tolist()) for one in order]


def find_upright(
    detector: HeatmapDetector, frames: Iterable[MultiViewFrame], cameras: Sequence[StaticCamera]
) -> Upright:
    """Return the network with pictures turned so that people stand upright in them.

    Turns that differ from the suggestion of the cameras must show a person in two frames, if there are two.

    Args:
        detector: the network.
        frames: one moment or more, far from each other. Each iteration must give the same ones. Often only the first
            is read.
        cameras: V cameras as they stand in the frames.
    """
    judge = _Judge(detector, cameras, possible_turns(cameras), frames)
    verdict = judge.verdict()
    return Upright(verdict, judge.detector_for(verdict.turns))


def turn_detector(detector: HeatmapDetector, cameras: Sequence[StaticCamera], turns: Turns) -> HeatmapDetector:
    """Return the detector with the views' pictures turned, or as it is where none is turned."""
    names = [camera.name for camera in cameras]
    by_view = {name: turn for name, turn in zip(names, turns, strict=True) if turn}
    return TurnedDetector(detector, by_view) if by_view else detector


@dataclass(frozen=True, eq=False)
class _Judge:
    detector: HeatmapDetector
    cameras: Sequence[StaticCamera]
    possible: Sequence[Turns]
    frames: Iterable[MultiViewFrame]
    detectors: dict[Turns, HeatmapDetector] = field(default_factory=dict)

    def verdict(self) -> Verdict:
        """Try the suggestion of the cameras on all frames, then the other turns of all pictures together on one frame.

        That frame is the first in which a person was found at all. One frame must do, since each try is a search of
        all pictures.
        """
        suggested, likely = self.possible[0], None
        for frame in self.frames:
            verdict = self._judge_frame(frame, suggested)
            if verdict is not None and verdict.is_sure:
                return verdict if verdict.turns == suggested else self._confirm(verdict, frame)
            likely = likely or (None if verdict is None else frame)
        frame = likely or next(iter(self.frames))
        for more in QUARTER_TURNS[1:]:
            verdict = self._judge_frame(frame, tuple((turn + more) % 360 for turn in suggested))
            if verdict is not None and verdict.is_sure:
                return self._confirm(verdict, frame)
        return Verdict(suggested, False)

    def detector_for(self, turns: Turns) -> HeatmapDetector:
        """Return the network for turned pictures, the same object each time, so that it keeps its heatmaps."""
        if turns not in self.detectors:
            detector = turn_detector(self.detector, self.cameras, turns)
            self.detectors[turns] = RememberingDetector(detector, next(iter(self.frames)).index)
        return self.detectors[turns]

    def _judge_frame(self, frame: MultiViewFrame, turns: Turns) -> Verdict | None:
        """Search for a person in turned pictures, then compare all turns of the windows around the person.

        None where no person is found.
        """
        person = locate(self.detector_for(turns), frame, self.cameras)
        if person is None:
            return None
        pose = person.pose
        crops = windows_on(self.detector.skeleton, pose, self.cameras)
        heights = torch.stack([self._heights(frame, crops, degrees) for degrees in QUARTER_TURNS])
        score = {
            one: sum(float(heights[degrees // 90, view]) for view, degrees in enumerate(one)) / len(one)
            for one in self.possible
        }
        best = max(self.possible, key=lambda one: score[one])
        if score[best] < _BETTER * score[self.possible[0]]:
            best = self.possible[0]
        return Verdict(best, score[best] >= max(_HIGH_PEAKS, _CLEARLY * float(heights.mean())))

    def _confirm(self, verdict: Verdict, first: MultiViewFrame) -> Verdict:
        """Return turns that another frame confirms or no other frame contradicts; else the cameras' suggestion."""
        for frame in self.frames:
            if frame is not first:
                again = self._judge_frame(frame, verdict.turns)
                if again is not None and again.is_sure:
                    return verdict if again.turns == verdict.turns else Verdict(self.possible[0], False)
        return verdict

    def _heights(self, frame: MultiViewFrame, crops: Sequence[Crop | None], degrees: int) -> Tensor:
        """Return (V,) the mean of the higher half of each view's peaks, with all pictures turned by the same angle.

        Joints outside of the picture have low peaks for every turn. They would only make the mean less clear.
        """
        maps = detect_views(self.detector_for((degrees,) * len(self.cameras)), [frame], self.cameras, [crops])[0]
        score = map_peaks(maps.values).score.clamp_min(0).cpu()
        half = math.ceil(score.shape[1] / 2)
        return score.topk(half, 1).values.mean(1)


def _directions(number: int) -> Tensor:
    """Return (N, 3) unit vectors spread evenly over the sphere, on a spiral."""
    places = torch.arange(number, dtype=torch.float64) + 0.5
    height = 1 - 2 * places / number
    angle = places * math.pi * (3 - math.sqrt(5))
    radius = (1 - height.square()).sqrt()
    return torch.stack((radius * angle.cos(), radius * angle.sin(), height), -1)


def _project_directions(camera: StaticCamera, directions: Tensor) -> Tensor:
    """Return (N, 2) where directions of the world (N, 3) point in the picture, in its middle: x right, y down."""
    if isinstance(camera, Camera):
        axes = camera.rotation[:2].double()
    elif isinstance(camera, AffineCamera):
        axes = torch.nn.functional.normalize(camera.px_from_world[:, :3].double(), dim=1)
    else:
        return torch.tensor([0.0, -1.0], dtype=torch.float64).expand(len(directions), 2)
    return directions @ axes.T


def _quarter_turns(up: Tensor) -> Tensor:
    """Return (...) how many quarter turns clockwise make directions (..., 2) of a picture point up."""
    return (torch.atan2(-up[..., 0], -up[..., 1]) / (math.pi / 2)).round().long() % 4
