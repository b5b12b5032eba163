"""Finding people in a picture with the pose network alone: windows of several sizes first, then closer windows.

The network gives high, single peaks where its window holds one whole person, and low ones elsewhere. A scan over
overlapping windows therefore finds people roughly. A new window is then cut around the peaks, several times, until it
fits the person. No second network is needed (the paper takes the box as given).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from poseharvest.arrays import Image, ImageSize
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.protocol import CroppedView, HeatmapDetector, KeypointSource
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.crop import Crop, crop_around
from poseharvest.heatmaps.maps import heatmap_peaks
from poseharvest.localization.limits import (
    CLOSING_SCALES,
    CONFIDENT_PEAK,
    CROP_SCALE,
    MIN_CONFIDENCE,
    MIN_JOINTS,
    MIN_SIDE_PX,
)
from poseharvest.skeleton.proportions import whole_over_part
from poseharvest.skeleton.skeleton import Skeleton

_WINDOW_SIDES = (1.5, 1.0, 0.7, 0.47)  # of the picture's shorter side
_MAX_WINDOWS = 8
_SAME_PERSON = 0.15  # mean joint distance over the window's side


@dataclass(frozen=True, eq=False)
class Candidate:
    """A person as one view sees them.

    Attributes:
        view: number of the view in the rig.
        pixels: (J, 2) peaks in the picture.
        scores: (J,) heights of the peaks, at least 0.
        side: side of the window that fits the person, pixels: the person's size in this picture.
    """

    view: int
    pixels: Tensor
    scores: Tensor
    side: float

    @property
    def confidence(self) -> float:
        """Mean height of the peaks over all joints."""
        return float(self.scores.mean())


def scan_windows(size: ImageSize) -> list[Crop]:
    """Return square windows of four sizes over a picture of `size`, each overlapping its neighbour by half."""
    height, width = size
    windows = []
    for fraction in _WINDOW_SIDES:
        side = fraction * min(size)
        windows += [Crop((x, y), side) for x in _window_middles(width, side) for y in _window_middles(height, side)]
    return windows


def _window_middles(extent: int, side: float) -> list[float]:
    if extent <= side:
        return [(extent - 1) / 2]
    count = int(np.ceil((extent - side) / (side / 2))) + 1
    return [float(m) for m in np.linspace((side - 1) / 2, extent - (side + 1) / 2, count)]


def find_candidates(
    detector: HeatmapDetector, frame: MultiViewFrame, cameras: Sequence[StaticCamera]
) -> list[Candidate]:
    """Return the people that the detector sees in each picture, most confident first.

    A source of keypoints (keypoint files) lists its people; a network looks through windows.

    Args:
        detector: the 2D network.
        frame: the pictures; views without one give no candidates, unless the detector needs no pictures.
        cameras: one a view, for their names and the size of their pictures.
    """
    looks = [
        PictureSearch(detector, image, camera.image_size, camera.name, frame.index, number, frame.number(number))
        for number, (image, camera) in enumerate(zip(frame.images, cameras, strict=True))
    ]
    return sorted((person for look in looks for person in look.people()), key=lambda c: -c.confidence)


def _keypoint_candidates(source: KeypointSource, view: str, number: int, picture: int) -> list[Candidate]:
    """Return the people that a source of keypoints lists for a picture."""
    candidates = []
    for person in source.people(view, picture):
        pixels, scores = person[:, :2].double(), person[:, 2].double().clamp_min(0)
        if int((scores > 0).sum()) >= MIN_JOINTS:
            side = crop_around(pixels[scores > 0], CROP_SCALE, MIN_SIDE_PX).side
            candidates.append(Candidate(number, pixels, scores, side))
    return candidates


@dataclass(frozen=True, eq=False)
class PictureSearch:
    """One picture to search for people.

    Attributes:
        detector: the 2D network, or keypoint files.
        image: the picture; None if there is none.
        size: (height, width) of the picture.
        view: the camera's name.
        frame: number of the frame.
        number: of the view in the rig.
        picture: which of the view's own pictures it is, -1 for none; None where that is the frame's number.
    """

    detector: HeatmapDetector
    image: Image | None
    size: ImageSize
    view: str
    frame: int
    number: int = 0
    picture: int | None = None

    def people(self) -> list[Candidate]:
        """Return all people in the picture, most confident first; an empty list where a needed picture is missing."""
        if isinstance(self.detector, KeypointSource):
            picture = self.frame if self.picture is None else self.picture
            known = _keypoint_candidates(self.detector, self.view, self.number, picture)
            return sorted(known, key=lambda c: -c.confidence)
        if self.image is None and self.detector.needs_images:
            return []
        return _drop_duplicates(_close_in(self, _best_windows(self)))

    def look_through(self, crops: Sequence[Crop]) -> list[Candidate]:
        """Return one candidate a window: what the network sees in it."""
        requests = [CroppedView(self.view, self.frame, crop, self.image, self.picture) for crop in crops]
        peaks = heatmap_peaks(self.detector.detect(requests).cpu(), crops)
        return [
            Candidate(self.number, pixels, score.clamp_min(0), min(crop.side, _window_around_peaks(pixels, score).side))
            for pixels, score, crop in zip(peaks.pixels, peaks.score, crops, strict=True)
        ]


def _window_around_peaks(pixels: Tensor, scores: Tensor, scale: float = CROP_SCALE) -> Crop:
    """Return the square around the confident peaks, or around all peaks if too few are confident."""
    confident = scores > CONFIDENT_PEAK
    enough = int(confident.sum()) >= MIN_JOINTS
    return crop_around(pixels[confident] if enough else pixels, scale, MIN_SIDE_PX)


def _window_for(candidate: Candidate, skeleton: Skeleton, scale: float) -> Crop:
    """Return the window that would hold the whole person, if the candidate shows only a part."""
    confident = candidate.scores > CONFIDENT_PEAK
    whole = whole_over_part(skeleton, tuple(confident.tolist()))
    return _window_around_peaks(candidate.pixels, candidate.scores, scale * whole)


def _best_windows(look: PictureSearch) -> list[Candidate]:
    candidates = look.look_through(scan_windows(look.size))
    return sorted(candidates, key=lambda c: -c.confidence)[:_MAX_WINDOWS]


def _close_in(look: PictureSearch, candidates: list[Candidate]) -> list[Candidate]:
    """Return all confident candidates after looking through new windows around the peaks, wide first."""
    best = candidates
    for scale in CLOSING_SCALES:
        alive = [c for c in candidates if int((c.scores > CONFIDENT_PEAK).sum()) >= MIN_JOINTS]
        if not alive:
            break
        candidates = look.look_through([_window_for(c, look.detector.skeleton, scale) for c in alive])
        best = best + candidates
    return [c for c in best if c.confidence >= MIN_CONFIDENCE]


def _drop_duplicates(candidates: list[Candidate]) -> list[Candidate]:
    """Drop every candidate that is the same person as a more confident one."""
    distinct: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda c: -c.confidence):
        if all(_normalised_distance(candidate, other) > _SAME_PERSON for other in distinct):
            distinct.append(candidate)
    return distinct


def _normalised_distance(a: Candidate, b: Candidate) -> float:
    distance = torch.linalg.vector_norm(a.pixels - b.pixels, dim=-1)
    return float(distance.median()) / max(a.side, b.side)
