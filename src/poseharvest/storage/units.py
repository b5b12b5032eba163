"""Finished units of work on the disk: a folder each, with a small file that says that it is done and from what.

A unit without that file was interrupted and is made again (a training goes on from its checkpoint in the folder). A
unit that was made from anything else than what is asked for now is an error: it is neither used nor thrown away.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from poseharvest.errors import ConfigError, StoreError
from poseharvest.storage.staging import file_name, os_errors_as_store_errors, staged_file
from poseharvest.versions import current_versions

RECORD: Final = "unit.json"
FORMAT: Final = "poseharvest unit"


@dataclass(frozen=True)
class UnitStore:
    """The units of a folder.

    Attributes:
        folder: of all of them; tables share it, and with it the harvests that they have in common.
    """

    folder: Path

    def finished(self, name: tuple[str, ...], settings: Mapping[str, Any]) -> Path | None:
        """Return the folder of a unit that is done, or None.

        Raises:
            ConfigError: it was made with other settings; the message says which.
            StoreError: its record is damaged.
        """
        folder = self.path(name)
        record = _read(folder / RECORD)
        if record is None:
            return None
        differing = _difference(record.get("settings"), _plain(settings))
        if differing is not None:
            raise ConfigError(
                f"{folder}: was made with {differing}: choose another output folder, or delete this one to make it anew"
            )
        return folder

    def made(self, name: tuple[str, ...], settings: Mapping[str, Any], make: Callable[[Path], None]) -> Path:
        """Return the folder of a unit, made now unless it is done.

        Args:
            name: of the unit, from the general to the particular; unique.
            settings: all that its content depends on, in plain data.
            make: fills the folder, which may hold the remains of an interrupted call.

        Raises:
            ConfigError: it was made with other settings.
            StoreError: it cannot be written.
        """
        done = self.finished(name, settings)
        if done is not None:
            return done
        folder = self.path(name)
        with os_errors_as_store_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        make(folder)
        said = {"format": FORMAT, "version": 1, "unit": list(name), "settings": _plain(settings)}
        with staged_file(folder / RECORD, overwrite=True) as temporary:
            text = json.dumps({**said, "versions": current_versions()}, indent=2)
            temporary.write_text(text + "\n", encoding="utf-8")
        return folder

    def path(self, name: tuple[str, ...]) -> Path:
        """Return where a unit lies, done or not."""
        return self.folder.joinpath("units", *(file_name(part) for part in name))


def _read(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: the record of a finished unit is damaged: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise StoreError(f'{path}: expected the record of a finished unit, "format": "{FORMAT}"')
    return content


def _plain(settings: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(dict(settings)))


def _difference(before: Any, now: Any) -> str | None:
    """Return what differs between two values of plain data, of dictionaries the first entry; None if nothing does."""
    if before == now:
        return None
    if isinstance(before, dict) and isinstance(now, dict):
        key = next(key for key in sorted({*before, *now}) if before.get(key) != now.get(key))
        return f"{key} {_difference(before.get(key), now.get(key))}"
    return f"{before}, asked for is {now}"
