"""Search for the only calibration of a folder. Several files with the same cameras count as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from poseharvest.calibration.build import ReadOptions
from poseharvest.calibration.foreign import foreign_kind
from poseharvest.calibration.formats import FORMATS, is_calibration, read_file, recognise
from poseharvest.errors import CalibrationError, FormatError, HarvestError, NoCalibrationError
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig

_SUFFIXES = frozenset(suffix for known in FORMATS.values() for suffix in known.suffixes)
_FOREIGN_SUFFIXES = _SUFFIXES | {".cal", ".bin"}
_DEEPER = tuple(pattern for known in FORMATS.values() for pattern in known.deeper)
_MAX_BYTES = 50_000_000
_MAX_DEPTH, _MAX_LOOKED_AT = 3, 100
_SAME_PIXELS, _SAME_TURN, _SAME_PLACE_MM = 1e-2, 1e-5, 0.1


def find_calibration(folder: str | Path, on_note: Callable[[str], None] | None = None) -> Path:
    """Return the only calibration in the folder or in a folder `*calib*` within it.

    Files that are one calibration together are returned as one of them (`intri.yml` for EasyMocap). Files with the same
    cameras count as one. A file that cannot be read is ignored if another one can be read. `on_note` receives a note in
    both cases.

    Raises:
        NoCalibrationError: there is no calibration.
        CalibrationError: there is more than one, or one that cannot be used; the message lists the files.
    """
    folder = Path(folder)
    places = [
        folder,
        *(child for child in sorted(folder.iterdir()) if child.is_dir() and "calib" in child.name.lower()),
    ]
    candidates = _leaders(path for place in places for path in _files(place) if _may_be_calibration(path))
    calibrations = [path for path in candidates if is_calibration(path)]
    if len(calibrations) > 1:
        calibrations = _distinct(calibrations, on_note or (lambda note: None))
    if len(calibrations) == 1:
        return calibrations[0]
    if calibrations:
        names = _listed(calibrations, folder)
        raise CalibrationError(
            f"{folder}: expected one calibration, found {len(calibrations)}: {names}: "
            "say which one to use (--calibration)"
        )
    raise _none_found(folder, candidates)


def _listed(paths: Sequence[Path], folder: Path) -> str:
    return ", ".join(path.relative_to(folder).as_posix() for path in paths)


def _distinct(calibrations: list[Path], on_note: Callable[[str], None]) -> list[Path]:
    """Return the files without duplicates and unreadable files; all files if none would remain."""
    looks = {path: _look(path) for path in calibrations}
    usable = [path for path, look in looks.items() if look.broken is None]
    if not usable:
        return calibrations
    for look in looks.values():
        if look.broken is not None:
            on_note(f"not used, beside another calibration: {look.broken}")
    distinct: list[Path] = []
    for path in usable:
        twin = next((other for other in distinct if _are_one(looks[other].rig, looks[path].rig)), None)
        if twin is None:
            distinct.append(path)
        else:
            on_note(f"{twin.name} and {path.name} hold the same cameras: {twin.name} is used")
    return distinct


@dataclass(frozen=True, eq=False)
class _Look:
    """The rig of a file, or the reason why it has none. Both are None if the footage is needed to decide."""

    rig: Rig | None = None
    broken: str | None = None


def _look(path: Path) -> _Look:
    try:
        return _Look(rig=read_file(path, ReadOptions(on_note=lambda note: None)))
    except HarvestError as error:
        is_broken = isinstance(error, FormatError) or "no extrinsics" in str(error)
        return _Look(broken=str(error)) if is_broken else _Look()


def _are_one(first: Rig | None, second: Rig | None) -> bool:
    """Return whether two rigs hold the same cameras in any order; names may differ, but not be exchanged."""
    if first is None or second is None or len(first) != len(second):
        return False
    remaining = list(second.at(0))
    for camera in first.at(0):
        named = [other for other in remaining if other.name == camera.name]
        twin = next((other for other in named or remaining if _same_camera(camera, other)), None)
        if twin is None:
            return False
        remaining.remove(twin)
    return True


def _same_camera(first: object, second: object) -> bool:
    if not (isinstance(first, Camera) and isinstance(second, Camera)) or first.image_size != second.image_size:
        return False
    height, width = first.image_size
    corners = torch.cartesian_prod(torch.tensor([0.0, width - 1.0]), torch.tensor([0.0, height - 1.0])).double()
    ours, theirs = first.pixel_rays(corners), second.pixel_rays(corners)
    return (
        bool((first.px_from_cam - second.px_from_cam).abs().max() < _SAME_PIXELS)
        and bool((first.center - second.center).norm() < _SAME_PLACE_MM)
        and torch.equal(ours.valid, theirs.valid)
        and bool(
            (ours.direction - theirs.direction)[ours.valid].abs().amax() < _SAME_TURN if ours.valid.any() else True
        )
    )


def _none_found(folder: Path, candidates: Sequence[Path]) -> CalibrationError:
    """Return the error for a folder without a calibration; it describes the files in the folder."""
    if len(candidates) == 1:
        try:
            recognise(candidates[0])
        except CalibrationError as error:
            return error
    for path in _near(folder):
        kind = foreign_kind(path)
        if kind is not None:
            where = path.relative_to(folder).as_posix()
            kind_of_error = NoCalibrationError if kind.what.endswith("no calibration") else CalibrationError
            return kind_of_error(f"{folder}: expected a calibration, found {where}, {kind.what}: {kind.remedy}")
    outcome = f"none of {_listed(candidates, folder)} is one" if candidates else "there is no file of its kind"
    return NoCalibrationError(
        f"{folder}: expected a calibration, found none: {outcome} (formats: {', '.join(FORMATS)}): "
        "name it by --calibration if it lies elsewhere"
    )


def _near(folder: Path) -> Iterator[Path]:
    """Yield the files, in the folder and its subfolders, that a user may confuse with a calibration."""
    count = 0
    for depth in range(_MAX_DEPTH):
        for path in sorted(folder.glob("/".join(["*"] * (depth + 1)))):
            if path.suffix.lower() not in _FOREIGN_SUFFIXES or not _is_small(path):
                continue
            count += 1
            if count > _MAX_LOOKED_AT:
                return
            yield path


def _is_small(path: Path) -> bool:
    return path.is_file() and not path.name.startswith("._") and path.stat().st_size <= _MAX_BYTES


def _may_be_calibration(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES and _is_small(path)


def _files(place: Path) -> list[Path]:
    """Return what lies in a folder, and the files deeper in it that a format keeps there."""
    return [*sorted(place.iterdir()), *sorted(path for pattern in _DEEPER for path in place.glob(pattern))]


def _leaders(paths: Iterable[Path]) -> list[Path]:
    """Return one file of each calibration in several files, and the other files as they are."""
    leaders: dict[Path, None] = {}
    for path in paths:
        for known in FORMATS.values():
            path = path if known.leader is None else known.leader(path)  # noqa: PLW2901
        leaders[path] = None
    return list(leaders)
