"""Commands that are imported when they run: the program's own help reads the first line of each and imports none."""

from __future__ import annotations

import ast
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

COMMANDS = (
    "demo",
    "harvest",
    "report",
    "export",
    "kinematics",
    "evaluate",
    "audit",
    "sync",
    "calibrate",
    "personalize",
    "train2d",
    "train3d",
    "predict",
    "reproduce",
)
"""The commands: each is a function of the module of its name in this package."""


class LazyCommand(TyperCommand):
    """A command of which its name and the first line of its help are known."""

    def __init__(self, name: str) -> None:
        super().__init__(name, help=first_line(name))

    def load(self) -> TyperCommand:
        """Return the command, imported."""
        return _load_command(str(self.name))

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **others: Any) -> Any:
        """Return the context of the command, imported, for some arguments."""
        return self.load().make_context(info_name, args, *rest, **others)


class LazyCommands(TyperGroup):
    """The program with all its commands."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "commands": {name: LazyCommand(name) for name in COMMANDS}})


@cache
def _load_command(name: str) -> TyperCommand:
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(name)(getattr(import_module(f"poseharvest.cli.{name}"), name))
    return cast("TyperCommand", get_command(alone))


def first_line(name: str) -> str:
    """Return the first line of a command's docstring, read from the file of its module."""
    tree = ast.parse(Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    (text,) = (ast.get_docstring(function) for function in functions if function.name == name)
    return (text or "").splitlines()[0]
