"""What an evaluation says: scores in groups, each group with a sentence that a person can act on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from poseharvest.evaluation.scores import Score


@dataclass(frozen=True)
class Check:
    """Scores that belong together.

    Attributes:
        name: in a few words.
        sentence: what the scores tell and what they cannot.
        scores: by row name.
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
    """All that an evaluation of one harvest says.

    Attributes:
        harvest: its folder.
        checks: in the order in which to read them.
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
