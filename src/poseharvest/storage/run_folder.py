"""The folder of a run that takes long: it says from the start what was asked for, so that it can be gone on with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poseharvest.errors import StoreError, TrainingError
from poseharvest.storage.staging import os_errors_as_store_errors, staged_file


@dataclass(frozen=True)
class RunFolder:
    """Where a run writes.

    Attributes:
        path: the folder.
        record: name of the JSON file in it that says what ran.
        format: what that file says under "format".
    """

    path: Path
    record: str
    format: str

    def begin(self, said: Mapping[str, Any], *, overwrite: bool, resume: bool) -> None:
        """Make the folder and write down what was asked for; check that an old one may be used or replaced.

        Args:
            said: what was asked for, in plain data.
            overwrite: replace an earlier run.
            resume: go on with an earlier run of the same.

        Raises:
            StoreError: the folder holds something else, or an earlier run that is not to be touched.
            TrainingError: the earlier run was asked for something else.
        """
        plain = json.loads(json.dumps(said))
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            earlier = self._read()
            if earlier is None:
                raise StoreError(f"{self.path}: already exists and is no {self.format}: choose another output")
            if resume:
                self._check_same(earlier, plain)
                return
            if not overwrite:
                raise StoreError(
                    f"{self.path}: already exists: choose another output, resume it, or ask to overwrite it "
                    "(--resume, --overwrite)"
                )
            with os_errors_as_store_errors(self.path):
                shutil.rmtree(self.path)
        with os_errors_as_store_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        self.write({"finished": False, **plain})

    def write(self, content: Mapping[str, Any]) -> None:
        """Write the record."""
        with staged_file(self.path / self.record, overwrite=True) as temporary:
            text = json.dumps({"format": self.format, "version": 1, **content}, indent=2)
            temporary.write_text(text + "\n", encoding="utf-8")

    def _read(self) -> dict[str, Any] | None:
        try:
            content = json.loads((self.path / self.record).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return content if isinstance(content, dict) and content.get("format") == self.format else None

    def _check_same(self, earlier: Mapping[str, Any], said: Mapping[str, Any]) -> None:
        other = [name for name, value in said.items() if earlier.get(name) != value]
        if other:
            name = other[0]
            raise TrainingError(
                f"{self.path}: was begun with {name} {_difference(earlier.get(name), said[name])}: "
                "resume with the same options (--resume), or ask to overwrite it (--overwrite)"
            )


def _difference(before: Any, now: Any) -> str:
    """Return what differs between two values, of dictionaries the first entry alone."""
    if isinstance(before, dict) and isinstance(now, dict):
        key = next(key for key in now if before.get(key) != now[key])
        return f"{key} {_difference(before.get(key), now[key])}"
    return f"{before}, asked for is {now}"
