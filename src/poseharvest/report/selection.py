"""How annotations were selected, in words and with the cut as a length."""

from __future__ import annotations

from poseharvest.annotations.info import JointSelection, SelectionInfo
from poseharvest.report.wording import scientific

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
    """Return what was measured, in words."""
    return _MEASURE_WORDS.get(selection.measure, selection.measure)


def cut_mm(selection: SelectionInfo, joint: JointSelection) -> float | None:
    """Return the joint's threshold as a sigma, det^(1/6) in mm; None if the measure is not the determinant."""
    if selection.measure != "det" or joint.threshold is None:
        return None
    return float(max(joint.threshold, 0.0) ** (1 / 6))


def threshold_words(selection: SelectionInfo, joint: JointSelection) -> str:
    """Return the threshold in the measure's own unit."""
    if joint.threshold is None:
        return "–"
    return f"{scientific(joint.threshold)} {_UNITS.get(selection.measure, '')}".strip()
