"""Single values of a calibration document: numbers, flags, sizes and names, with checks.

Tools and users write values in several ways: a number as text, a matrix as one row, a list as JSON in a string, or a
flag as the word "false". Unambiguous values are accepted. All others are an error that shows the value.
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
MAX_NAME = 255
"""Characters of the name of a camera: as many as a file's name has."""


def shown(value: object) -> str:
    """Return the value as a text for a message: one line, shortened if it is long."""
    text = " ".join(str(value).split())
    return repr(text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "...")


def numbers(value: object, shape: tuple[int, ...], what: str) -> Numbers:
    """Return `value`, nested lists or an array, as float64 of `shape`; the nesting may differ.

    Raises:
        FormatError: the value is missing, is not made of numbers, or has another count than `shape`.
    """
    wanted = f"{' x '.join(map(str, shape))} numbers"
    array = any_numbers(value, what, wanted)
    if array.size != math.prod(shape):
        raise FormatError(f"{what}: expected {wanted}, got shape {array.shape}")
    return array.reshape(shape)


def any_numbers(value: object, what: str, wanted: str = "numbers") -> Numbers:
    """Return `value`, a number or nested lists of numbers, as float64 of the same shape.

    Raises:
        FormatError: the value is missing, or contains anything but numbers.
    """
    if value is None:
        raise FormatError(f"{what}: expected {wanted}, got nothing")
    parsed = _from_text(value)
    try:
        if not all(map(_is_number, _leaves(parsed))):
            raise ValueError
        return np.array(parsed, dtype=np.float64)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise FormatError(f"{what}: expected {wanted}, got {shown(value)}") from error


def _from_text(value: object) -> object:
    """Return the list in a string with JSON notation; other values are returned unchanged."""
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
    """Return whether the value is a number or the text of a number. A bool does not count as a number."""
    if isinstance(value, str):
        float(value)  # raises a ValueError if it is not a number
        return True
    return isinstance(value, int | float) and not isinstance(value, bool)


def flag(value: object, what: str) -> bool:
    """Return a flag from a bool or one of the words for it (`_FLAGS`); False if the value is missing.

    Raises:
        FormatError: it is anything else.
    """
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, str | int) and str(value).strip().lower() in _FLAGS:
        return _FLAGS[str(value).strip().lower()]
    raise FormatError(f"{what}: expected true or false, got {shown(value)}")


def image_size(value: object, what: str) -> ImageSize:
    """Return (height, width) of a value in the order (width, height).

    Raises:
        FormatError: the value is not two whole numbers of pixels.
    """
    width, height = numbers(value, (2,), what).tolist()
    return image_size_of(height, width, what)


def image_size_of(height: float, width: float, what: str) -> ImageSize:
    """Return (height, width) as whole numbers.

    Raises:
        FormatError: one of them is not a whole number of pixels.
    """
    if not all(math.isfinite(edge) and edge == round(edge) and abs(edge) <= _MAX_EDGE for edge in (height, width)):
        raise FormatError(f"{what}: expected whole pixels, got {width} x {height}")
    return (round(height), round(width))


def name(value: object, what: str) -> str:
    """Return the name of a camera, from a text or a whole number.

    Raises:
        FormatError: it is anything else, or empty.
    """
    is_name = isinstance(value, str | int) and not isinstance(value, bool) and bool(str(value).strip())
    if is_name and len(str(value).strip()) <= MAX_NAME:
        return str(value).strip()
    raise FormatError(f"{what}: expected a name of at most {MAX_NAME} characters, got {shown(value)}")


def mapping(value: object, what: str, wanted: str) -> Mapping[str, object]:
    """Return `value` if it is a table with entries.

    Raises:
        FormatError: it is anything else, or empty.
    """
    if isinstance(value, dict) and value:
        return value
    raise FormatError(f"{what}: expected {wanted}, got {shown(value)}")
