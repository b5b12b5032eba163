"""The folder of a long run. It records the request at the start, so that the run can be resumed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poseharvest.errors import NoteOnError, StoreError, TrainingError
from poseharvest.storage.disk import os_errors_as_store_errors, rename_new
from poseharvest.storage.name_lock import claimed
from poseharvest.storage.record import Record, as_plain, first_difference
from poseharvest.storage.staging import is_leftover, leftovers, make_parent, sibling, sweep


@dataclass(frozen=True)
class RunFolder:
    """The output folder of a run.

    Attributes:
        path: the folder.
        record: name of the JSON file with the record of the run.
        format: the value of the key "format" in that file.
        remedy: how to go on with an interrupted run.
    """

    path: Path
    record: str
    format: str
    remedy: str = "go on with --resume"

    @contextmanager
    def running(self, request: Mapping[str, Any], *, overwrite: bool, resume: bool) -> Iterator[None]:
        """Make the folder, record the request, and keep the folder's name claimed while the block runs.

        An earlier run that is overwritten lies beside the folder, as `.NAME.old-XXXXXXXX`, until the block has ended
        without an error. So at no time is there neither a finished old run nor a finished new one.

        Args:
            request: the request, as plain data.
            overwrite: replace an earlier run.
            resume: continue an earlier run of the same request.

        Raises:
            StoreError: the folder holds something else, or an earlier run that may not be changed, or another process
                writes it.
            TrainingError: the earlier run has a different request.
        """
        target = Path(os.path.realpath(self.path))
        with os_errors_as_store_errors(self.path):
            make_parent(target)
        with claimed(target):
            self._begin(as_plain(request), target, overwrite=overwrite, resume=resume)
            with NoteOnError(f"{self.path} is unfinished: {self.remedy}", signals_only=True):
                yield
            sweep(target)

    def write(self, content: Mapping[str, Any]) -> None:
        """Write the record."""
        self._record.write(content)

    def _begin(self, plain: dict[str, Any], target: Path, *, overwrite: bool, resume: bool) -> None:
        if os.path.lexists(target) and (not target.is_dir() or _holds_something(target)):
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
            self._set_aside(target, is_finished=bool(earlier.get("finished")))
        with os_errors_as_store_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        self.write({"finished": False, **plain})

    def _set_aside(self, target: Path, *, is_finished: bool) -> None:
        """Rename a finished earlier run, and remove an unfinished one."""
        with os_errors_as_store_errors(self.path):
            if is_finished:
                earlier = leftovers(target, ("old",))
                rename_new(target, sibling(target, "old"))
                for folder in earlier:
                    shutil.rmtree(folder, ignore_errors=True)
            else:
                doomed = sibling(target, "partial")  # a kill in the middle must not leave half a run
                rename_new(target, doomed)
                shutil.rmtree(doomed)

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


def _holds_something(folder: Path) -> bool:
    """Return whether a folder holds more than what an interrupted process left of its first file."""
    return any(not is_leftover(path.name) for path in folder.iterdir())
