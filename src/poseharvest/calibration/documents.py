"""Reading and writing the text files that calibrations are kept in."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

from poseharvest.errors import FormatError


def read_text(path: Path) -> str:
    """Return the file's text.

    Raises:
        FormatError: there is no such file, or it is not UTF-8 text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path.name}: expected a text file in UTF-8, got other bytes at {error.start}") from error
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror or error}") from error


def load_json(path: Path) -> Any:
    """Return what the JSON file holds.

    Raises:
        FormatError: the file is not JSON, or is cut short; the message says at which line.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise FormatError(f"{path.name}: not valid JSON at line {error.lineno}: {error.msg}") from error


def load_toml(path: Path) -> dict[str, Any]:
    """Return the tables of the TOML file.

    Raises:
        FormatError: the file is not TOML, or is cut short; the message says where.
    """
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise FormatError(f"{path.name}: not valid TOML: {error}") from error


def write_text(path: Path, text: str) -> None:
    """Write the file whole or not at all: under a temporary name first, then renamed.

    Raises:
        FormatError: the file cannot be written there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise FormatError(f"{path}: cannot be written: {error.strerror or error}") from error
