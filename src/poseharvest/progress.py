"""How far a command is, and who wants to know it."""

from __future__ import annotations

import time
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


def silent(progress: Progress) -> None:
    """Ignore progress."""


def with_prefix(on_progress: OnProgress, prefix: str) -> OnProgress:
    """Return a listener that puts what is at work before every stage: "PREFIX: STAGE"."""

    def report(progress: Progress) -> None:
        on_progress(replace(progress, stage=f"{prefix}: {progress.stage}"))

    return report


def now_and_then(
    on_progress: OnProgress, *, every_s: float = 2.0, clock: Callable[[], float] = time.monotonic
) -> OnProgress:
    """Return a listener for the parts of one long step: it passes on a part only if the last one is some time ago.

    Args:
        on_progress: listens.
        every_s: seconds between two reports, and before the first.
        clock: returns the seconds that have passed since any one moment.
    """
    last = [clock()]

    def report(progress: Progress) -> None:
        if clock() - last[0] >= every_s:
            last[0] = clock()
            on_progress(progress)

    return report
