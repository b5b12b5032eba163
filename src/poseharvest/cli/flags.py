"""Errors in the words of the command line: an option that the library names is named by its flag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import typer
from typer.main import get_command


def in_flags(message: str, app: typer.Typer, arguments: Sequence[str]) -> str:
    """Return an error's message, its leading option as the flag of the command that ran.

    `box_margin: expected 0 or more` becomes `--box-margin: expected 0 or more`. What does not begin with an option of
    that command, a file's name say, stays as it is.

    Args:
        message: of the error.
        app: the program.
        arguments: those of the command line, without the program's name.
    """
    commands: Mapping[str, Any] = getattr(get_command(app), "commands", {})
    command = next((commands[argument] for argument in arguments if argument in commands), None)
    name, colon, rest = message.partition(":")
    for parameter in command.load().params if command is not None and colon else ():
        flag = max(parameter.opts, key=len)
        if parameter.name == name and flag.startswith("--"):
            return f"{flag}:{rest}"
    return message
