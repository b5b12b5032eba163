"""How far a command is, and who wants to know it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Progress:
    """How far a command is.

    Attributes:
        done: steps finished; frames of a harvest, batches of a training.
        total: steps in all.
        stage: what is being done, in a few words.
    """

    done: int
    total: int
    stage: str


OnProgress = Callable[[Progress], None]
"""Is called with every step that is finished."""


def with_prefix(on_progress: OnProgress, prefix: str) -> OnProgress:
    """Return a listener that puts what is at work before every stage: "PREFIX: STAGE"."""

    def report(progress: Progress) -> None:
        on_progress(replace(progress, stage=f"{prefix}: {progress.stage}"))

    return report
