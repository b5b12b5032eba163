"""Finished units of work on the disk: one folder each, with a small file that records its settings.

A unit without that file was interrupted and is made again; a training continues from its checkpoint in the folder. A
unit with other settings than the requested ones is an error. It is neither used nor deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from poseharvest.errors import ConfigError
from poseharvest.storage.disk import os_errors_as_store_errors
from poseharvest.storage.record import Record, as_plain, first_difference
from poseharvest.storage.staging import file_name
from poseharvest.versions import current_versions

RECORD: Final = "unit.json"
FORMAT: Final = "poseharvest unit"


@dataclass(frozen=True)
class UnitStore:
    """The units of a folder.

    Attributes:
        folder: the folder of all units. Several tables share it, and so share their common harvests.
    """

    folder: Path

    def finished(self, name: tuple[str, ...], settings: Mapping[str, Any]) -> Path | None:
        """Return the folder of a unit if it is finished, else None.

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
        """Return the folder of a unit; make the unit first if it is not finished.

        Args:
            name: the unique name of the unit, from the general part to the special part.
            settings: everything that the content depends on, as plain data.
            make: fills the folder, which may contain files of an interrupted call.

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
        """Return the folder of a unit, whether or not it exists."""
        return self.folder.joinpath("units", *(file_name(part) for part in name))


def _record_in(folder: Path) -> Record:
    return Record(folder / RECORD, FORMAT, "finished unit")
