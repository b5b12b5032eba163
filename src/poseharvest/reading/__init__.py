"""Reading bytes that others wrote: every foreign library has one door here, with a guard and a budget.

A reader returns plain values, or raises one of the package's named errors: never another exception, and never after
gigabytes or minutes. What the values mean is for the packages above to say. Start with `guard`, then
`budgets`; `documents` reads JSON, TOML and XML, and each of the other modules one kind of binary file.
docs/security.md says what is promised.
"""

from __future__ import annotations

from poseharvest.reading.documents import load_json, load_toml, load_xml, parse_json, read_text, write_text
from poseharvest.reading.guard import foreign_library

__all__ = ["foreign_library", "load_json", "load_toml", "load_xml", "parse_json", "read_text", "write_text"]
