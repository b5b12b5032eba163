"""Reading bytes that others wrote: every foreign library has one door here, with a guard and a budget.

A reader returns plain values, or raises one of the package's named errors: never another exception, and never after
gigabytes or minutes. What the values mean is for the packages above to say. Start with `guard`, then
`budgets`; `documents` reads JSON, TOML and XML, and each of the other modules one kind of binary file.
docs/security.md says what is promised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.reading.documents import load_json, load_toml, load_xml, parse_json, read_text, write_text
    from poseharvest.reading.guard import foreign_library
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["foreign_library", "load_json", "load_toml", "load_xml", "parse_json", "read_text", "write_text"]
