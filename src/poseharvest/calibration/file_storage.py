"""The part of YAML that OpenCV's FileStorage writes: matrices, numbers, texts and lists of them, by name.

The text is read here: OpenCV's own reader ends the process on deeply nested brackets. An entry stands at the start of a
line as `NAME: VALUE`; its further lines are indented. Entries of other forms are kept as texts.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from poseharvest.errors import FormatError

_ENTRY = re.compile(r"(\"[^\"]*\"|[^\s:#\"'\[\]{}-][^:]*):(?:\s+(.*)|\s*)")
_MATRIX = re.compile(
    r"!!opencv-matrix\s+rows:\s*(\d{1,4})\s+cols:\s*(\d{1,4})\s+dt:\s*\"?(\w{1,4})\"?\s+data:\s*\[([^\[\]]*)\]\s*"
)
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_WORDS = {".nan": math.nan, ".inf": math.inf, "-.inf": -math.inf, "+.inf": math.inf}
_TAG = "!!opencv-matrix"


def parse_file_storage(text: str, where: str) -> dict[str, Any]:
    """Return the entries at the top of a file: (rows, columns) float64 arrays, floats, texts, and lists of these.

    Args:
        text: of the file, with its first line `%YAML:1.0`.
        where: the file, for messages.

    Raises:
        FormatError: it is not of this form, or truncated; the message gives the line.
    """
    entries: dict[str, Any] = {}
    for number, key, lines in _blocks(text, where):
        start = f"{where}: not valid OpenCV YAML: line {number}"
        if key in entries:
            raise FormatError(f'{start}: expected every name once, got "{key}" twice')
        try:
            entries[key] = _value(lines)
        except ValueError as error:
            raise FormatError(f'{start}: "{key}": {error}') from error
    return entries


def _blocks(text: str, where: str) -> list[tuple[int, str, list[str]]]:
    """Return line number, name, and the lines of the value of every entry."""
    blocks: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith(("%", "#", "---", "...")):
            continue
        if line[0].isspace() or stripped.startswith("-"):
            if not blocks:
                raise FormatError(
                    f"{where}: not valid OpenCV YAML: line {number}: expected NAME: VALUE, got {line[:40]!r}"
                )
            blocks[-1][2].append(stripped)
            continue
        entry = _ENTRY.fullmatch(stripped)
        if entry is None:
            raise FormatError(f"{where}: not valid OpenCV YAML: line {number}: expected NAME: VALUE, got {line[:40]!r}")
        blocks.append((number, entry[1].strip('"').strip(), [entry[2] or ""]))
    return blocks


def _value(lines: list[str]) -> Any:
    text = " ".join(line for line in lines if line)
    if text.startswith(_TAG):
        return _matrix(text)
    if text.startswith("["):
        if not text.endswith("]"):
            raise ValueError("expected ] at the end of a list")
        return [_scalar(part) for part in _parts(text[1:-1])]
    if len(lines) > 1 and all(line.startswith("-") for line in lines[1:]) and not lines[0]:
        return [_scalar(line[1:]) for line in lines[1:]]
    return _scalar(text)


def _matrix(text: str) -> Any:
    match = _MATRIX.fullmatch(text)
    if match is None:
        raise ValueError("expected rows, cols, dt and data: [ ... ] of a matrix")
    rows, columns = int(match[1]), int(match[2])
    numbers = [_scalar(part) for part in _parts(match[4])]
    if len(numbers) != rows * columns or not all(isinstance(number, float) for number in numbers):
        raise ValueError(f"expected {rows} x {columns} numbers, got {len(numbers)} values")
    return np.array(numbers, dtype=np.float64).reshape(rows, columns)


def _parts(text: str) -> list[str]:
    return text.split(",") if text.strip() else []


def _scalar(text: str) -> float | str:
    word = text.strip()
    if len(word) >= 2 and word[0] == word[-1] and word[0] in "\"'":
        return word[1:-1]
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    return float(word) if _NUMBER.fullmatch(word) else word
