"""The small JSON file with the settings of a result: writing, reading and comparing it.

A command resumes an earlier result only if its record agrees with the requested settings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poseharvest.errors import StoreError
from poseharvest.reading.documents import load_json
from poseharvest.storage.disk import os_errors_as_store_errors, replace_file
from poseharvest.storage.staging import staged_file

_NOTHING = object()


@dataclass(frozen=True)
class Record:
    """A record on the disk.

    Attributes:
        file: its path.
        format: the value of the key "format".
        subject: the kind of result, for messages.
        indent: spaces a level; None writes one line, which takes a twentieth of the time and suits what nobody reads.
        in_claimed_folder: this process has claimed the folder around it, so that the record needs no lock of its own.
    """

    file: Path
    format: str
    subject: str = "run"
    indent: int | None = 2
    in_claimed_folder: bool = False

    def write(self, content: Mapping[str, Any]) -> None:
        """Write the record; it replaces an earlier one only when it is complete.

        Raises:
            StoreError: it cannot be written.
        """
        text = json.dumps({"format": self.format, "version": 1, **content}, indent=self.indent) + "\n"
        if self.in_claimed_folder:
            with os_errors_as_store_errors(self.file):
                replace_file(self.file, text.encode())
            return
        with staged_file(self.file, overwrite=True) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def read(self) -> dict[str, Any] | None:
        """Return the content; None if there is no file.

        Raises:
            StoreError: the file is damaged or of another format.
        """
        if not self.file.is_file():
            return None
        expected = f"{self.file}: expected the record of a {self.subject}"
        content = load_json(self.file, where=f"{expected}, got a damaged file", error=StoreError)
        if not isinstance(content, dict) or content.get("format") != self.format:
            raise StoreError(f'{expected}, "format": "{self.format}"')
        return content


def as_plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings in the form that JSON gives back: tuples become lists, keys become strings."""
    plain: dict[str, Any] = json.loads(json.dumps(dict(settings)))
    return plain


def first_difference(before: Any, now: Any) -> str | None:
    """Return a text on the first difference between two values of plain data; None if they are equal.

    >>> first_difference({"options": {"seed": 0}}, {"options": {"seed": 1}})
    'options seed 0, asked for is 1'
    """
    if before == now:
        return None
    if isinstance(before, dict) and isinstance(now, dict):
        key = next(key for key in sorted({*before, *now}) if before.get(key, _NOTHING) != now.get(key, _NOTHING))
        return f"{key} {first_difference(before.get(key), now.get(key)) or 'is given on one side only'}"
    return f"{before}, asked for is {now}"
