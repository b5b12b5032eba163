"""The largest size of a page, and what each of its contents may take of it.

What does not fit lies in the folder beside the page and is loaded as it is needed, or is thinned, and the page says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

MAX_PAGE_BYTES: Final = 30_000_000
"""Largest size of a page as a file, bytes."""

TAKE_BYTES: Final = 11_000_000
"""The poses of the player; more of them lie beside the page."""

MOVING_BYTES: Final = 7_000_000
"""The pictures behind these poses: a film, which else lies beside the page, or small pictures, which are thinned."""

OVERLAY_BYTES: Final = 6_000_000
"""The large pictures with the pose drawn into them; of more of them, some frames are left out."""

TIMELINE_BYTES: Final = 3_000_000
"""The strips of joints over time; of more people, some are left out."""

JSON_BYTES: Final = 1_000_000
"""The text of `harvest.json`; a longer one is left out. 2 MB remain for everything else."""


def size_in_words() -> str:
    """Return the largest size as a page says it.

    >>> size_in_words()
    '30 MB'
    """
    return f"{MAX_PAGE_BYTES / 1e6:g} MB"


def as_text(num_bytes: int) -> int:
    """Return how many bytes a page takes for so many bytes of a file, as base64.

    >>> as_text(4)
    8
    """
    return -(-num_bytes // 3) * 4


def evenly_kept(sizes: Sequence[int], most: int) -> tuple[int, ...]:
    """Return which of some contents are kept, evenly spread, so that their sizes together are at most `most`.

    >>> evenly_kept([5, 5, 5, 5], 12)
    (0, 2)
    """
    step = 1
    while sizes and sum(sizes[::step]) > most:
        if step > len(sizes):
            return ()
        step *= 2
    return tuple(range(0, len(sizes), step))
