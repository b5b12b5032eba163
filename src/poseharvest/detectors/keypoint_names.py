"""Which number in the names of files or pictures is the frame: the one that varies from name to name.

`cam01_000012_keypoints`, `frame_000012_cam01` and `cam01_000012_jpg.rf.<hash>` are all picture 12: `01` is the same in
every name of the view, and a hash is no number. Where more than one number could be the frame, nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from poseharvest.errors import FormatError

_UUID = re.compile(r"(?<![0-9a-z])[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-z])", re.IGNORECASE)
_HEX_WORD = re.compile(r"(?<![0-9a-z])[0-9a-f]{8,}(?![0-9a-z])", re.IGNORECASE)
_LEAST_TURNS_OF_A_HASH = 2  # from letter to digit or back: `face0012` has one, a hash has many
_MAX_DIGITS = 18
_SUFFIX = re.compile(r"\.[a-z][a-z0-9]{1,4}$", re.IGNORECASE)


def frame_numbers(names: Sequence[str], *, where: str) -> tuple[int, ...]:
    """Return the frame number in each name.

    Args:
        names: of files or pictures, with or without folders and suffixes.
        where: the folder or file that holds them, for errors.

    >>> frame_numbers(["frame_0007_cam01.jpg", "frame_0008_cam01.jpg"], where="cam01.json")
    (7, 8)

    Raises:
        FormatError: a name has no number, two names have the same one, the names are of different forms, or more than
            one number could be the frame.
    """
    split = [re.split(r"(\d+)", _without_hashes(stem_of(name)).casefold()) for name in names]
    for name, pieces in zip(names, split, strict=True):
        if len(pieces) < 2 or not all(map(is_number, pieces[1::2])):
            raise FormatError(f"{where}: expected a frame number in every name, got {name} without one")
        if pieces[0::2] != split[0][0::2]:
            raise FormatError(
                f"{where}: expected names that differ in their frame number alone, got {names[0]} and {name}"
            )
    rows = [tuple(map(int, pieces[1::2])) for pieces in split]
    column = _frame_column(rows, names, where)
    return tuple(row[column] for row in rows)


def is_number(text: str) -> bool:
    """Return whether a text is the number of a picture: whole, and of 64 bits at most."""
    return text.isdecimal() and len(text) <= _MAX_DIGITS


def stem_of(name: str) -> str:
    """Return a name without its folder and without a suffix such as `.jpg`; `cam01.440` stays whole."""
    return _SUFFIX.sub("", re.split(r"[/\\]", name)[-1])


def form_of(name: str) -> tuple[str, ...]:
    """Return what stands between the numbers of a name; names of one form can be compared."""
    return tuple(re.split(r"\d+", _without_hashes(stem_of(name)).casefold()))


def _without_hashes(stem: str) -> str:
    return _HEX_WORD.sub(_hash_or_word, _UUID.sub("#", stem))


def _hash_or_word(match: re.Match[str]) -> str:
    kinds = [letter.isdecimal() for letter in match[0]]
    turns = sum(a != b for a, b in pairwise(kinds))
    return "#" if turns >= _LEAST_TURNS_OF_A_HASH else match[0]


def _frame_column(rows: Sequence[tuple[int, ...]], names: Sequence[str], where: str) -> int:
    """Return which of the numbers is the frame; the last one where there is a single name."""
    columns = range(len(rows[0]))
    if len(rows) == 1:
        return columns[-1]
    values = [len({row[column] for row in rows}) for column in columns]
    unique = [column for column in columns if values[column] == len(rows)]
    if not unique:
        _refuse_repeats(rows, names, where, max(columns, key=lambda column: (values[column], column)))
    ordered = [rows[i] for i in sorted(range(len(rows)), key=lambda i: rows[i])]
    rising = all(a[unique[-1]] < b[unique[-1]] for a, b in pairwise(ordered))
    if not rising or any(row[column] != row[unique[-1]] for row in rows for column in unique):
        raise FormatError(
            f"{where}: expected one number that varies from name to name, the frame, got several in {names[0]} and "
            f"{names[1]}: rename the files by frame"
        )
    return unique[-1]


def _refuse_repeats(rows: Sequence[tuple[int, ...]], names: Sequence[str], where: str, column: int) -> None:
    name_of: dict[int, str] = {}
    for row, name in zip(rows, names, strict=True):
        if row[column] in name_of:
            raise FormatError(
                f"{where}: expected one name for frame {row[column]}, got {name_of[row[column]]} and {name}"
            )
        name_of[row[column]] = name
