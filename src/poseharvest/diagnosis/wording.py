"""Numbers as texts for the report."""

from __future__ import annotations

import math

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float, digits: int = 1) -> str:
    """Return a number with `digits` decimals; a dash for NaN or infinity.

    >>> number(1234.56), number(float("nan"))
    ('1,234.6', '–')
    """
    return f"{value:,.{digits}f}" if math.isfinite(value) else "–"


def percent(share: float, digits: int = 0) -> str:
    """Return a share (0 to 1) as a percentage.

    >>> percent(0.704)
    '70 %'
    """
    return f"{100 * share:.{digits}f} %" if math.isfinite(share) else "–"


def short(value: float) -> str:
    """Return a number with three significant digits.

    >>> short(7.234), short(23.46), short(412.3)
    ('7.23', '23.5', '412')
    """
    if not math.isfinite(value):
        return "–"
    return number(value, 2 if value < 10 else 1 if value < 100 else 0)


def signed(value: float) -> str:
    """Return a number, rounded to an integer, with its sign.

    >>> signed(-3.2), signed(3.2)
    ('−3', '+3')
    """
    return f"{value:+.0f}".replace("-", "−")


def scientific(value: float) -> str:
    """Return three significant digits, with a power of ten for very large or small numbers.

    >>> scientific(408000.0), scientific(0.25)
    ('4.08 × 10⁵', '0.25')
    """
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    if -3 <= int(exponent) <= 3:
        return f"{value:.3g}"
    return f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
