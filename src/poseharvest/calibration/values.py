"""Single values of a calibration document: numbers, flags, sizes and names, each checked for what it must be.

Tools and people write one thing in several ways: a number as text, a matrix as one row, a list as JSON in a string, a
flag as the word "false". What can mean one thing only is taken; all else is refused with what was found.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from poseharvest.arrays import ImageSize
from poseharvest.errors import FormatError

Numbers = NDArray[np.float64]

_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_MAX_SHOWN = 60
_MAX_EDGE = 100_000


def shown(value: object) -> str:
    """Return the value for a message: on one line, cut where it is long."""
    text = " ".join(str(value).split())
    return repr(text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "...")


def numbers(value: object, shape: tuple[int, ...], what: str) -> Numbers:
    """Return `value`, nested lists or an array, as float64 of `shape`; the nesting itself may differ.

    Raises:
        FormatError: it is missing, not numbers, or not as many as `shape` holds.
    """
    wanted = f"{' x '.join(map(str, shape))} numbers"
    array = any_numbers(value, what, wanted)
    if array.size != math.prod(shape):
        raise FormatError(f"{what}: expected {wanted}, got shape {array.shape}")
    return array.reshape(shape)


def any_numbers(value: object, what: str, wanted: str = "numbers") -> Numbers:
    """Return `value`, a number or nested lists of them, as float64 of whatever shape it has.

    Raises:
        FormatError: it is missing, or something in it is no number.
    """
    if value is None:
        raise FormatError(f"{what}: expected {wanted}, got nothing")
    given = _from_text(value)
    try:
        if not all(map(_is_number, _leaves(given))):
            raise ValueError
        return np.array(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise FormatError(f"{what}: expected {wanted}, got {shown(value)}") from error


def _from_text(value: object) -> object:
    """Return the list that a string holds in JSON's notation, anything else as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith("["):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _is_number(value: object) -> bool:
    """Return whether the value is a number or the text of one. A flag is none, though Python counts with it."""
    if isinstance(value, str):
        float(value)  # a ValueError says that it is none
        return True
    return isinstance(value, int | float) and not isinstance(value, bool)


def flag(value: object, what: str) -> bool:
    """Return a flag: true or false, or one of these words; False where nothing is given.

    Raises:
        FormatError: it is anything else.
    """
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, str | int) and str(value).strip().lower() in _FLAGS:
        return _FLAGS[str(value).strip().lower()]
    raise FormatError(f"{what}: expected true or false, got {shown(value)}")


def image_size(value: object, what: str) -> ImageSize:
    """Return (height, width) of a size that is given as (width, height).

    Raises:
        FormatError: it is not two whole numbers of pixels.
    """
    width, height = numbers(value, (2,), what).tolist()
    return image_size_of(height, width, what)


def image_size_of(height: float, width: float, what: str) -> ImageSize:
    """Return (height, width) as whole numbers.

    Raises:
        FormatError: one of them is no whole number of pixels.
    """
    if not all(math.isfinite(edge) and edge == round(edge) and abs(edge) <= _MAX_EDGE for edge in (height, width)):
        raise FormatError(f"{what}: expected whole pixels, got {width} x {height}")
    return (round(height), round(width))


def name(value: object, what: str) -> str:
    """Return a camera's name: a text, or a whole number.

    Raises:
        FormatError: it is anything else, or empty.
    """
    if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
        return str(value).strip()
    raise FormatError(f"{what}: expected a name, got {shown(value)}")


def mapping(value: object, what: str, wanted: str) -> Mapping[str, object]:
    """Return `value` if it is a table with keys.

    Raises:
        FormatError: it is anything else, or empty.
    """
    if isinstance(value, dict) and value:
        return value
    raise FormatError(f"{what}: expected {wanted}, got {shown(value)}")
