"""Findings about the footage: damage, and notes on the reading of picture names and values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from poseharvest.arrays import Image
from poseharvest.capture.bit_depth import num_bits
from poseharvest.capture.picture_folder import ImageFolder
from poseharvest.capture.view_footage import Footage
from poseharvest.findings import Finding

_BLACK, _WHITE = 20, 235  # of 255: limits for nearly all pixels of a black or white picture
_NEARLY_ALL = 0.99


def audit_footage(footage: Sequence[Footage]) -> list[Finding]:
    """Return findings about the footage of all views, with notes on ambiguous names and values.

    It decodes the first picture of every view, and two others if the first one is nearly black or white.
    """
    damages = [Finding("warning", "footage", f"{one.path}: {one.damage}") for one in footage if one.damage is not None]
    blank = [finding for one in footage if (finding := _blank(one)) is not None]
    return damages + blank + _reading_notes(footage) + _depth_notes(footage)


def _reading_notes(footage: Sequence[Footage]) -> list[Finding]:
    notes = dict.fromkeys(one.note for one in footage if isinstance(one, ImageFolder) and one.note)
    return [Finding("note", "footage", note) for note in notes]


def _depth_notes(footage: Sequence[Footage]) -> list[Finding]:
    whites: dict[float, list[str]] = {}
    for one in footage:
        if isinstance(one, ImageFolder) and one.white is not None and num_bits(one.white) != 8:
            whites.setdefault(one.white, []).append(one.name)
    return [
        Finding(
            "note",
            "footage",
            f"pictures of {', '.join(views)}: {_values(white)}, by the largest of some of them: scaled to 8 bits",
        )
        for white, views in whites.items()
    ]


def _values(white: float) -> str:
    bits = num_bits(white)
    return f"values up to {white:g}" if bits is None else f"values of {bits} bits in their files"


def _blank(footage: Footage) -> Finding | None:
    """Return a finding if the first, a middle and a late picture of the view are all nearly black or white."""
    number = len(footage.times_s)
    shade = ""
    for place in dict.fromkeys((0, number // 2, number - 1)):
        picture = next(footage.read(np.asarray([place], dtype=np.int32)), None) if number else None
        current = "" if picture is None else shade_of(picture)
        if not current or (shade and current != shade):
            return None
        shade = current
    if not shade:
        return None
    return Finding(
        "warning",
        "footage",
        f'view "{footage.name}": its pictures are almost {shade} throughout: nobody can be seen in them; look at '
        f"{footage.path}, its exposure and how it was converted",
    )


def shade_of(picture: Image) -> str:
    """Return "black" or "white" if nearly all of a picture is, else an empty text."""
    if (picture < _BLACK).mean() >= _NEARLY_ALL:
        return "black"
    return "white" if (picture > _WHITE).mean() >= _NEARLY_ALL else ""
