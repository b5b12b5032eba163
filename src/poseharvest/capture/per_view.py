"""A number that an option gives for all views, or for each view by name: how footage was turned or resized."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from poseharvest.geometry.refit import QUARTER_TURNS


@dataclass(frozen=True)
class PerView:
    """A number for every view.

    Attributes:
        common: of the views that are not named.
        views: of the views that are named.
    """

    common: float
    views: Mapping[str, float] = field(default_factory=dict)

    def of(self, view: str) -> float:
        """Return the number of a view."""
        return self.views.get(view, self.common)


def parse_rotate(value: object) -> PerView:
    """Return the degrees clockwise that a number, a table or a text says: 90, {cam01 = 90}, "cam01=90,cam02=270".

    >>> parse_rotate("cam01=-90").of("cam01")
    270

    Raises:
        ValueError: it is none of these, or no quarter turn.
    """
    return _parsed(value, 0, _turn)


def parse_scale(value: object) -> PerView:
    """Return the factors that a number, a table or a text says: 0.5, {cam01 = 0.5}, "cam01=1/2".

    Raises:
        ValueError: it is none of these, or not positive.
    """
    return _parsed(value, 1.0, _factor)


def _parsed(value: object, default: float, number: Callable[[object], float]) -> PerView:
    if isinstance(value, PerView):
        return value
    if isinstance(value, str) and "=" in value:
        parts = [part.rpartition("=") for part in value.split(",")]
        value = {view.strip(): said for view, _, said in parts}
    if isinstance(value, Mapping):
        return PerView(default, {str(view): number(said) for view, said in value.items()})
    return PerView(number(value))


def _turn(said: object) -> float:
    degrees = _number(said)
    if degrees is None or degrees % 360 not in QUARTER_TURNS:
        raise ValueError("expected 0, 90, 180 or 270 degrees clockwise")
    return int(degrees % 360)


def _factor(said: object) -> float:
    factor = _number(said)
    if factor is None or factor <= 0:
        raise ValueError("expected a positive factor such as 0.5")
    return factor


def _number(said: object) -> float | None:
    if isinstance(said, str):
        try:
            return float(Fraction(said))
        except (ValueError, ZeroDivisionError):
            return None
    if isinstance(said, bool) or not isinstance(said, int | float) or not math.isfinite(said):
        return None
    return float(said)
