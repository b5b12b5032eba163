"""How pictures must be turned for people to stand in them: by what the cameras have in common, and by the network.

A camera's own roll is unknown as long as nobody says where up is in the world. But whatever is up, the calibration says
how every camera hangs beside the others. So only a few sets of turns are possible. The likeliest one
is tried first. A network gives much higher peaks to people who stand, which tells whether it is right.
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
from poseharvest.heatmaps.peaks import map_peaks
from poseharvest.localization.find.look_again import locate
from poseharvest.localization.find.person_windows import detect_views, windows_on

Turns = tuple[int, ...]
"""Degrees clockwise, one a view."""

_NUM_DIRECTIONS = 1000
_LEAST_SHARE = 0.004  # of all directions, for turns that are more than the border between others
_A_TURN = 0.1  # what a turned picture counts against how well the others agree
_HIGH_PEAKS = 0.4  # mean of the higher half of the peaks, from which a window shows somebody
_CLEARLY = 1.3  # times the mean over all four turns
_BETTER = 1.1  # times what the turns that the cameras suggest show


@dataclass(frozen=True)
class Verdict:
    """Turns for the pictures of a rig.

    Attributes:
        turns: of each view.
        is_sure: the network clearly shows somebody who stands.
    """

    turns: Turns
    is_sure: bool


@dataclass(frozen=True, eq=False)
class Upright:
    """A network that sees people the right way up.

    Attributes:
        verdict: how the pictures must be turned for that.
        detector: sees them turned. It still knows what it saw of the first frame.
    """

    verdict: Verdict
    detector: HeatmapDetector


def possible_turns(cameras: Sequence[StaticCamera]) -> list[Turns]:
    """Return the sets of turns that make all cameras upright for some direction of up, the likeliest first.

    Cameras look more ahead than up or down, so up lies along the upright side of most pictures. Of turns that agree
    in that, those come first that leave most pictures as they are. A camera of a kind of its own is taken as upright.
    """
    shown = torch.stack([_in_picture(camera, _directions(_NUM_DIRECTIONS)) for camera in cameras])
    steps = _quarters(shown)
    fit = shown.abs().amax(-1).sum(0) - _A_TURN * (steps > 0).sum(0)
    found, number, counts = torch.unique(steps, dim=1, return_inverse=True, return_counts=True)
    best = torch.full(counts.shape, -torch.inf, dtype=fit.dtype).scatter_reduce(0, number, fit, "amax")
    order = [one for one in best.argsort(descending=True).tolist() if counts[one] >= _LEAST_SHARE * _NUM_DIRECTIONS]
    return [tuple(QUARTER_TURNS[step] for step in found[:, one].tolist()) for one in order]


def find_upright(
    detector: HeatmapDetector, frames: Iterable[MultiViewFrame], cameras: Sequence[StaticCamera]
) -> Upright:
    """Return the network with pictures turned so that people stand in them.

    Other turns than those that the cameras suggest must show somebody in two frames, where there are two.

    Args:
        detector: the network.
        frames: one moment or more, the same ones each time, far from each other. The first may be all that is read.
        cameras: V cameras as they stand in the frames.
    """
    judge = _Judge(detector, cameras, possible_turns(cameras), frames)
    verdict = judge.verdict()
    return Upright(verdict, judge.turned(verdict.turns))


def turned_detector(detector: HeatmapDetector, cameras: Sequence[StaticCamera], turns: Turns) -> HeatmapDetector:
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
    made: dict[Turns, HeatmapDetector] = field(default_factory=dict)

    def verdict(self) -> Verdict:
        """Try what the cameras suggest on all frames, then the other turns of all pictures together on one of them.

        That one is the first in which anybody was found, if only badly: each look is a search of all pictures.
        """
        suggested, likely = self.possible[0], None
        for frame in self.frames:
            verdict = self._look(frame, suggested)
            if verdict is not None and verdict.is_sure:
                return verdict if verdict.turns == suggested else self._confirmed(verdict, frame)
            likely = likely or (None if verdict is None else frame)
        frame = likely or next(iter(self.frames))
        for more in QUARTER_TURNS[1:]:
            verdict = self._look(frame, tuple((turn + more) % 360 for turn in suggested))
            if verdict is not None and verdict.is_sure:
                return self._confirmed(verdict, frame)
        return Verdict(suggested, False)

    def turned(self, turns: Turns) -> HeatmapDetector:
        """Return the network for pictures that are turned; it is one, so that it knows what it saw."""
        if turns not in self.made:
            turned = turned_detector(self.detector, self.cameras, turns)
            self.made[turns] = RememberingDetector(turned, next(iter(self.frames)).index)
        return self.made[turns]

    def _look(self, frame: MultiViewFrame, turns: Turns) -> Verdict | None:
        """PictureSearch for somebody in pictures that are turned, then ask how the windows around them must be turned.

        None where nobody is found.
        """
        found = locate(self.turned(turns), frame, self.cameras)
        if found is None:
            return None
        pose = found.pose
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

    def _confirmed(self, verdict: Verdict, seen: MultiViewFrame) -> Verdict:
        """Return turns that another frame confirms, or that no other frame contradicts; else what cameras suggest."""
        for frame in self.frames:
            if frame is not seen:
                again = self._look(frame, verdict.turns)
                if again is not None and again.is_sure:
                    return verdict if again.turns == verdict.turns else Verdict(self.possible[0], False)
        return verdict

    def _heights(self, frame: MultiViewFrame, crops: Sequence[Crop | None], degrees: int) -> Tensor:
        """Return (V,) the mean of the higher half of each view's peaks, where all pictures are turned alike.

        Joints that are out of the picture have no peak whatever the turn, so that they would only blur it.
        """
        maps = detect_views(self.turned((degrees,) * len(self.cameras)), [frame], self.cameras, [crops])[0]
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


def _in_picture(camera: StaticCamera, directions: Tensor) -> Tensor:
    """Return (N, 2) where directions of the world (N, 3) point in the picture, in its middle: x right, y down."""
    if isinstance(camera, Camera):
        axes = camera.rotation[:2].double()
    elif isinstance(camera, AffineCamera):
        axes = torch.nn.functional.normalize(camera.px_from_world[:, :3].double(), dim=1)
    else:
        return torch.tensor([0.0, -1.0], dtype=torch.float64).expand(len(directions), 2)
    return directions @ axes.T


def _quarters(up: Tensor) -> Tensor:
    """Return (...) how many quarter turns clockwise make directions (..., 2) of a picture point up."""
    return (torch.atan2(-up[..., 0], -up[..., 1]) / (math.pi / 2)).round().long() % 4
