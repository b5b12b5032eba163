"""Texts in the cells of tables: a spreadsheet takes one that begins with a sign for a formula, and may run it."""

from __future__ import annotations

from typing import Final

_FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r")
_QUOTE = "'"


def safe_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: with an apostrophe before such a sign.

    >>> safe_cell("=1+1"), safe_cell("cam01")
    ("'=1+1", 'cam01')
    """
    return f"{_QUOTE}{text}" if text.lstrip(_QUOTE).startswith(_FORMULA_SIGNS) else text


def plain_cell(text: str) -> str:
    """Return the text of a cell that `safe_cell` wrote.

    >>> plain_cell("'=1+1"), plain_cell("'a'")
    ('=1+1', "'a'")
    """
    is_safe = text.startswith(_QUOTE) and text.lstrip(_QUOTE).startswith(_FORMULA_SIGNS)
    return text[1:] if is_safe else text
