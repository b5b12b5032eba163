"""Frames in which nothing is shown, filled by straight lines between the frames around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import torch

from poseharvest.export.trajectories import Pose


def with_filled_gaps(poses: Iterable[Pose | None]) -> Iterator[Pose | None]:
    """Yield every pose; one that shows nothing becomes a point on the line between the frames around the gap.

    Written are the joints that are shown on both sides of the gap; their sigma is the larger one of both sides. What
    lies before the first and behind the last pose that shows something stays as it is.
    """
    last: Pose | None = None
    waiting: list[Pose | None] = []
    for pose in poses:
        if pose is None or not bool(pose.shown.any()):
            waiting.append(pose)
            continue
        yield from waiting if last is None else _between(last, pose, len(waiting))
        waiting = []
        yield pose
        last = pose
    yield from waiting


def _between(before: Pose, after: Pose, count: int) -> Iterator[Pose]:
    shown = before.shown & after.shown
    sigma = torch.maximum(before.sigma_mm, after.sigma_mm)
    for number in range(1, count + 1):
        share = number / (count + 1)
        points = torch.lerp(before.points, after.points, share)
        time_s = before.time_s + share * (after.time_s - before.time_s)
        yield replace(before, time_s=time_s, points=points, sigma_mm=sigma, shown=shown)
