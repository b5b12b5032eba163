"""Lengths: the world is in millimetres; readers convert on entry, exporters on exit."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from poseharvest.errors import ConfigError

LengthUnit: TypeAlias = Literal["mm", "cm", "m"]

MM_PER_UNIT: dict[str, float] = {"mm": 1.0, "cm": 10.0, "m": 1000.0}


def mm_per(unit: str) -> float:
    """Return the millimetres in one `unit` ("mm", "cm" or "m").

    >>> mm_per("m")
    1000.0
    """
    if unit not in MM_PER_UNIT:
        raise ConfigError(f'unit: expected one of {", ".join(get_args(LengthUnit))}, got "{unit}"')
    return MM_PER_UNIT[unit]
