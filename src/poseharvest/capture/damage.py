"""What happens where footage cannot be decoded: an error, or a view that drops out with a warning in the log."""

from __future__ import annotations

import logging
from pathlib import Path

from poseharvest.capture.settings import DamagePolicy
from poseharvest.errors import CaptureError

_log = logging.getLogger(__name__)


def fail(path: Path, what: str, on_damage: DamagePolicy) -> None:
    """Raise CaptureError for damaged footage, or log it, as `on_damage` says."""
    if on_damage == "error":
        raise CaptureError(f'{path}: {what}; with on_damage = "drop" the view drops out there instead')
    _log.warning("%s: %s; the view drops out there", path, what)
