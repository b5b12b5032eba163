"""Options that hold several things: `name=value`, for parts that have options of their own, and lists of names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from poseharvest.errors import ConfigError
from poseharvest.reading.documents import parse_toml_value

VIEWS_HELP = "Use these views alone, separated by commas."


def split_names(text: str | None) -> list[str] | None:
    """Return the names in a text with commas between them; None if there is no text.

    >>> split_names("cam01, cam02")
    ['cam01', 'cam02']
    """
    return None if text is None else [name.strip() for name in text.split(",")]


def parse_assignments(assignments: Sequence[str], *, option: str) -> dict[str, Any]:
    """Return `name=value` texts as a dictionary; values are TOML where they are, else text.

    >>> parse_assignments(["flip_test=true", "layout=body_25"], option="--detector-option")
    {'flip_test': True, 'layout': 'body_25'}
    >>> parse_assignments(["frame_offset.cam03=1"], option="--detector-option")
    {'frame_offset': {'cam03': 1}}

    Raises:
        ConfigError: one is not of that form; the message names `option`.
    """
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not (name and equals):
            raise ConfigError(f'{option}: expected name=value, got "{assignment}"')
        _place(values, name, _value(value), where=f'{option} "{assignment}"')
    return values


def _place(values: dict[str, Any], name: str, value: Any, *, where: str) -> None:
    """Put a value under its name; `frame_offset.cam03` is the entry `cam03` of a table `frame_offset`."""
    table, dot, key = name.partition(".")
    if not dot:
        values[name] = value
        return
    entries = values.setdefault(table, {})
    if not (table and key and isinstance(entries, dict)):
        raise ConfigError(f"{where}: expected name=value or name.key=value, and one of the two for a name")
    entries[key] = value


def _value(text: str) -> Any:
    try:
        return parse_toml_value(text)
    except ValueError:
        return text
