"""Selection of reliable annotations (Sec. 3.3): measures of certainty, the selection rule, and recalibration.

The package works on columns of numbers. It never opens a harvest: `annotations` applies it to the folder. Start with
`select`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.selection.measures import MEASURES, Measure
    from poseharvest.selection.recalibration import Recalibration
    from poseharvest.selection.rules import SelectionRule, selection_rule
    from poseharvest.selection.select import find_thresholds, mark_selected
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = [
    "MEASURES",
    "Measure",
    "Recalibration",
    "SelectionRule",
    "find_thresholds",
    "mark_selected",
    "selection_rule",
]
