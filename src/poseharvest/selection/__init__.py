"""Selection of reliable annotations (Sec. 3.3): measures of certainty, the selection rule, and recalibration.

The package works on columns of numbers. It never opens a harvest: `annotations` applies it to the folder. Start with
`select`.
"""

from __future__ import annotations

from poseharvest.selection.measures import MEASURES, Measure
from poseharvest.selection.recalibration import Recalibration
from poseharvest.selection.select import SelectionRule, find_thresholds, mark_selected, selection_rule

__all__ = [
    "MEASURES",
    "Measure",
    "Recalibration",
    "SelectionRule",
    "find_thresholds",
    "mark_selected",
    "selection_rule",
]
