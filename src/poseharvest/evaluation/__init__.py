"""How good a harvest is: with ground truth by its errors, without it by checks of the cameras and of the body.

No package that infers poses may import it. Start with `evaluate_harvest`; `scores` attaches a protocol to every number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.evaluation.alignment import Alignment
    from poseharvest.evaluation.evaluate_harvest import evaluate
    from poseharvest.evaluation.pairs import PosePairs
    from poseharvest.evaluation.scores import MetricProtocol, Score
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["Alignment", "MetricProtocol", "PosePairs", "Score", "evaluate"]
