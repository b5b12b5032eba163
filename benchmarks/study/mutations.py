"""Damage to a valid file: flipped bits, cuts, doubled parts, values of another type, deep nesting, other encodings.

Each function takes the bytes of a sample and a generator, and returns other bytes. The same seed gives the same bytes.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType
from typing import Any

Mutation = Callable[[bytes, Random], bytes]

_FEW = 8
_DEEP = 50_000
_MANY_DIGITS = 5_000

ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**9,
    10**20,
    -(10**400),
    float("nan"),
    float("inf"),
    "",
    "near",
    "..",
    "../../x",
    "\ud800",
    "=1+1",
    "[[1, 2",
    [],
    {},
    [[]],
    [1, 2, 3],
    [None],
    ["a"],
    {"a": 1},
    {"a": {"b": [1]}},
    [[1, 2], [3]],
    [{}],
    [[{}]],
)
"""What may stand in the place of any value of a JSON document."""

_ODD_TOML = (
    "0",
    "-1",
    "1e400",
    "nan",
    "inf",
    "1000000000",
    "9" * _MANY_DIGITS,
    '""',
    '"near"',
    '"\\u0000"',
    "true",
    "[]",
    "{}",
    "[[]]",
    "[1, 2, 3]",
    '["a"]',
    "{a = 1}",
    "[{}]",
    "1979-05-27",
    "07:32:00",
    "[" * 200 + "]" * 200,
    "[" * _DEEP + "]" * _DEEP,
)
_ODD_WORDS = (
    "",
    "nan",
    "inf",
    "1e999",
    "-1",
    "x",
    "9" * _MANY_DIGITS,
    "0x10",
    "١",
    "1_000",
    "=1",
    ",",
    '"',
    "{",
    "[",
    "\0",
)
_VALUE = re.compile(rb"(?<==)[ ]*[^\n]+|-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
_WORD = re.compile(rb"[^\s,;:\[\]{}\"'<>=]+")


def flip_bits(data: bytes, random: Random) -> bytes:
    """Flip one to eight bits."""
    changed = bytearray(data)
    for _ in range(random.randint(1, _FEW)):
        if changed:
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def set_bytes(data: bytes, random: Random) -> bytes:
    """Replace a short run by extreme numbers, zeros or ones."""
    value = random.choice((
        b"\0" * random.randint(1, 64),
        b"\xff" * random.randint(1, 64),
        struct.pack(random.choice("<>") + random.choice("iIqQd"), random.choice((0, 1, 2**31 - 1))),
        random.randbytes(random.randint(1, 16)),
    ))
    at = random.randrange(len(data) + 1)
    return data[:at] + value + data[at + len(value) :]


def truncate(data: bytes, random: Random) -> bytes:
    """Cut off the end, or all."""
    return data[: random.randrange(len(data) + 1)]


def delete_span(data: bytes, random: Random) -> bytes:
    """Take out a run."""
    at, size = _span(data, random)
    return data[:at] + data[at + size :]


def double_span(data: bytes, random: Random) -> bytes:
    """Repeat a run one or many times."""
    at, size = _span(data, random)
    return data[:at] + data[at : at + size] * random.choice((2, 2, 3, 50)) + data[at + size :]


def move_span(data: bytes, random: Random) -> bytes:
    """Put a run somewhere else."""
    at, size = _span(data, random)
    rest = data[:at] + data[at + size :]
    to = random.randrange(len(rest) + 1)
    return rest[:to] + data[at : at + size] + rest[to:]


def insert_foreign(data: bytes, random: Random) -> bytes:
    """Put in what is no UTF-8, a null, a mark of byte order, or many brackets."""
    value = random.choice((
        b"\xff\xfe", b"\x80", b"\xed\xa0\x80", b"\0", b"\xef\xbb\xbf", b"\r", "é".encode("latin-1"), b"[" * _DEEP,
        b"{" * _DEEP, b"<a>" * _DEEP, b"9" * _MANY_DIGITS, b"NaN", b"&lol;",
    ))  # fmt: skip
    at = random.choice((0, len(data), random.randrange(len(data) + 1)))
    return data[:at] + value + data[at:]


def encode_otherwise(data: bytes, random: Random) -> bytes:
    """Encode the text in UTF-16 or UTF-32, or repeat it wholly."""
    text = data.decode("utf-8", errors="replace")
    return random.choice((text.encode("utf-16"), text.encode("utf-16-le"), text.encode("utf-32"), data + data))


def swap_word(data: bytes, random: Random) -> bytes:
    """Replace a word or number of a text by an odd one."""
    return _replaced(data, random, _WORD, random.choice(_ODD_WORDS).encode())


def swap_toml_value(data: bytes, random: Random) -> bytes:
    """Replace a value of a TOML document by one of another type."""
    return _replaced(data, random, _VALUE, b" " + random.choice(_ODD_TOML).encode())


def swap_json_value(data: bytes, random: Random) -> bytes:
    """Replace, remove or rename a part of a JSON document."""
    try:
        document = json.loads(data)
    except ValueError:
        return flip_bits(data, random)
    return json.dumps(changed_document(document, random)).encode()


def changed_document(document: Any, random: Random) -> Any:
    """Return a JSON document with one part of it replaced, removed, renamed or nested."""
    holder, key = _place(document, random)
    if holder is None:
        return random.choice(ODD_VALUES)
    action = random.randrange(10)
    if action == 0:
        del holder[key]
    elif action == 1 and isinstance(holder, dict):
        holder[random.choice(("x", "", "../x", str(key).upper()))] = holder.pop(key)
    elif action == 2:
        holder[key] = _nested(random)
    elif action == 3 and isinstance(holder, list):
        holder.insert(key, holder[key])
    else:
        holder[key] = random.choice(ODD_VALUES)
    return document


def swap_safetensors(data: bytes, random: Random) -> bytes:
    """Change the JSON header of a safetensors file, or the JSON within its metadata."""
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    metadata = header.get("__metadata__", {})
    texts = [key for key, value in metadata.items() if value.startswith(("{", "["))]
    if texts and random.random() < 0.7:
        key = random.choice(texts)
        metadata[key] = json.dumps(changed_document(json.loads(metadata[key]), random))
    elif metadata and random.random() < 0.3:
        metadata[random.choice(sorted(metadata))] = random.choice(("", "null", "[]", "{}", "x", "[" * _DEEP))
    else:
        header = changed_document(header, random)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + size :]


_BYTES: tuple[Mutation, ...] = (
    flip_bits, flip_bits, flip_bits, set_bytes, set_bytes, truncate, delete_span, double_span, move_span,
    insert_foreign,
)  # fmt: skip

KINDS: Mapping[str, tuple[Mutation, ...]] = MappingProxyType({
    "bytes": _BYTES,
    "text": (*_BYTES, encode_otherwise, *(swap_word,) * 6),
    "json": (*_BYTES, encode_otherwise, swap_word, *(swap_json_value,) * 12),
    "toml": (*_BYTES, encode_otherwise, swap_word, *(swap_toml_value,) * 10),
    "safetensors": (*_BYTES, *(swap_safetensors,) * 12),
})
"""The mutations of each kind of file."""


def mutate(data: bytes, kind: str, random: Random) -> bytes:
    """Return the sample, damaged one to three times."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        mutation = random.choice(KINDS[kind])
        try:
            data = mutation(data, random)
        except (ValueError, RecursionError, struct.error, AttributeError):
            data = flip_bits(data, random)  # an earlier mutation left no document to change
    return data


def _span(data: bytes, random: Random) -> tuple[int, int]:
    size = min(len(data), random.choice((1, 2, 4, 8, 16, 64, 256, 4096)))
    return random.randrange(len(data) - size + 1), size


def _replaced(data: bytes, random: Random, pattern: re.Pattern[bytes], value: bytes) -> bytes:
    found = list(pattern.finditer(data))
    if not found:
        return flip_bits(data, random)
    match = random.choice(found)
    return data[: match.start()] + value + data[match.end() :]


def _place(document: Any, random: Random) -> tuple[Any, Any]:
    """Return a container within the document and a key of it, at a random depth."""
    holder, key = None, None
    value = document
    while isinstance(value, dict | list) and value and (holder is None or random.random() < 0.75):
        holder, key = value, random.choice(list(value)) if isinstance(value, dict) else random.randrange(len(value))
        value = value[key]
    return holder, key


def _nested(random: Random) -> Any:
    value: Any = random.choice((1, {}, "a"))
    for _ in range(random.choice((5, 100, 400))):
        value = random.choice(([value], {"a": value}))
    return value
