"""The result of an evaluation: scores in groups, each group with a sentence that explains it to the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from poseharvest.evaluation.scores import Score


@dataclass(frozen=True)
class Check:
    """Scores that belong together.

    Attributes:
        name: name in a few words.
        sentence: what the scores show and what they cannot show.
        scores: the scores by row name.
    """

    name: str
    sentence: str
    scores: Mapping[str, Score]

    def as_dict(self) -> dict[str, Any]:
        """Return the check in plain data, for JSON."""
        rows = {name: score.as_dict() for name, score in self.scores.items()}
        return {"name": self.name, "meaning": self.sentence, "scores": rows}


@dataclass(frozen=True)
class Evaluation:
    """The result of evaluating one harvest.

    Attributes:
        harvest: its folder.
        checks: the checks, in reading order.
    """

    harvest: str
    checks: tuple[Check, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the evaluation in plain data, for JSON."""
        return {
            "format": "poseharvest evaluation",
            "version": 1,
            "harvest": self.harvest,
            "checks": [check.as_dict() for check in self.checks],
        }
