"""Checks of a body without ground truth: constant limb lengths, equal left and right limbs, smooth motion."""

from __future__ import annotations

import math

import numpy as np

from poseharvest.evaluation.check import Check
from poseharvest.evaluation.pairs import Floats
from poseharvest.evaluation.scores import MetricProtocol, Score
from poseharvest.evaluation.tracks import PoseTracks
from poseharvest.skeleton.skeleton import Limb, Skeleton

_LIMBS = (
    "A limb's length cannot change, so its spread over the frames, here the range from the 5th to the 95th percentile "
    "over the median, is error at one of its ends. The skeleton model pulls limbs towards their length: a small spread "
    "proves little, a large one is certainly an error."
)
_SIDES = (
    "Left and right limbs of a person differ by a few per cent. A larger difference of their median lengths points to "
    "a joint that is systematically misplaced on one side, or to one camera with a wrong calibration."
)
_SMOOTH = (
    "Mean acceleration of every joint, from three frames in a row. A falling body has 9.8 m/s^2, and the trunk of a "
    "walking one far less. Noise that differs from frame to frame adds its size times the square of the frame rate, so "
    "compare joints, and harvests at the same rate. 'Smooth' is after the harvest's smoothing over time: noise goes, "
    "but the motion must remain. The distances in left-out views tell whether it does."
)


def limb_check(tracks: PoseTracks, skeleton: Skeleton) -> Check:
    """Return for every limb the spread of its length, percent of the median."""
    scores = {}
    for limb in skeleton.limbs:
        length = _lengths(tracks, skeleton, limb)
        low, middle, high = _quantiles(length)
        details = f"5th to 95th percentile over the median of {middle:.0f} mm"
        scores[limb.name] = Score(100 * (high - low) / middle, _protocol("limb-length spread", "%", length, details))
    return Check("limb lengths", _LIMBS, scores)


def symmetry_check(tracks: PoseTracks, skeleton: Skeleton) -> Check:
    """Return for every pair of limbs how much longer the left one is, percent of their mean."""
    left_joints = {pair[0] for pair in skeleton.flip_pairs}
    scores = {}
    for limb in skeleton.limbs:
        mirrored = skeleton.mirrored_limb(limb)
        if limb.child not in left_joints or mirrored not in skeleton.limbs:
            continue
        one, other = (_lengths(tracks, skeleton, side) for side in (limb, mirrored))
        a, b = _quantiles(one)[1], _quantiles(other)[1]
        details = f"medians {a:.0f} and {b:.0f} mm"
        protocol = _protocol("left longer than right", "%", np.stack((one, other), 1), details)
        scores[limb.name.replace("left_", "")] = Score(100 * (a - b) / ((a + b) / 2), protocol)
    return Check("left and right", _SIDES, scores)


def smoothness_check(tracks: PoseTracks, frame_rate: float, smooth: PoseTracks | None = None) -> Check:
    """Return the mean acceleration of every joint and of all, m/s^2.

    Args:
        tracks: raw positions.
        frame_rate: frames per second.
        smooth: the same tracks after smoothing over time, if there are any.
    """
    scores = _accelerations_by_joint(tracks, frame_rate)
    if smooth is not None:
        after = _accelerations_by_joint(smooth, frame_rate)
        scores |= {f"{name}, smooth": score for name, score in after.items()}
    return Check("smoothness", _SMOOTH, scores)


def _accelerations_by_joint(tracks: PoseTracks, frame_rate: float) -> dict[str, Score]:
    size = np.linalg.norm(accelerations(tracks, frame_rate), axis=-1)
    details = f"at {frame_rate:g} frames per second"
    scores = {}
    for name, part in [*((joint, size[:, [k]]) for k, joint in enumerate(tracks.joints)), ("all joints", size)]:
        known = part[np.isfinite(part)]
        value = float(known.mean()) if known.size else float("nan")
        scores[name] = Score(value, _protocol("mean acceleration", "m/s^2", part, details))
    return scores


def accelerations(tracks: PoseTracks, frame_rate: float) -> Floats:
    """Return (M, J, 3) accelerations, m/s^2: second differences of a person's poses in three consecutive frames."""
    order = np.lexsort((tracks.frames, tracks.persons))
    frames, persons, points = tracks.frames[order], tracks.persons[order], tracks.positions[order] / 1000
    in_row = (frames[2:] - frames[:-2] == 2) & (persons[2:] == persons[:-2])
    second = points[2:] - 2 * points[1:-1] + points[:-2]
    return np.asarray(second[in_row] * frame_rate**2)


def _lengths(tracks: PoseTracks, skeleton: Skeleton, limb: Limb) -> Floats:
    parent, child = skeleton.index(limb.parent), skeleton.index(limb.child)
    return np.asarray(np.linalg.norm(tracks.positions[:, parent] - tracks.positions[:, child], axis=-1))


def _quantiles(lengths: Floats) -> list[float]:
    known = lengths[np.isfinite(lengths)]
    return [float(q) for q in np.quantile(known, [0.05, 0.5, 0.95])] if known.size else [float("nan")] * 3


def _protocol(metric: str, unit: str, values: Floats, details: str) -> MetricProtocol:
    table = np.isfinite(values).reshape(len(values), math.prod(values.shape[1:]))  # also of no frames at all
    ends = table.shape[1] if unit == "m/s^2" else 2 * table.shape[1]
    return MetricProtocol(metric, unit, ends, int(table.any(1).sum()), int(table.sum()), details=details)
