"""The footage that a harvest was made from, opened again and checked to be the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from poseharvest.annotations.reader import Harvest
from poseharvest.capture.capture import Capture
from poseharvest.capture.frames import FrameSource, fingerprints_of
from poseharvest.capture.per_view import PerView
from poseharvest.capture.settings import read_settings, with_timing
from poseharvest.errors import CaptureError, HarvestError


def open_footage_of(harvest: Harvest, folder: Path | None = None) -> Capture:
    """Return the capture that a harvest was made from, with the harvest's own cameras.

    Args:
        harvest: the harvest.
        folder: where the footage lies now; None takes the place that the harvest names.

    Raises:
        CaptureError: the footage is not there any more, or is damaged, or the harvest is of a synthetic capture.
    """
    recorded_path = harvest.info.capture.path
    if folder is None and recorded_path is None:
        raise CaptureError(f"{harvest.path}: was harvested from a synthetic capture, which has no footage")
    place = Path(str(recorded_path)) if folder is None else _moved_to(harvest, folder)
    if not place.is_dir():
        raise CaptureError(
            f"{place}: expected the footage of {harvest.path}, found no folder there: name it with --capture"
        )
    return _open(harvest, place)


def checked_footage_of(harvest: Harvest, given: FrameSource | Path | None) -> FrameSource:
    """Return the footage of a harvest, which may be given, opened or by its folder; it is checked to be the same.

    Raises:
        CaptureError: the footage is missing or is not the harvest's.
    """
    footage = open_footage_of(harvest, given) if given is None or isinstance(given, Path) else given
    check_footage(harvest, footage)
    return footage


def _open(harvest: Harvest, place: Path) -> Capture:
    """Return the footage with the pictures of the harvest's moments; its cameras fit the footage as it is."""
    fitted = {"rotate": PerView(0), "scale": PerView(1.0), "names": {}, "calibration": None}
    settings = read_settings(place).model_copy(update=fitted)
    timing = harvest.info.capture.timing
    known = settings if timing is None else with_timing(settings, timing)
    return Capture.open(place, calibration=harvest.rig, views=harvest.view_names, settings=known)


def check_footage(harvest: Harvest, capture: FrameSource) -> None:
    """Raise CaptureError if the capture has other views than the harvest, fewer frames, or other pictures."""
    if capture.rig.names != harvest.view_names:
        raise CaptureError(
            f"{capture.name}: expected the views {', '.join(harvest.view_names)} of {harvest.path}, "
            f"got {', '.join(capture.rig.names)}"
        )
    if capture.num_frames < harvest.info.capture.num_frames:
        raise CaptureError(
            f"{capture.name}: expected the {harvest.info.capture.num_frames} frames of {harvest.path}, "
            f"got {capture.num_frames}"
        )
    found = fingerprints_of(capture)
    for view, expected in harvest.info.capture.fingerprints.items():
        if view in found and found[view] != expected:
            raise CaptureError(
                f"{capture.name}: view {view}: expected the footage of {harvest.path}, {_described(expected)}, got "
                f"other footage, {_described(found[view])}: name the folder where it lies now (--capture)"
            )


def _described(fingerprint: Mapping[str, int | str]) -> str:
    """Return a fingerprint in words.

    >>> _described({"pictures": 100, "bytes": 2000, "sha256": "0123456789abcdef"})
    '100 pictures in 2000 bytes (01234567)'
    """
    size = f" in {fingerprint['bytes']} bytes ({str(fingerprint['sha256'])[:8]})" if "sha256" in fingerprint else ""
    return f"{fingerprint.get('pictures')} pictures{size}"


def _moved_to(harvest: Harvest, folder: Path) -> Path:
    """Return the folder itself, or the one within it that holds the footage of the harvest, by its fingerprint."""
    if not folder.is_dir():
        return folder
    within = sorted(path for depth in ("*", "*/*") for path in folder.glob(depth) if path.is_dir())
    named_alike = (path for path in within if path.name == harvest.info.capture.name)
    return next((place for place in (folder, *named_alike) if _holds_footage_of(harvest, place)), folder)


def _holds_footage_of(harvest: Harvest, place: Path) -> bool:
    """Return whether a folder holds the footage of a harvest; False if the harvest is too old to tell."""
    try:
        return bool(known := harvest.info.capture.fingerprints) and fingerprints_of(_open(harvest, place)) == known
    except HarvestError:
        return False
