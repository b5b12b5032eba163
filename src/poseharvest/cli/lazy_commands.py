"""Commands that are imported when they run: the program's own help reads the first line of each and imports none."""

from __future__ import annotations

import ast
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from poseharvest.cli.config_file import CONFIG_HELP, ConfigFile, FileOption, config_path, file_options
from poseharvest.cli.help_panels import sort_into_panels
from poseharvest.cli.log_file import CommandLog

COMMANDS = (
    "demo",
    "harvest",
    "report",
    "review",
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
    "weights",
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
        """Return the context of the command, imported, for some arguments and what the user's file adds to them."""
        everything = [*_from_file(str(self.name), args), *args]
        context = self.load().make_context(info_name, list(everything), *rest, **others)
        if isinstance(context.obj, CommandLog):
            context.obj.begin(str(self.name), everything, context.params.get("out"))
        return context


class LazyCommands(TyperGroup):
    """The program with all its commands."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "commands": {name: LazyCommand(name) for name in COMMANDS}})


def _function(name: str) -> Any:
    return getattr(import_module(f"poseharvest.cli.{name}"), name)


@cache
def _load_command(name: str) -> TyperCommand:
    command = _as_command(name, _function(name))
    (config,) = (one for one in _as_command("any", _with_config).params if one.name == "config")
    config.expose_value = False  # it is read before the command is
    command.params.append(config)
    sort_into_panels(command)
    return command


def _as_command(name: str, function: Any) -> TyperCommand:
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(name, context_settings={"help_option_names": ["-h", "--help"]})(function)
    return cast("TyperCommand", get_command(alone))


def _with_config(config: Annotated[Path | None, typer.Option(help=CONFIG_HELP, show_default=False)] = None) -> None:
    """Hold the option that every command has."""


def _options(name: str) -> dict[str, FileOption]:
    return file_options(_load_command(name), _function(name))


def _all_keys() -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for name in COMMANDS for key in _options(name)))


def _from_file(name: str, arguments: list[str]) -> list[str]:
    """Return the arguments that the user's file adds to those of a command, and say which they are."""
    path = None if {"-h", "--help"} & set(arguments) else config_path(arguments)
    if path is None:
        return []
    options = _options(name)
    values = ConfigFile.read(path, COMMANDS).values(name, options, _all_keys)
    added = {key: value for key, value in values.items() if not options[key].is_in(arguments)}
    if added:
        settings = ", ".join(f"{key} = {value}" for key, value in added.items())
        Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(f"{path}: {settings}")
    return [
        argument
        for key, value in added.items()
        for argument in options[key].arguments(value, f"{path}: {key}", path.parent)
    ]


def first_line(name: str) -> str:
    """Return the first line of a command's docstring, read from the file of its module."""
    tree = ast.parse(Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    (text,) = (ast.get_docstring(function) for function in functions if function.name == name)
    return (text or "").splitlines()[0]
