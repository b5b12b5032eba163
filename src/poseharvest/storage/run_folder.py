"""The folder of a long run. It records the request at the start, so that the run can be resumed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poseharvest.errors import StoreError, TrainingError
from poseharvest.storage.record import Record, as_plain, first_difference
from poseharvest.storage.staging import os_errors_as_store_errors


@dataclass(frozen=True)
class RunFolder:
    """The output folder of a run.

    Attributes:
        path: the folder.
        record: name of the JSON file with the record of the run.
        format: the value of the key "format" in that file.
    """

    path: Path
    record: str
    format: str

    def begin(self, request: Mapping[str, Any], *, overwrite: bool, resume: bool) -> None:
        """Make the folder and record the request; check that an existing folder may be used or replaced.

        Args:
            request: the request, as plain data.
            overwrite: replace an earlier run.
            resume: continue an earlier run of the same request.

        Raises:
            StoreError: the folder holds something else, or an earlier run that may not be changed.
            TrainingError: the earlier run has a different request.
        """
        plain = as_plain(request)
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
        self._record.write(content)

    @property
    def _record(self) -> Record:
        return Record(self.path / self.record, self.format)

    def _read(self) -> dict[str, Any] | None:
        """Return the record of an earlier run; None if the folder holds no run of this format."""
        try:
            return self._record.read()
        except StoreError:
            return None

    def _check_same(self, earlier: Mapping[str, Any], request: Mapping[str, Any]) -> None:
        difference = first_difference({name: earlier.get(name) for name in request}, request)
        if difference is not None:
            raise TrainingError(
                f"{self.path}: was begun with {difference}: "
                "resume with the same options (--resume), or ask to overwrite it (--overwrite)"
            )
