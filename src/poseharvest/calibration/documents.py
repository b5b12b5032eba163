"""Reading and writing the text files of calibrations."""

from __future__ import annotations

import codecs
import json
import os
import re
import tomllib
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from poseharvest.errors import FormatError

_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_TOML_KEY = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_BARE_HEAD = re.compile(r"^[ \t]*\[(?![\[\"'])([^\[\]\n\"']*[^\W\d_][^\[\]\n\"']*)\][ \t]*(?=#|$)", re.MULTILINE)
"""The head of a table without quotes. It needs a letter, so that a row of numbers does not match."""


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8, UTF-16 with byte order mark, or Windows-1252.

    Raises:
        FormatError: the file does not exist, or is not a text file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return data.decode("utf-16").replace("\r\n", "\n")
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if _BINARY.search(data):
            raise FormatError(f"{path.name}: expected a text file, got binary data") from error
        text = data.decode("cp1252", errors="replace")
    if _BINARY.search(data):
        raise FormatError(f"{path.name}: expected a text file, got binary data")
    return text.replace("\r\n", "\n")


def load_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        FormatError: the file is not JSON, is truncated (the message gives the line), or has a key twice.
    """
    text = read_text(path)
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: _unique(pairs, path.name))
    except json.JSONDecodeError as error:
        raise FormatError(f"{path.name}: not valid JSON at line {error.lineno}: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path.name}: not valid JSON: {_one_line(error)}") from error


def _unique(pairs: list[tuple[str, Any]], where: str) -> dict[str, Any]:
    """Return the object; refuse repeated keys, because one camera would replace another."""
    members = dict(pairs)
    if len(members) < len(pairs):
        twice = sorted(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise FormatError(f"{where}: expected every name once, got twice: {', '.join(twice)}")
    return members


def load_toml(path: Path) -> dict[str, Any]:
    """Return the tables of the TOML file.

    Some tools write the name of a camera into the head of a table without quotes (`[Miqus 0]`). This is not TOML, so
    quotes are added.

    Raises:
        FormatError: the file is not TOML or is truncated; the message gives the place.
    """
    text = read_text(path)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        quoted = _BARE_HEAD.sub(_quoted_head, text)
        with suppress(ValueError, RecursionError):
            return tomllib.loads(quoted)
        end = f"end of document, line {text.count(chr(10)) + 1}"
        raise FormatError(f"{path.name}: not valid TOML: {_one_line(error).replace('end of document', end)}") from error


def _quoted_head(head: re.Match[str]) -> str:
    name = head[1].strip()
    return head[0] if _TOML_KEY.fullmatch(name) else f"[{json.dumps(name, ensure_ascii=False)}]"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def write_text(path: Path, text: str) -> None:
    """Write a file completely or not at all: first under a temporary name, then renamed.

    Raises:
        FormatError: the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise FormatError(f"{path}: cannot be written: {error.strerror or error}") from error
