"""Numbers in the attributes of XML, as several calibrations write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from poseharvest.calibration.values import Numbers, numbers
from poseharvest.errors import FormatError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def attributes(parent: Element, tag: str, keys: Sequence[str], what: str) -> Numbers:
    """Return the numbers in some attributes of an element, (N,) float64.

    Args:
        parent: the element that holds it.
        tag: name of the element.
        keys: names of the attributes, in order.
        what: what the parent is, for messages.

    Raises:
        FormatError: the element or an attribute is missing, or one is no number.
    """
    element = parent.find(tag)
    if element is None:
        raise FormatError(f"{what}: expected <{tag}>, got none")
    missing = [key for key in keys if key not in element.attrib]
    if missing:
        raise FormatError(f"{what}: <{tag}> lacks {', '.join(missing)}")
    return numbers([element.attrib[key] for key in keys], (len(keys),), f"{what}: <{tag}>")
