"""Where the cameras see the joints of people, at common times: all that a calibration from people knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from poseharvest.arrays import ImageSize
from poseharvest.capture.frames import FrameSource
from poseharvest.detectors.protocol import HeatmapDetector, KeypointSource
from poseharvest.progress import OnProgress, Progress
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.synchronisation.people_in_views import people_in_views
from poseharvest.synchronisation.view_joints import ViewJoints

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_LONGEST_GAP = 2.5  # picture periods between which positions are interpolated
_SAME_TIME = 1e-3  # of a period: no interpolation is needed
_MAX_FRAMES = 6000
_MAX_FRAMES_OF_NETWORK, _NUM_STRETCHES = 400, 5
_LEAST_SCORE = 0.05


@dataclass(frozen=True, eq=False)
class JointSightings:
    """The joints of people before V cameras.

    Attributes:
        views: names of the cameras.
        image_sizes: (height, width) of their pictures, pixels.
        skeleton: the joints.
        times_s: (T,) common times, seconds.
        pixels: (V, T, P, J, 2) x, y of up to P people in each view; NaN where a view does not show the joint. The
            numbers of people differ from view to view.
        weights: (V, T, P, J) how sure the detector is, 0 to 1; 0 where a view does not show the joint.
    """

    views: tuple[str, ...]
    image_sizes: tuple[ImageSize, ...]
    skeleton: Skeleton
    times_s: Floats
    pixels: Floats
    weights: Floats

    @property
    def shown(self) -> Bools:
        """(V, T, P, J) bool, whether a view shows the joint."""
        return self.weights > 0

    def extents_px(self) -> Floats:
        """Return the (V, T, P) longer side of the box around each person, pixels; 0 where nobody is shown."""
        low = np.where(self.shown[..., None], self.pixels, np.inf).min(-2)
        high = np.where(self.shown[..., None], self.pixels, -np.inf).max(-2)
        return np.asarray(np.where(self.shown.any(-1), (high - low).max(-1), 0.0), dtype=np.float64)

    def of_views(self, views: Sequence[int]) -> JointSightings:
        """Return the sightings of some views alone."""
        chosen = list(views)
        return replace(
            self,
            views=tuple(self.views[view] for view in chosen),
            image_sizes=tuple(self.image_sizes[view] for view in chosen),
            pixels=self.pixels[chosen],
            weights=self.weights[chosen],
        )

    def at(self, moments: NDArray[np.int64]) -> JointSightings:
        """Return the sightings at some of the times (M,) alone."""
        return replace(
            self, times_s=self.times_s[moments], pixels=self.pixels[:, moments], weights=self.weights[:, moments]
        )


def watch_people(
    capture: FrameSource, detector: HeatmapDetector, *, every: int | None = None, on_progress: OnProgress | None = None
) -> JointSightings:
    """Return where the views of a capture show the joints of people. The cameras' numbers are not asked for.

    Args:
        capture: the footage.
        detector: the 2D network, or keypoint files.
        every: take every so many frames as a moment; None takes as many as are worth it.
        on_progress: called while pictures are looked at.
    """
    stretches = _stretches(capture.num_frames, is_network=not isinstance(detector, KeypointSource))
    total = sum(stop - start for start, stop in stretches)
    parts, done = [], 0
    for start, stop in stretches:

        def report(frame: int, before: int = done - start) -> None:
            if on_progress is not None:
                on_progress(Progress(before + frame + 1, total, "looking at people"))

        views = people_in_views(detector, capture, start, stop, on_frame=report)
        times_s = np.arange(start, stop, every or 1) / capture.frame_rate
        parts.append(sightings_of(views, times_s, [camera.image_size for camera in capture.rig], detector.skeleton))
        done += stop - start
    return _joined(parts)


def _stretches(num_frames: int, *, is_network: bool) -> list[tuple[int, int]]:
    """Return the first and last frames of the stretches to look at: all of a short take, parts of a long one."""
    most = _MAX_FRAMES_OF_NETWORK if is_network else _MAX_FRAMES
    if num_frames <= most:
        return [(0, num_frames)]
    length = most // _NUM_STRETCHES
    starts = np.linspace(0, num_frames - length, _NUM_STRETCHES).astype(int)
    return [(int(start), int(start) + length) for start in starts]


def sightings_of(
    views: Sequence[ViewJoints], times_s: Floats, image_sizes: Sequence[ImageSize], skeleton: Skeleton
) -> JointSightings:
    """Return what the views show at common times (T,), interpolated between two pictures where clocks differ."""
    num_people = max(view.pixels.shape[1] for view in views)
    pixels, weights = [], []
    for view in views:
        scores = np.ones(view.pixels.shape[:-1]) if view.scores is None else view.scores
        joints = np.concatenate((view.pixels, scores[..., None]), -1)
        now = _interpolated(view.times_s, joints, times_s)
        padding = ((0, 0), (0, num_people - now.shape[1]), (0, 0), (0, 0))
        now = np.pad(now, padding, constant_values=np.nan)
        pixels.append(now[..., :2])
        known = np.isfinite(now).all(-1)
        weights.append(np.where(known, np.clip(now[..., 2], _LEAST_SCORE, 1.0), 0.0))
    return JointSightings(
        tuple(view.view for view in views),
        tuple(image_sizes),
        skeleton,
        times_s,
        np.stack(pixels),
        np.stack(weights),
    )


def _interpolated(own_s: Floats, values: Floats, times_s: Floats) -> Floats:
    """Return values (N, ...) of own times at other times (T, ...); NaN where the pictures around one are missing."""
    if len(own_s) < 2:
        near = (
            np.full(len(times_s), np.nan) if not len(own_s) else np.where(np.abs(times_s - own_s[0]) < 1e-6, 1, np.nan)
        )
        first = values[0] if len(own_s) else np.full(values.shape[1:], np.nan)
        return np.asarray(near.reshape(-1, *[1] * first.ndim) * first, dtype=np.float64)
    period_s = float(np.median(np.diff(own_s)))
    after = np.searchsorted(own_s, times_s).clip(1, len(own_s) - 1)
    first_s, second_s = own_s[after - 1], own_s[after]
    part = (times_s - first_s) / (second_s - first_s)
    part = np.where(np.abs(part) < _SAME_TIME, 0.0, np.where(np.abs(part - 1) < _SAME_TIME, 1.0, part))
    is_near = (part >= 0) & (part <= 1) & ((second_s - first_s <= _LONGEST_GAP * period_s) | (part == 0) | (part == 1))
    part, is_near = (one.reshape(-1, *[1] * (values.ndim - 1)) for one in (part, is_near))
    before, behind = values[after - 1], values[after]
    between = np.where(part == 0, before, np.where(part == 1, behind, (1 - part) * before + part * behind))
    return np.asarray(np.where(is_near, between, np.nan), dtype=np.float64)


def _joined(parts: Sequence[JointSightings]) -> JointSightings:
    """Return the sightings of several stretches of one capture."""
    most = max(part.pixels.shape[2] for part in parts)
    wide = [
        (
            np.pad(
                part.pixels, ((0, 0), (0, 0), (0, most - part.pixels.shape[2]), (0, 0), (0, 0)), constant_values=np.nan
            ),
            np.pad(part.weights, ((0, 0), (0, 0), (0, most - part.weights.shape[2]), (0, 0))),
        )
        for part in parts
    ]
    return replace(
        parts[0],
        times_s=np.concatenate([part.times_s for part in parts]),
        pixels=np.concatenate([pixels for pixels, _ in wide], 1),
        weights=np.concatenate([weights for _, weights in wide], 1),
    )
