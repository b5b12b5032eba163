"""`poseharvest.toml`: options of all commands in one file. A flag on the command line comes before the file.

The table of a command holds its options, under the names of their flags without the dashes. Keys above the first table
are options of every command that has them. The options are put in front of the arguments of the command, so that they
are converted and checked like these.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

from typer.core import TyperCommand

from poseharvest.errors import ConfigError

CONFIG_NAME = "poseharvest.toml"
CONFIG_FLAG = "--config"
CONFIG_HELP = f"File with options of all commands; {CONFIG_NAME} in the current folder if not given."


@dataclass(frozen=True)
class FileOption:
    """An option of a command, as a file can set it.

    Attributes:
        flags: its names on the command line; the last one is used.
        denied: the flags that say no, of an option that is true or false.
        type: its type without None.
    """

    flags: tuple[str, ...]
    denied: tuple[str, ...]
    type: Any

    @property
    def is_list(self) -> bool:
        """The option may be repeated."""
        return get_origin(self.type) is list

    def is_in(self, arguments: Sequence[str]) -> bool:
        """Return whether the command line sets it."""
        flags = (*self.flags, *self.denied)
        return any(argument.partition("=")[0] in flags for argument in arguments)

    def arguments(self, value: Any, where: str, folder: Path) -> list[str]:
        """Return a value of the file as arguments of the command line.

        Args:
            value: as the file has it.
            where: the file and the key, for messages.
            folder: of the file; a value that is a place is relative to it.

        Raises:
            ConfigError: the value is of another kind than the option.
        """
        if self.type is bool:
            if not isinstance(value, bool):
                raise ConfigError(f"{where}: expected true or false, got {value!r}")
            return [self.flags[-1]] if value else list(self.denied[-1:])
        if isinstance(value, dict) or (isinstance(value, list) and not self.is_list):
            raise ConfigError(f"{where}: expected {'a list' if self.is_list else 'one value'}, got {value!r}")
        is_place = Path in {self.type, *get_args(self.type)}
        texts = [_text(one, where) for one in (value if isinstance(value, list) else [value])]
        placed = [str(folder / text) if is_place and "://" not in text else text for text in texts]
        return [f"{self.flags[-1]}={text}" for text in placed]


@dataclass(frozen=True)
class ConfigFile:
    """The options in a file.

    Attributes:
        path: of the file.
        shared: option -> value, for every command that has the option.
        by_command: command -> option -> value.
    """

    path: Path
    shared: Mapping[str, Any]
    by_command: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, path: Path, commands: Sequence[str]) -> ConfigFile:
        """Return the options of a file.

        Args:
            path: the file.
            commands: the names of all commands.

        Raises:
            ConfigError: there is no such file, it is not TOML, or a table is no command's.
        """
        from poseharvest.reading.documents import load_toml

        document = load_toml(path, where=str(path), error=ConfigError)
        tables = {name: value for name, value in document.items() if isinstance(value, dict)}
        for name in tables:
            if name not in commands:
                raise ConfigError(f'{path}: expected the table of a command, got "{name}"; {_nearest(name, commands)}')
        return cls(path, {key: value for key, value in document.items() if key not in tables}, tables)

    def values(
        self, command: str, options: Mapping[str, FileOption], known: Callable[[], Collection[str]]
    ) -> dict[str, Any]:
        """Return the values for a command by the keys of its options.

        Args:
            command: the command that is to run.
            options: its options by key.
            known: returns the keys of all commands; called where a key may be another command's.

        Raises:
            ConfigError: a key in the table of the command is no option of it, or one above the tables is no command's.
        """
        own = {_as_key(key): value for key, value in self.by_command.get(command, {}).items()}
        shared = {_as_key(key): value for key, value in self.shared.items()}
        for key in own:
            if key not in options:
                raise ConfigError(f'{self.path}: [{command}]: unknown option "{key}"; {_nearest(key, options)}')
        for key in shared:
            if key not in options and key not in known():
                raise ConfigError(f'{self.path}: no command has an option "{key}"; {_nearest(key, known())}')
        return {key: value for key, value in {**shared, **own}.items() if key in options}


def file_options(command: TyperCommand, function: Callable[..., Any]) -> dict[str, FileOption]:
    """Return the options of a command by their keys in the file: the long flag without its dashes.

    Args:
        command: as it runs.
        function: from which it was made, whose parameters have the types.
    """
    types = inspect.signature(function, eval_str=True).parameters
    options = {}
    for parameter in command.params:
        if parameter.name in types and any(flag.startswith("--") for flag in parameter.opts):
            kind = _bare(types[parameter.name].annotation)
            flags = tuple(sorted(parameter.opts, key=len))
            options[_as_key(flags[-1])] = FileOption(flags, tuple(parameter.secondary_opts), kind)
    return options


def config_path(arguments: Sequence[str]) -> Path | None:
    """Return the file that the command line names, else the one in the current folder; None if there is none."""
    for position, argument in enumerate(arguments):
        flag, equals, value = argument.partition("=")
        if flag == CONFIG_FLAG:
            if not equals and position + 1 == len(arguments):
                return None  # its value is missing: the command says so
            return Path(value if equals else arguments[position + 1])
    return Path(CONFIG_NAME) if Path(CONFIG_NAME).is_file() else None


def _nearest(name: str, known: Collection[str]) -> str:
    from poseharvest.reading.foreign_records import nearest  # most runs have no need of it

    return nearest(name, known)


def _bare(annotation: Any) -> Any:
    """Return a type without what annotates it and without None."""
    kind = get_args(annotation)[0] if hasattr(annotation, "__metadata__") else annotation
    others = [one for one in get_args(kind) if one is not type(None)]
    return others[0] if type(None) in get_args(kind) and len(others) == 1 else kind


def _text(value: Any, where: str) -> str:
    if isinstance(value, bool | dict | list) or not isinstance(value, str | int | float):
        raise ConfigError(f"{where}: expected a text or a number, got {value!r}")
    return str(value)


def _as_key(text: str) -> str:
    return text.removeprefix("--").replace("_", "-")
