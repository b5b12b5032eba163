"""How annotations were selected, in words and with the threshold as a length."""

from __future__ import annotations

import torch

from poseharvest.annotations.info import JointSelection, SelectionInfo
from poseharvest.diagnosis.wording import percent, scientific
from poseharvest.selection.recalibration import Recalibration

_MEASURE_WORDS = {
    "det": "the determinant of its covariance",
    "trace": "the trace of its covariance",
    "entropy": "the entropy of its marginal",
    "peak_distance": "the mean distance of the views' heatmap peaks to its projection",
    "peak_score": "the mean height of the views' heatmap peaks",
    "score": "the mean value of the views' heatmaps at its projection",
}
_UNITS = {"det": "mm⁶", "trace": "mm²", "entropy": "nat", "peak_distance": "px", "peak_score": "", "score": ""}


def measure_words(selection: SelectionInfo) -> str:
    """Return the measure of the selection, in words."""
    return _MEASURE_WORDS.get(selection.measure, selection.measure)


def rule_words(selection: SelectionInfo) -> str:
    """Return the rule of the selection, in one or two sentences."""
    judged = f"judged by {measure_words(selection)}"
    if selection.limit is None:
        return f"Of every joint the most certain {percent(selection.share)} of its appearances are kept, {judged}."
    most = "" if selection.share == 1 else f", and at most {percent(selection.share)} of them"
    return (
        f"Of every joint those appearances are kept that are at most {selection.limit:g} times as wide as its most "
        f"certain tenth{most}, {judged}."
    )


def cut_mm(selection: SelectionInfo, joint: JointSelection, recalibration: Recalibration | None = None) -> float | None:
    """Return the joint's threshold as a sigma in mm; None if the measure is not the determinant.

    The threshold is a determinant of the posterior's covariances. Its sixth root is a sigma, to which the recalibration
    is applied.
    """
    if selection.measure != "det" or joint.threshold is None:
        return None
    sigma = torch.tensor(max(joint.threshold, 0.0) ** (1 / 6), dtype=torch.float64)
    if recalibration is not None and sigma > 0:
        sigma = sigma * recalibration.factors(sigma)
    return float(sigma)


def threshold_words(selection: SelectionInfo, joint: JointSelection) -> str:
    """Return the threshold in the measure's own unit."""
    if joint.threshold is None:
        return "–"
    return f"{scientific(joint.threshold)} {_UNITS.get(selection.measure, '')}".strip()
