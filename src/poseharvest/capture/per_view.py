"""Options with one number for all views or one per view: the turn or the scale of the footage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from poseharvest.geometry.refit import QUARTER_TURNS
from poseharvest.reading.plain_numbers import finite_number


@dataclass(frozen=True)
class PerView:
    """A number for every view.

    Attributes:
        common: the number of all views without an entry in `views`.
        views: numbers by name of the view.
    """

    common: float
    views: Mapping[str, float] = field(default_factory=dict)

    def of(self, view: str) -> float:
        """Return the number of a view."""
        return self.views.get(view, self.common)


def parse_rotate(value: object) -> PerView:
    """Return the turn, degrees clockwise, of a number, table or text: 90, {cam01 = 90}, "cam01=90,cam02=270".

    >>> parse_rotate("cam01=-90").of("cam01")
    270

    Raises:
        ValueError: the value is none of these, or is not a multiple of 90.
    """
    return _parsed(value, 0, _turn)


def parse_scale(value: object) -> PerView:
    """Return the scale of a number, a table or a text: 0.5, {cam01 = 0.5}, "cam01=1/2".

    Raises:
        ValueError: the value is none of these, or is not positive.
    """
    return _parsed(value, 1.0, _factor)


def _parsed(value: object, default: float, number: Callable[[object], float]) -> PerView:
    if isinstance(value, PerView):
        return value
    if isinstance(value, str) and "=" in value:
        parts = [part.rpartition("=") for part in value.split(",")]
        value = {view.strip(): number_of_view for view, _, number_of_view in parts}
    if isinstance(value, Mapping):
        return PerView(default, {str(view): number(number_of_view) for view, number_of_view in value.items()})
    return PerView(number(value))


def _turn(value: object) -> float:
    degrees = _number(value)
    if degrees is None or degrees % 360 not in QUARTER_TURNS:
        raise ValueError("expected 0, 90, 180 or 270 degrees clockwise")
    return int(degrees % 360)


def _factor(value: object) -> float:
    factor = _number(value)
    if factor is None or factor <= 0:
        raise ValueError("expected a positive factor such as 0.5")
    return factor


def _number(value: object) -> float | None:
    if isinstance(value, str):
        try:
            return float(Fraction(value))
        except (ValueError, ZeroDivisionError, OverflowError):
            return None
    return finite_number(value)
