"""Numbers in documents: TOML and JSON have whole numbers of any size, and call true and false values too."""

from __future__ import annotations

import math


def finite_number(value: object) -> float | None:
    """Return the number of a document's value; None if it is none, not finite, or too large for one of 64 bits.

    >>> finite_number(3), finite_number(True), finite_number("3"), finite_number(10**400)
    (3.0, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
