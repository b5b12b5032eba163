"""A camera that is right in one part of a take and wrong in the other: somebody ran into its tripod.

The moment from which, or until which, the views disagree more is found first, by all views together. Then the cameras
are judged in the worse part as they are over a whole take (`camera_faults`), and the better part must show no fault of
the same camera.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from poseharvest.diagnosis.camera_faults import find_fault
from poseharvest.diagnosis.disagreement import disagreement, yardstick
from poseharvest.diagnosis.shown_joints import Floats, ShownJoints
from poseharvest.findings import CameraFault
from poseharvest.geometry.camera import Camera

LEAST_PART = 20
"""Frames that a part must have at least."""

_LEAST_RISE = 0.1  # of the mean cost over all joints and views
_LEAST_TIMES_NOISE = 4.0  # the same, over the standard error of the difference of the two parts' means
_FEW_FRAMES = 32


def find_later_fault(
    cameras: Sequence[Camera],
    shown: ShownJoints,
    frame_rate: float,
    mirrored_joints: Sequence[int],
    on_suspect: Callable[[str], None] | None = None,
) -> CameraFault | None:
    """Return the fault of a camera that begins or ends within the take; None if there is none that is certain.

    Args:
        cameras: V cameras.
        shown: what they show of one person. Frames in a row show delays.
        frame_rate: frames per second.
        mirrored_joints: (J,) for each joint the one of the other side of the body.
        on_suspect: is called with the name of each camera before it is suspected, which takes a while.

    Returns:
        the fault, with `from_frame` or `before_frame`.
    """
    change = _change(cameras, shown)
    if change is None:
        return None
    place, begins = abs(change), change > 0
    first, second = shown.at(slice(place)), shown.at(slice(place, None))
    worse, better = (second, first) if begins else (first, second)
    fault = find_fault(cameras, worse, frame_rate, mirrored_joints, on_suspect)
    if fault is None:
        return None
    also = find_fault(cameras, better, frame_rate, mirrored_joints)
    if also is not None and set(also.views) & set(fault.views):
        return None
    frame = int(shown.frames[place])
    return replace(fault, from_frame=frame) if begins else replace(fault, before_frame=frame)


def _change(cameras: Sequence[Camera], shown: ShownJoints) -> int | None:
    """Return the place in time where the views begin to disagree more; negative where they cease to; None for none."""
    if len(shown.frames) < 2 * LEAST_PART:
        return None
    measure = yardstick(cameras, shown.few(_FEW_FRAMES))
    if measure is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a frame without a joint that two views show
        cost = np.nanmean(disagreement(cameras, shown, measure), axis=(0, 2))
    return split(cost)


def split(cost: Floats) -> int | None:
    """Return the place at which a series (T,) falls apart into a lower and a higher part.

    The parts are those that leave the smallest squares; each has `LEAST_PART` known values or more.

    Returns:
        the first index of the second part; negative if that is the lower one; None if the parts differ by chance.
    """
    known: NDArray[np.int64] = np.flatnonzero(np.isfinite(cost))
    values = cost[known]
    if len(values) < 2 * LEAST_PART:
        return None
    ends = np.arange(LEAST_PART, len(values) - LEAST_PART + 1)
    sums, squares = np.cumsum(values), np.cumsum(values**2)
    left = squares[ends - 1] - sums[ends - 1] ** 2 / ends
    rest = len(values) - ends
    right = squares[-1] - squares[ends - 1] - (sums[-1] - sums[ends - 1]) ** 2 / rest
    best = int(ends[np.argmin(left + right)])
    first, second = values[:best], values[best:]
    rise = float(second.mean() - first.mean())
    noise = float(np.sqrt(first.var() / len(first) + second.var() / len(second)))
    if abs(rise) < max(_LEAST_RISE, _LEAST_TIMES_NOISE * noise):
        return None
    place = int(known[best])
    return place if rise > 0 else -place
