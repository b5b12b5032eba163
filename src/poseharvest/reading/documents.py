"""Text files and the documents in them: JSON, TOML and XML, each with a budget of size, depth and digits."""

from __future__ import annotations

import codecs
import json
import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poseharvest.errors import FormatError, HarvestError
from poseharvest.reading.budgets import MAX_DEPTH, MAX_DIGITS, MAX_ELEMENTS, MAX_TEXT_BYTES, MAX_TOML_BYTES
from poseharvest.reading.guard import first_line, foreign_library, read_bytes

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_TOML_KEY = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_BARE_HEAD = re.compile(
    r"^[ \t]*\[(?![\[\"'])([^\[\]\n\"']{0,200}?[^\W\d_][^\[\]\n\"']{0,200})\][ \t]*(?=#|$)", re.MULTILINE
)
"""The head of a table without quotes. It needs a letter, so that a row of numbers does not match."""

_NO_BRACKETS = bytes(set(range(256)) - set(b'[]{}"\\'))
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_LONG_NUMBER = b"0" * (MAX_DIGITS + 1)
_DIGITS = bytes(ord("0") if chr(code).isdecimal() and code < 128 else ord(" ") for code in range(256))
"""Maps every digit to 0 and everything else to a space: finding a long number in that is quick."""

_XML_IN_UTF16 = {b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
"""The first two bytes of XML in UTF-16 without a byte order mark."""

_LONE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_text(path: Path, *, where: str | None = None, error: type[HarvestError] = FormatError) -> str:
    """Return the text of a file in UTF-8, UTF-16 (with a byte order mark, or XML), or Windows-1252.

    Args:
        path: the file.
        where: what messages call it; None for its name.
        error: type of the error.

    Raises:
        HarvestError: of type `error`: the file does not exist, is too large, or is not a text file.
    """
    data = read_bytes(path, MAX_TEXT_BYTES, error, where)
    where = where or path.name
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return data.decode("utf-16").replace("\r\n", "\n")
        if data[:2] in _XML_IN_UTF16:
            return data.decode(_XML_IN_UTF16[data[:2]]).replace("\r\n", "\n")
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        if _BINARY.search(data):
            raise error(f"{where}: expected a text file, got binary data") from failure
        text = data.decode("cp1252", errors="replace")
    if _BINARY.search(data):
        raise error(f"{where}: expected a text file, got binary data")
    return text.replace("\r\n", "\n")


def load_json(path: Path, *, where: str | None = None, error: type[HarvestError] = FormatError) -> Any:
    """Return the content of a JSON file.

    Args:
        path: the file.
        where: what messages call it; None for its name.
        error: type of the error.

    Raises:
        HarvestError: of type `error`, as `parse_json`, or the file cannot be read.
    """
    return parse_json(read_text(path, where=where, error=error), where or path.name, error=error)


def parse_json(text: str, where: str, *, error: type[HarvestError] = FormatError) -> Any:
    """Return the content of a JSON text. NaN and Infinity, which many tools write, are numbers.

    Args:
        text: the text.
        where: the file, for messages.
        error: type of the error.

    Raises:
        HarvestError: of type `error`: it is not JSON, is truncated (the message gives the line), has a key twice, a
            whole number of more than 64 bits, half a character, or lists and tables in one another more than
            `MAX_DEPTH` deep.
    """
    if _depth(text) > MAX_DEPTH:
        raise error(f"{where}: not valid JSON: expected lists and tables at most {MAX_DEPTH} deep, got deeper ones")

    try:
        # Looking for long numbers first spares a call for every short one.
        whole = _whole if _LONG_NUMBER in text.encode("utf-8", "replace").translate(_DIGITS) else None
        document = json.loads(text, object_pairs_hook=partial(_unique, where, error), parse_int=whole)
    except json.JSONDecodeError as failure:
        raise error(f"{where}: not valid JSON at line {failure.lineno}: {failure.msg}") from failure
    except (ValueError, RecursionError) as failure:
        raise error(f"{where}: not valid JSON: {first_line(failure)}") from failure
    if _LONE_SURROGATE.search(text):
        _check_characters(document, where, error)
    return document


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS + 1:
        raise ValueError(f"a whole number of {len(digits)} digits, expected 64 bits")
    return int(digits)


def _unique(where: str, error: type[HarvestError], pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object; refuse repeated keys, because one camera would replace another."""
    members = dict(pairs)
    if len(members) < len(pairs):
        twice = sorted(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise error(f"{where}: expected every name once, got twice: {', '.join(twice)}")
    return members


def _depth(text: str) -> int:
    """Return how deep brackets are within one another, those in strings left out; 0 if it is clear that few are."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return 0
    import numpy as np

    marks = _STRING.sub(b"", text.encode("utf-8", "replace").translate(None, _NO_BRACKETS))
    codes = np.frombuffer(marks.translate(None, b'"\\'), dtype=np.uint8)
    opens = (codes == ord("[")) | (codes == ord("{"))
    return int(np.where(opens, 1, -1).cumsum().max(initial=0))


def _check_characters(document: Any, where: str, error: type[HarvestError]) -> None:
    """Refuse half a character (a lone surrogate): it could be read and would fail wherever it is written."""
    try:
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as failure:
        raise error(
            f"{where}: not valid JSON: a text holds half a character, {failure.object[failure.start]!a}"
        ) from failure


def load_toml(path: Path, *, where: str | None = None, error: type[HarvestError] = FormatError) -> dict[str, Any]:
    """Return the tables of the TOML file; `where` is what messages call it, None for its name.

    Some tools write the name of a camera into the head of a table without quotes (`[Miqus 0]`). This is not TOML, so
    quotes are added.

    Raises:
        HarvestError: of type `error`: the file is not TOML or is truncated (the message gives the place), or is deeper
            than `MAX_DEPTH` or larger than `MAX_TOML_BYTES`.
    """
    text = read_text(path, where=where, error=error)
    where = where or path.name
    if len(text) > MAX_TOML_BYTES:
        raise error(f"{where}: expected at most {MAX_TOML_BYTES / 1e6:.0f} MB of TOML, got {len(text) / 1e6:.0f} MB")
    tables = _tables(text, where, error)
    if _is_deep(tables):
        raise error(f"{where}: not valid TOML: expected tables at most {MAX_DEPTH} deep, got deeper ones")
    return tables


def parse_toml_value(text: str) -> Any:
    """Return what a text is as a value of TOML.

    Raises:
        ValueError: it is none.
    """
    if len(text) > MAX_TOML_BYTES:
        raise ValueError("too long")
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except RecursionError as failure:
        raise ValueError(first_line(failure)) from failure


def _tables(text: str, where: str, error: type[HarvestError]) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as failure:
        quoted = _BARE_HEAD.sub(_quoted_head, text)
        with suppress(ValueError, RecursionError):
            return tomllib.loads(quoted)
        end = f"end of document, line {text.count(chr(10)) + 1}"
        reason = first_line(failure).replace("end of document", end)
        raise error(f"{where}: not valid TOML: {reason}") from failure


def _is_deep(document: Any) -> bool:
    level: Iterable[Any] = [document]
    for _ in range(MAX_DEPTH + 1):
        inner = [value for value in level if isinstance(value, dict | list)]
        level = [part for value in inner for part in (value.values() if isinstance(value, dict) else value)]
        if not level:
            return False
    return True


def _quoted_head(head: re.Match[str]) -> str:
    name = head[1].strip()
    return head[0] if _TOML_KEY.fullmatch(name) else f"[{json.dumps(name, ensure_ascii=False)}]"


def load_xml(path: Path, *, error: type[HarvestError] = FormatError) -> Element:
    """Return the root of an XML file.

    Raises:
        HarvestError: of type `error`: it is no XML, defines entities, which can unpack into gigabytes, or has more
            than `MAX_ELEMENTS` elements.
    """
    from xml.etree import ElementTree

    text = read_text(path, error=error)
    if "<!ENTITY" in text or "<!DOCTYPE" in text:
        raise error(f"{path.name}: XML with entity definitions is refused")
    if text.count("<") > MAX_ELEMENTS:
        raise error(f"{path.name}: expected at most {MAX_ELEMENTS} elements of XML, got more")
    with foreign_library(f"{path.name}: not valid XML", error):
        return ElementTree.fromstring(text)


def write_text(path: Path, text: str) -> None:
    """Write a file completely or not at all: first under a temporary name, then renamed.

    Raises:
        FormatError: the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as failure:
        temporary.unlink(missing_ok=True)
        raise FormatError(f"{path}: cannot be written: {failure.strerror or failure}") from failure
