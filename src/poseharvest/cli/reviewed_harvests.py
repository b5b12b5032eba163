"""Harvests as commands open them that make something of the poses: with the decisions of people, or without."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console

from poseharvest.findings import worst_first

if TYPE_CHECKING:
    from poseharvest.annotations.reader import Harvest

NO_REVIEWS: Final = "Leave out what people decided about its joints in `poseharvest review`."


def open_reviewed(path: Path, *, no_reviews: bool) -> Harvest:
    """Return a harvest, opened, with what people decided about its joints unless that is to be left out."""
    from poseharvest.annotations.reader import Harvest

    harvest = Harvest.open(path)
    return harvest if no_reviews else harvest.with_reviews()


def print_reviews(harvests: Sequence[Harvest]) -> None:
    """Print what a person should know of the decisions in some harvests, a line each."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for harvest in harvests:
        for finding in worst_first(harvest.review_findings()):
            console.print(f"{finding.severity}: {finding.message}")
