"""Interpretation of the picture names of a view: clock times, numbers, or only an order.

Names are compared within a view. A part that all names share, such as the number of the camera, is ignored. Parts whose
letters change from picture to picture, such as hashes, are ignored as well.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

_DATE = r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<s>[-_.]?)(?P<month>\d\d)(?P=s)(?P<day>\d\d)"
_MINUTES = r"(?P<minute>\d\d)(?:(?P=t)|m)(?P<second>\d\d)"
_DATED = rf"{_DATE}[-_ T.]*(?P<hour>\d\d)(?P<t>[-_.:h]?){_MINUTES}(?P<mark>[.,_:s-]*)(?P<fraction>\d*)"
_CLOCK = rf"(?<!\d)(?P<hour>\d\d)(?P<t>[-_.:h]){_MINUTES}(?:(?P<mark>[.,_:s-]+)(?P<fraction>\d+))?"
_STAMP = r"(?<!\d)(?P<stamp>\d{10}|\d{13}|\d{16}|\d{19})(?:(?P<mark>[.,])(?P<fraction>\d+))?"

_SECOND_NS = 10**9
_DAY_NS = 86_400 * _SECOND_NS
_STAMP_DIGITS = 10  # of seconds since 1970
_STAMP_RANGE_NS = (946_684_800 * _SECOND_NS, 4_102_444_800 * _SECOND_NS)  # the years 2000 to 2099

Match = re.Match[str]


def clock_ns(stems: Sequence[str]) -> Numbers | None:
    """Return the (N,) times in the names, nanoseconds; None if the names contain no different times.

    Accepted are times of day (12-00-05.167) with or without a date, dates, and stamps since 1970 in seconds, milli-,
    micro- or nanoseconds. Times are rejected if two pictures have the same one. A count that looks like a time is
    rejected as well: it increases by one from picture to picture.
    """
    readings: tuple[tuple[str, Callable[[Match, bool], int | None]], ...] = (
        (_DATED, _time_ns),
        (_CLOCK, _time_ns),
        (_STAMP, _stamp_ns),
        (_DATE, _date_ns),
    )
    for pattern, to_ns in readings:
        overlapping = re.compile(rf"(?=(?P<all>{pattern})(?!\d))")
        matches_of_stems = [list(overlapping.finditer(stem)) for stem in stems]
        for place in range(1, min(map(len, matches_of_stems)) + 1):  # start with the last one in the names
            matches = [of_stem[-place] for of_stem in matches_of_stems]
            times = _times(matches, to_ns)
            if times is not None and (pattern == _DATE or not _is_count([match["all"] for match in matches])):
                return times
    return None


def number_columns(stems: Sequence[str]) -> list[Numbers]:
    """Return the numbers at every place where all names have one; empty if the names differ in structure."""
    words = [re.split(r"[-_. ()\[\]]+", stem) for stem in stems]
    if len({len(of_stem) for of_stem in words}) > 1:
        return []
    columns: list[list[int]] = []
    for place in zip(*words, strict=True):
        parts = [re.split(r"(\d+)", word) for word in place]
        if len({tuple(part.lower() for part in of_word[::2]) for of_word in parts}) == 1:
            columns += [[int(digits) for digits in column] for column in list(zip(*parts, strict=True))[1::2]]
    return [np.asarray(column, dtype=np.int64) for column in columns if max(column) < 2**62]


def _is_count(texts: Sequence[str]) -> bool:
    """Return whether at most one group of digits changes, and mostly by one."""
    groups = [re.findall(r"\d+", text) for text in texts]
    if len({len(of_text) for of_text in groups}) > 1:
        return False
    changing = [column for column in zip(*groups, strict=True) if len(set(column)) > 1]
    if len(changing) != 1:
        return not changing
    steps = np.diff(np.sort(np.asarray([int(digits) for digits in changing[0]], dtype=np.float64)))
    return bool(np.median(steps) <= 1)


def _times(matches: Sequence[Match], to_ns: Callable[[Match, bool], int | None]) -> Numbers | None:
    groups = [match.groupdict() for match in matches]
    marks = {of_name.get("mark") or "" for of_name in groups if of_name.get("fraction")}
    widths = {len(of_name.get("fraction") or "") for of_name in groups}
    # 12-00-05_7 to 12-00-05_167 are milliseconds without leading zeros; 5.7 and 5.167 are decimals.
    in_ms = len(widths) > 1 and max(widths) <= 3 and not marks <= {".", ","}
    times = [to_ns(match, in_ms) for match in matches]
    known = [time for time in times if time is not None]
    if len(known) < len(times) or len(set(known)) < len(known):
        return None
    return np.asarray(_past_midnight(known), dtype=np.int64)


def _past_midnight(times_ns: list[int]) -> list[int]:
    """Return times of day, ns, in which times after midnight belong to the next day."""
    if max(times_ns) >= _DAY_NS or max(times_ns) - min(times_ns) < 0.75 * _DAY_NS:
        return times_ns
    return [time + _DAY_NS if time < _DAY_NS // 2 else time for time in times_ns]


def _time_ns(match: Match, in_ms: bool) -> int | None:
    hour, minute, second = (int(match[unit]) for unit in ("hour", "minute", "second"))
    date = _date_ns(match, in_ms) if "year" in match.groupdict() else 0
    if hour > 23 or minute > 59 or second > 59 or date is None:
        return None
    seconds = 3600 * hour + 60 * minute + second
    return date + seconds * _SECOND_NS + _fraction_ns(match["fraction"] or "", in_ms)


def _date_ns(match: Match, _: bool) -> int | None:
    try:
        day = datetime.date(int(match["year"]), int(match["month"]), int(match["day"]))
    except ValueError:
        return None
    return (day.toordinal() - datetime.date(1970, 1, 1).toordinal()) * _DAY_NS


def _stamp_ns(match: Match, in_ms: bool) -> int | None:
    digits = match["stamp"]
    time: int = int(digits) * 10 ** (19 - len(digits))
    least, most = _STAMP_RANGE_NS
    if not least <= time < most:
        return None
    return time + (_fraction_ns(match["fraction"] or "", in_ms) if len(digits) == _STAMP_DIGITS else 0)


def _fraction_ns(digits: str, in_ms: bool) -> int:
    return int(digits or 0) * 10**6 if in_ms else int(digits[:9].ljust(9, "0"))
