"""Options of the form `name=value`, for parts that have options of their own."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any

from poseharvest.errors import ConfigError


def parse_assignments(assignments: Sequence[str], *, option: str) -> dict[str, Any]:
    """Return `name=value` texts as a dictionary; values are TOML where they are, else text.

    >>> parse_assignments(["flip_test=true", "layout=body_25"], option="--detector-option")
    {'flip_test': True, 'layout': 'body_25'}

    Raises:
        ConfigError: one is not of that form; the message names `option`.
    """
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not (name and equals):
            raise ConfigError(f'{option}: expected name=value, got "{assignment}"')
        values[name] = _value(value)
    return values


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
