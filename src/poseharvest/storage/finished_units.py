"""Finished units of work on the disk: a folder each, with a small file that says that it is done and from what.

A unit without that file was interrupted and is made again (a training goes on from its checkpoint in the folder). A
unit that was made from anything else than what is asked for now is an error: it is neither used nor thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from poseharvest.errors import ConfigError
from poseharvest.storage.record import Record, as_plain, first_difference
from poseharvest.storage.staging import file_name, os_errors_as_store_errors
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
        content = _record_in(folder).read()
        if content is None:
            return None
        differing = first_difference(content.get("settings"), as_plain(settings))
        if differing is not None:
            raise ConfigError(
                f"{folder}: was made with {differing}: choose another output folder, or delete this one to make it anew"
            )
        return folder

    def ensure(self, name: tuple[str, ...], settings: Mapping[str, Any], make: Callable[[Path], object]) -> Path:
        """Return the folder of a unit, made now unless it is done.

        Args:
            name: of the unit, from the general to the particular; unique.
            settings: all that its content depends on, in plain data.
            make: fills the folder, which may hold the remains of an interrupted call.

        Raises:
            ConfigError: it was made with other settings.
            StoreError: it cannot be written.
        """
        finished = self.finished(name, settings)
        if finished is not None:
            return finished
        folder = self.path(name)
        with os_errors_as_store_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        make(folder)
        content = {"unit": list(name), "settings": as_plain(settings), "versions": current_versions()}
        _record_in(folder).write(content)
        return folder

    def path(self, name: tuple[str, ...]) -> Path:
        """Return where a unit lies, done or not."""
        return self.folder.joinpath("units", *(file_name(part) for part in name))


def _record_in(folder: Path) -> Record:
    return Record(folder / RECORD, FORMAT, "finished unit")
