"""What a person should know of the footage itself: damage, and how names and values of pictures were read."""

from __future__ import annotations

from collections.abc import Sequence

from poseharvest.capture.footage import Footage
from poseharvest.capture.images import ImageFolder
from poseharvest.findings import Finding


def audit_footage(footage: Sequence[Footage]) -> list[Finding]:
    """Return what is odd about the footage of all views, and what was taken where it could have been something else."""
    damages = [Finding("warning", "footage", f"{one.path}: {one.damage}") for one in footage if one.damage is not None]
    return damages + _reading_notes(footage)


def _reading_notes(footage: Sequence[Footage]) -> list[Finding]:
    notes = dict.fromkeys(one.note for one in footage if isinstance(one, ImageFolder) and one.note)
    return [Finding("note", "footage", note) for note in notes]
