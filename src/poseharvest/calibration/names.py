"""Matching of the names of calibrated cameras and footage, such as `int_cam01_img` and `cam01.mp4`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from poseharvest.errors import CalibrationError

Parts = tuple[str, ...]

_CAMERA = "cam"
_SYNONYMS = {"camera": _CAMERA, "kamera": _CAMERA, "c": _CAMERA, "view": _CAMERA, "port": _CAMERA}
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LETTERED = re.compile(r"(cam|camera|kamera|view)([a-z])", re.IGNORECASE)
_REMEDY = (
    '; name the camera of each view in capture.toml, under [names]: view = "camera", '
    "or choose the views that have a camera by --views"
)


def match_names(calibrated: Sequence[str], footage: Sequence[str], *, allow_unmatched: bool = False) -> dict[str, str]:
    """Return the name of the footage by name of the camera, in the order of `calibrated`.

    Equal names match first, then names that differ only in case, then names with a shared run of parts. Parts are words
    and numbers without leading zeros; `camA` is two words. A run counts only if it occurs in exactly one name on each
    side, and parts that all names of a side have are ignored. The longest shared run wins. Names contradict each other
    if the same word has different numbers, so `cam1` never matches `cam10`. A last remaining camera and footage are
    matched if they do not contradict each other. Cameras without footage are left out.

    Args:
        calibrated: names of the cameras in the calibration.
        footage: names of the views.
        allow_unmatched: leave out footage without a camera, instead of raising an error.

    >>> match_names(["int_cam01_img", "int_cam02_img"], ["cam02", "cam01"])
    {'int_cam01_img': 'cam01', 'int_cam02_img': 'cam02'}

    Raises:
        CalibrationError: footage has no camera, or several cameras fit; the message lists the candidates of both sides.
    """
    _refuse_repeats("calibrated cameras", calibrated)
    _refuse_repeats("footage", footage)
    matches = {name: name for name in calibrated if name in set(footage)}
    matches |= _by_key(_remaining(calibrated, matches), _remaining(footage, matches.values()))
    cameras, takes = _remaining(calibrated, matches), _remaining(footage, matches.values())
    matches |= _by_shared_part(_Side(calibrated), _Side(footage), cameras, takes)
    cameras, takes = _remaining(calibrated, matches), _remaining(footage, matches.values())
    if len(cameras) == len(takes) == 1 and not _contradict(cameras[0], takes[0]):
        matches[cameras[0]] = takes[0]
    if not allow_unmatched and len(matches) < len(footage):
        _refuse_missing(calibrated, footage, matches)
    return {name: matches[name] for name in calibrated if name in matches}


def share_a_part(first: str, second: str) -> bool:
    """Return whether two names share a word or number. Matched names that do not were the last remaining pair."""
    return bool(set(_parts(first)) & set(_parts(second)))


def _remaining(names: Sequence[str], matched: Iterable[str]) -> list[str]:
    used = set(matched)
    return [name for name in names if name not in used]


def _by_key(cameras: Sequence[str], takes: Sequence[str]) -> dict[str, str]:
    """Return the pairs that differ only in case, if they are unique."""
    pairs = {}
    for name in cameras:
        same = [take for take in takes if take.casefold() == name.casefold()]
        rivals = [other for other in cameras if other.casefold() == name.casefold()]
        if len(same) == 1 and len(rivals) == 1:
            pairs[name] = same[0]
    return pairs


def _parts(name: str) -> Parts:
    """Return the words and numbers of a name: numbers without leading zeros, the letter of a camera separately.

    >>> _parts("int_Cam01-img")
    ('int', 'cam', '1', 'img')
    >>> _parts("vid1-camA")
    ('vid', '1', 'cam', 'a')
    """
    words = re.findall(r"\d+|[^\W\d_]+", _CAMEL.sub("_", name))
    parts: list[str] = []
    for word in words:
        lettered = _LETTERED.fullmatch(word)
        parts += lettered.groups() if lettered else [word]
    return tuple(_plain(part.casefold()) for part in parts)


def _plain(part: str) -> str:
    """Return a part in standard form: numbers without leading zeros, and one word for a camera."""
    return (part.lstrip("0") or "0") if part.isdigit() else _SYNONYMS.get(part, part)


def _runs(parts: Parts) -> set[Parts]:
    """Return every run of neighbouring parts."""
    return {parts[i:j] for i in range(len(parts)) for j in range(i + 1, len(parts) + 1)}


class _Side:
    """The names of one side, and for each run of parts the only name that has it."""

    def __init__(self, names: Sequence[str]) -> None:
        parts = {name: _parts(name) for name in names}
        cores = _without_common(parts)
        owners: dict[Parts, set[str]] = {}
        for name in names:
            for run in _runs(parts[name]) | _runs(cores[name]):
                owners.setdefault(run, set()).add(name)
        self.names = names
        self.owner = {run: next(iter(having)) for run, having in owners.items() if len(having) == 1}
        for name, core in cores.items():
            if core and list(cores.values()).count(core) == 1:
                # "1" of trial2_cam1 and trial2_cam2 belongs to the first one, even if other parts are 1
                self.owner[core] = name


def _without_common(parts: Mapping[str, Parts]) -> dict[str, Parts]:
    """Return the parts of every name without those that all names have at the same place.

    >>> _without_common({"a": ("trial", "2", "cam", "1"), "b": ("trial", "2", "cam", "2")})
    {'a': ('1',), 'b': ('2',)}
    """
    rows = list(parts.values())
    if len(rows) < 2:
        return dict(parts)
    shortest = min(map(len, rows))
    start = next((i for i in range(shortest) if len({row[i] for row in rows}) > 1), shortest)
    rest = [row[start:] for row in rows]
    shortest = min(map(len, rest))
    end = next((i for i in range(shortest) if len({row[-1 - i] for row in rest}) > 1), shortest)
    rest = [row[: len(row) - end] for row in rest]
    if len({len(row) for row in rest}) == 1:
        varied = [i for i in range(len(rest[0])) if len({row[i] for row in rest}) > 1]
        rest = [tuple(row[i] for i in varied) for row in rest]
    return dict(zip(parts, rest, strict=True))


def _by_shared_part(calibrated: _Side, footage: _Side, cameras: Sequence[str], takes: Sequence[str]) -> dict[str, str]:
    """Return the pairs whose longest shared run, unique on both sides, is longer than that of all rivals."""
    lengths: dict[tuple[str, str], int] = {}
    for run in calibrated.owner.keys() & footage.owner.keys():
        pair = (calibrated.owner[run], footage.owner[run])
        if pair[0] in cameras and pair[1] in takes and not _contradict(*pair):
            lengths[pair] = max(lengths.get(pair, 0), len(run))
    matches: dict[str, str] = {}
    while lengths:
        longest = max(lengths.values())
        best = [pair for pair, length in lengths.items() if length == longest]
        _refuse_ambiguous(best, calibrated.names, footage.names)
        matches |= dict(best)
        matched = {name for pair in best for name in pair}
        lengths = {
            pair: length for pair, length in lengths.items() if pair[0] not in matched and pair[1] not in matched
        }
    return matches


def _contradict(first: str, second: str) -> bool:
    """Return whether the same word has different numbers in the names, as in `cam1` and `cam10`.

    A number alone, as in the name `1`, counts as the number of a camera.
    """
    ours, theirs = _numbered(first), _numbered(second)
    return any(word in theirs and not numbers & theirs[word] for word, numbers in ours.items())


def _numbered(name: str) -> dict[str, set[str]]:
    """Return the numbers of a name, by the word before each number."""
    parts = _parts(name)
    if all(part.isdigit() for part in parts):
        return {_CAMERA: set(parts)}
    parts_by_stem: dict[str, set[str]] = {}
    for before, part in pairwise(parts):
        if part.isdigit() and not before.isdigit():
            parts_by_stem.setdefault(before, set()).add(part)
    return parts_by_stem


def _refuse_repeats(what: str, names: Sequence[str]) -> None:
    repeated = sorted({name for name in names if list(names).count(name) > 1})
    if repeated:
        raise CalibrationError(f"camera names: {what} must be unique, got twice: {', '.join(repeated)}")


def _refuse_ambiguous(pairs: Sequence[tuple[str, str]], calibrated: Sequence[str], footage: Sequence[str]) -> None:
    for camera in calibrated:
        fits = [take for one, take in pairs if one == camera]
        if len(fits) > 1:
            raise CalibrationError(
                f'camera names: calibrated "{camera}" may be any of {_list(sorted(fits))}: '
                f"expected one; {_both(calibrated, footage)}{_REMEDY}"
            )
    for take in footage:
        cameras = [camera for camera in calibrated if (camera, take) in pairs]
        if len(cameras) > 1:
            raise CalibrationError(
                f'camera names: footage "{take}" may be any of {_list(cameras)}: '
                f"expected one; {_both(calibrated, footage)}{_REMEDY}"
            )


def _refuse_missing(calibrated: Sequence[str], footage: Sequence[str], matches: Mapping[str, str]) -> None:
    cameras, takes = _remaining(calibrated, matches), _remaining(footage, matches.values())
    problems = []
    if cameras:
        problems.append(f"no footage for calibrated {_list(cameras)}")
    if takes:
        problems.append(f"no calibrated camera for footage {_list(takes)}")
    raise CalibrationError(f"camera names: {' and '.join(problems)}; {_both(calibrated, footage)}{_REMEDY}")


def _both(calibrated: Sequence[str], footage: Sequence[str]) -> str:
    return f"calibrated are {_list(calibrated)}, footage is {_list(footage)}"


def _list(names: Sequence[str]) -> str:
    listed = ", ".join(f'"{name}"' for name in names[:12])
    return f"{listed} and {len(names) - 12} more" if len(names) > 12 else listed or "none"
