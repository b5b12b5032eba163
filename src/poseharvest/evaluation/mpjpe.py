"""MPJPE, the mean per-joint position error, with its alignment named; overall, per joint, action or subject.

``MPJPE = mean over judged joints of |aligned(estimate) - truth|`` (Ionescu et al., "Human3.6M", PAMI 2014, Eq. 8).
A joint without truth or without an estimate is not judged; the number of judged joints is part of the protocol.
In two dimensions the same mean is in pixels.
"""

from __future__ import annotations

import numpy as np

from poseharvest.evaluation.alignment import Alignment, align_estimates
from poseharvest.evaluation.bootstrap import mean_interval
from poseharvest.evaluation.pairs import Floats, PosePairs
from poseharvest.evaluation.scores import MetricProtocol, Score

_AS_IT_IS = Alignment()


def joint_errors(pairs: PosePairs, alignment: Alignment = _AS_IT_IS) -> Floats:
    """Return the distance of every joint from its truth (F, J) after alignment; NaN where it is not judged."""
    distance = np.linalg.norm(align_estimates(pairs, alignment) - pairs.truth, axis=-1)
    return np.where(pairs.judged, distance, np.nan)


def mpjpe(pairs: PosePairs, alignment: Alignment = _AS_IT_IS, *, sequence_label: str | None = None) -> Score:
    """Return the mean over all judged joints of all poses.

    Args:
        pairs: estimates and truth.
        alignment: alignment of each pose.
        sequence_label: the label of independent sequences, for a 95 % interval; None for no interval.
    """
    errors = joint_errors(pairs, alignment)
    interval = None
    if sequence_label is not None:
        interval = mean_interval([errors[poses] for _, poses in pairs.by(sequence_label)])
    return Score(_mean(errors), _protocol(errors, pairs, alignment), interval)


def mpjpe_by(pairs: PosePairs, label: str, alignment: Alignment = _AS_IT_IS) -> dict[str, Score]:
    """Return the mean for every joint ("joint") or every value of a label ("action", "subject").

    Raises:
        ConfigError: the poses have no such label.
    """
    errors = joint_errors(pairs, alignment)
    if label == "joint":
        parts = {joint: errors[:, [k]] for k, joint in enumerate(pairs.joints)}
    else:
        parts = {value: errors[poses] for value, poses in pairs.by(label)}
    return {name: Score(_mean(part), _protocol(part, pairs, alignment)) for name, part in parts.items()}


def _mean(errors: Floats) -> float:
    known = errors[np.isfinite(errors)]
    return float(known.mean()) if known.size else float("nan")


def _protocol(errors: Floats, pairs: PosePairs, alignment: Alignment) -> MetricProtocol:
    judged = np.isfinite(errors)
    return MetricProtocol(
        metric="MPJPE",
        unit="mm" if pairs.truth.shape[-1] == 3 else "px",
        num_joints=int(judged.any(0).sum()),
        num_frames=int(judged.any(1).sum()),
        num_values=int(judged.sum()),
        alignment=str(alignment),
    )
