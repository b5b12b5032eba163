"""How good a harvest is: with the truth by its errors, without it by what a rig and a body cannot do.

Nothing that infers may import it. Start with `evaluate_harvest`; `scores` is how every number names its protocol.
"""

from __future__ import annotations

from poseharvest.evaluation.alignment import Alignment
from poseharvest.evaluation.evaluate_harvest import evaluate
from poseharvest.evaluation.pairs import PosePairs
from poseharvest.evaluation.scores import MetricProtocol, Score

__all__ = ["Alignment", "MetricProtocol", "PosePairs", "Score", "evaluate"]
