"""Handling of footage that cannot be decoded: an error, or a warning and a view without pictures."""

from __future__ import annotations

import logging
from pathlib import Path

from poseharvest.capture.settings import DamagePolicy
from poseharvest.errors import CaptureError

_log = logging.getLogger(__name__)


def fail(path: Path, what: str, on_damage: DamagePolicy) -> None:
    """Raise a CaptureError for damaged footage if `on_damage` is "error", else log a warning."""
    if on_damage == "error":
        raise CaptureError(f'{path}: {what}; with on_damage = "drop" the view drops out there instead')
    _log.warning("%s: %s; the view drops out there", path, what)
