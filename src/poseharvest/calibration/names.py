"""Which calibrated camera took which footage: `int_cam01_img` and `cam01.mp4` are one camera."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from poseharvest.errors import CalibrationError

Parts = tuple[str, ...]


def match_names(calibrated: Sequence[str], footage: Sequence[str]) -> dict[str, str]:
    """Return the footage of every calibrated camera, by name, in the order of `calibrated`.

    First by the same name, then by the same name in other case, then by a unique shared part: a run of words and
    numbers (leading zeros aside) that occurs in exactly one of the calibrated names and in exactly one of the
    footage's. So `cam1` never meets `cam10`, and a part that all names share decides nothing.

    >>> match_names(["int_cam01_img", "int_cam02_img"], ["cam02", "cam01"])
    {'int_cam01_img': 'cam01', 'int_cam02_img': 'cam02'}

    Raises:
        CalibrationError: a camera has no footage, footage has no camera, or more than one would fit; the message
            names the candidates on both sides.
    """
    _refuse_repeats("calibrated cameras", calibrated)
    _refuse_repeats("footage", footage)
    found = {name: name for name in calibrated if name in set(footage)}
    found |= _by_key(_remaining(calibrated, found), _remaining(footage, found.values()))
    cameras, takes = _remaining(calibrated, found), _remaining(footage, found.values())
    owners = (_owners(calibrated), _owners(footage))
    candidates = _by_shared_part(cameras, takes, owners)
    _refuse_ambiguous(candidates, calibrated, footage)
    found |= {name: fits[0] for name, fits in candidates.items() if fits}
    _refuse_missing(calibrated, footage, found)
    return {name: found[name] for name in calibrated}


def _remaining(names: Sequence[str], taken: Iterable[str]) -> list[str]:
    used = set(taken)
    return [name for name in names if name not in used]


def _by_key(cameras: Sequence[str], takes: Sequence[str]) -> dict[str, str]:
    """Return the pairs that differ in case alone, where that is unique."""
    pairs = {}
    for name in cameras:
        same = [take for take in takes if take.casefold() == name.casefold()]
        rivals = [other for other in cameras if other.casefold() == name.casefold()]
        if len(same) == 1 and len(rivals) == 1:
            pairs[name] = same[0]
    return pairs


def _parts(name: str) -> Parts:
    """Return the words and numbers of a name, numbers without leading zeros.

    >>> _parts("int_Cam01-img")
    ('int', 'cam', '1', 'img')
    """
    parts = re.findall(r"\d+|[^\W\d_]+", name.casefold())
    return tuple(part.lstrip("0") or "0" if part.isdigit() else part for part in parts)


def _runs(name: str) -> set[Parts]:
    """Return every run of neighbouring parts of a name."""
    parts = _parts(name)
    return {parts[i:j] for i in range(len(parts)) for j in range(i + 1, len(parts) + 1)}


def _owners(names: Sequence[str]) -> dict[Parts, str]:
    """Return the only name that has a run, for every run that only one name has."""
    owners: dict[Parts, list[str]] = {}
    for name in names:
        for run in _runs(name):
            owners.setdefault(run, []).append(name)
    return {run: having[0] for run, having in owners.items() if len(having) == 1}


def _by_shared_part(
    cameras: Sequence[str], takes: Sequence[str], owners: tuple[dict[Parts, str], dict[Parts, str]]
) -> dict[str, list[str]]:
    """Return for every camera the footage with which it shares a run that no other name of either side has."""
    camera_of, take_of = owners
    fits: dict[str, list[str]] = {name: [] for name in cameras}
    for run in camera_of.keys() & take_of.keys():
        camera, take = camera_of[run], take_of[run]
        if camera in fits and take in takes and take not in fits[camera] and not _contradict(camera, take):
            fits[camera].append(take)
    return fits


def _contradict(first: str, second: str) -> bool:
    """Return whether both names hold numbers and none is common to both: `cam1` and `cam10`."""
    ours, theirs = ({part for part in _parts(name) if part.isdigit()} for name in (first, second))
    return bool(ours) and bool(theirs) and not ours & theirs


def _refuse_repeats(what: str, names: Sequence[str]) -> None:
    repeated = sorted({name for name in names if list(names).count(name) > 1})
    if repeated:
        raise CalibrationError(f"camera names: {what} must be unique, got twice: {', '.join(repeated)}")


def _refuse_ambiguous(fits: Mapping[str, list[str]], calibrated: Sequence[str], footage: Sequence[str]) -> None:
    for camera, takes in fits.items():
        if len(takes) > 1:
            raise CalibrationError(
                f'camera names: calibrated "{camera}" may be any of {_list(sorted(takes))}: '
                f"expected one; {_both(calibrated, footage)}"
            )
    for take in sorted({take for takes in fits.values() for take in takes}):
        cameras = [camera for camera, takes in fits.items() if take in takes]
        if len(cameras) > 1:
            raise CalibrationError(
                f'camera names: footage "{take}" may be any of {_list(cameras)}: '
                f"expected one; {_both(calibrated, footage)}"
            )


def _refuse_missing(calibrated: Sequence[str], footage: Sequence[str], found: Mapping[str, str]) -> None:
    cameras, takes = _remaining(calibrated, found), _remaining(footage, found.values())
    if not cameras and not takes:
        return
    problems = []
    if cameras:
        problems.append(f"no footage for calibrated {_list(cameras)}")
    if takes:
        problems.append(f"no calibrated camera for footage {_list(takes)}")
    raise CalibrationError(f"camera names: {' and '.join(problems)}; {_both(calibrated, footage)}")


def _both(calibrated: Sequence[str], footage: Sequence[str]) -> str:
    return f"calibrated are {_list(calibrated)}, footage is {_list(footage)}"


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(f'"{name}"' for name in names[:12])
    return f"{shown} and {len(names) - 12} more" if len(names) > 12 else shown or "none"
